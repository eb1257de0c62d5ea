"""Where no Chromium can be had, nobody takes a run without journeys for a whole one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from marketplace.local.bootstrap import find_chromium

ROOT = Path(__file__).resolve().parents[1]


def journeys(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run all journeys on the parts of this test process and without a browser."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_") and name != "CI"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, "tests/journeys"],
        env=ours | {"LOOKALIKE_CHROMIUM": str(ROOT / "no-such-browser")} | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def written() -> set[str]:
    """The names of all journeys."""
    texts = [file.read_text() for file in (ROOT / "tests" / "journeys").glob("test_*.py")]
    return set(re.findall(r"^def (test_\w+)", "\n".join(texts), re.MULTILINE))


@pytest.fixture(scope="module")
def skipped() -> subprocess.CompletedProcess[str]:
    """All journeys skipped, in two processes as ``make test`` has them."""
    return journeys("-v", "-n", "2", "--dist", "loadgroup")


def test_the_last_line_names_the_journeys_that_were_skipped(skipped: subprocess.CompletedProcess[str]) -> None:
    assert skipped.returncode == 0, skipped.stdout
    last = skipped.stdout.splitlines()[-1]
    assert last.startswith("Skipped for want of Chromium: ")
    assert last.endswith("Set LOOKALIKE_CHROMIUM to a Chromium or Chrome.")
    assert set(re.findall(r"test_\w+", last)) == written()


def test_all_journeys_come_to_one_process_since_they_share_a_stack(skipped: subprocess.CompletedProcess[str]) -> None:
    came = re.findall(r"^\[(gw\d)\] .* SKIPPED tests/journeys/", skipped.stdout, re.MULTILINE)
    assert len(came) == len(written())
    assert len(set(came)) == 1


def test_in_ci_the_run_fails_and_still_names_them() -> None:
    done = journeys(CI="true")
    assert done.returncode == 1, done.stdout
    last = done.stdout.splitlines()[-1]
    assert last.startswith("Failed for want of Chromium: ")
    assert set(re.findall(r"test_\w+", last)) == written()


def test_a_browser_named_by_hand_is_taken_before_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mine", "chromium"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("LOOKALIKE_CHROMIUM", raising=False)
    assert find_chromium() == tmp_path / "chromium"
    monkeypatch.setenv("LOOKALIKE_CHROMIUM", str(tmp_path / "mine"))
    assert find_chromium() == tmp_path / "mine"
    monkeypatch.setenv("LOOKALIKE_CHROMIUM", str(tmp_path / "gone"))
    assert find_chromium() is None


def test_where_path_has_none_playwrights_own_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.delenv("LOOKALIKE_CHROMIUM", raising=False)
    assert find_chromium(Path(sys.executable)) is None
