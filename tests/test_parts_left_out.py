"""With billing and orders left out, the rest of the product stands: migrations, and the tests of catalog and runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


#: What touches pages, publishing, licences and mail at once; the rest of these folders takes minutes.
TOUCHING = ("publishing", "terms")


@pytest.mark.parametrize("touching", [TOUCHING, pytest.param((), marks=pytest.mark.slow)], ids=["some", "all"])
@pytest.mark.xdist_group("left-out")
def test_migrations_and_the_tests_of_catalog_and_runs_pass_without_billing_and_orders(
    touching: tuple[str, ...],
) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    name = os.environ["DATABASE_URL"].rpartition("/")
    environment = kept | {
        "LOOKALIKE_WITHOUT": "billing,generation.orders",
        "DATABASE_URL": f"{name[0]}/{name[2]}_left_out",
    }
    paths = [str(path) for path in sorted((ROOT / "tests/catalog").glob("test_*.py"))] + [
        "tests/generation/runs/test_runs.py"
    ]
    if not touching:
        paths = ["tests/catalog", "--ignore=tests/catalog/clients", paths[-1]]  # clients see no part of ours
    else:
        paths = [path for path in paths if any(word in path for word in touching)]
    plugins = "addopts=-p tests.services -p tests.stripe_world"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", plugins]
    done = subprocess.run(
        [*command, "-m", "not slow", *paths], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
