"""With billing and orders left out, the rest of the product stands: migrations, and the tests of catalog and runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.xdist_group("left-out")
def test_migrations_and_the_tests_of_catalog_and_runs_pass_without_billing_and_orders() -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    name = os.environ["DATABASE_URL"].rpartition("/")
    environment = kept | {
        "LOOKALIKE_WITHOUT": "billing,generation.orders",
        "DATABASE_URL": f"{name[0]}/{name[2]}_left_out",
    }
    command = [
        *(
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "-o",
            "addopts=-p tests.services -p tests.stripe_world",
        ),
        *("-m", "not slow", "--ignore=tests/catalog/clients"),  # other people's programs see no part of ours
        *("tests/catalog", "tests/generation/runs/test_runs.py"),
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
