"""Tests of one group share servers and files, so pytest-xdist must run them in one process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_MODULE = """
import os, pathlib, pytest

@pytest.mark.xdist_group("together")
@pytest.mark.parametrize("number", range(8))
def test_where_it_runs(number):
    with pathlib.Path(os.environ["SEEN"]).open("a") as seen:
        seen.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")
"""


def test_tests_of_one_group_run_in_one_process(tmp_path: Path) -> None:
    for name in ("test_one.py", "test_two.py"):
        (tmp_path / name).write_text(_MODULE)
    (tmp_path / "pytest.ini").touch()
    seen = tmp_path / "seen"
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "DJANGO_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-p", "no:django", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=plain | {"SEEN": str(seen)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    workers = seen.read_text().split()
    assert len(workers) == 16
    assert len(set(workers)) == 1
