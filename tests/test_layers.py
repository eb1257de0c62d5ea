"""Who may import whom is checked by planting imports that the linter must name; how rows are locked, by reading."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("marketplace", "catalog", "generation", "billing")
LINTER = Path(sys.executable).with_name("lint-imports")

PLANTED = {
    "catalog/licensing.py": "import generation.runs.lifecycle",
    "generation/runs/lifecycle.py": "import generation.orders.ordering",
    "billing/apps.py": "import generation.runs.registry",
    "marketplace/work/queue.py": "import marketplace.accounts.tokens",
    "marketplace/mail/outbox.py": "import marketplace.accounts.models",
    "marketplace/local/stack.py": "import marketplace.storage.blobs",
    "generation/sdk/streams.py": "import django",
    "generation/generators/tabular/fitted/model.py": "import generation.runner.plan",
    "generation/quality/profile.py": "import generation.sdk.streams",
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [LINTER, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_every_package_is_held_by_a_contract_and_all_are_kept(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout
    config = (copy / "pyproject.toml").read_text().partition("[tool.importlinter]")[2]
    assert "ignore_imports" not in config
    parts = [
        f"{package}.{part.name.removesuffix('.py')}"
        for package in ("marketplace", "generation")
        for part in (copy / package).iterdir()
        if part.name != "__init__.py" and (part.suffix == ".py" or (part / "__init__.py").exists())
    ]
    assert [part for part in [*parts, "catalog", "billing"] if part not in config] == []


def test_an_import_planted_against_the_layers_fails_and_is_named(copy: Path) -> None:
    for place, line in PLANTED.items():
        module = copy / place
        module.write_text(f"{module.read_text()}\n{line}\n")
    done = lint(copy)
    assert done.returncode == 1
    # A chain is shown as "importer -> imported (l.12)", wrapped at the width of a terminal.
    told = "".join(done.stdout.split())
    for place, line in PLANTED.items():
        importer = place.removesuffix(".py").replace("/", ".")
        assert f"{importer}->{line.removeprefix('import ')}" in told, f"{place}: {line}"


def test_every_row_lock_lets_rows_that_point_to_it_be_written() -> None:
    """A plain FOR UPDATE keeps them waiting, and two who write the same row then wait for each other."""
    locks = {
        f"{module.relative_to(ROOT)}: {call}"
        for package in PACKAGES
        for module in (ROOT / package).rglob("*.py")
        for call in re.findall(r"select_for_update\([^\n]*", module.read_text())
    }
    assert len(locks) > 20
    assert sorted(lock for lock in locks if "(no_key=True" not in lock) == []
