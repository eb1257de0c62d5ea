"""Make ``.venv`` from ``requirements.lock``: needs Python 3.11 to 3.13 and nothing else.

Run as a file by the Makefile, before anything is installed, so it uses the standard library only. It says what it
installs, does nothing when the lock is installed already, and with ``--chromium`` also finds a browser for the tests.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "installed"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main() -> int:
    """Install what is missing; return an exit status."""
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        say(
            f"Python 3.11, 3.12 or 3.13 is needed; {sys.executable} is {sys.version.split()[0]}. "
            "Name another, for example: make run PYTHON=python3.12"
        )
        return 1
    if not _installed():
        _install()
    if "--chromium" in sys.argv:
        _chromium()
    return 0


def say(text: str) -> None:
    """Tell whoever waits."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _wanted() -> str:
    return hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()


def _installed() -> bool:
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == _wanted()


def _install() -> None:
    packages = sum(line[:1].isalnum() for line in LOCK.read_text().splitlines())
    say(f"Installing {packages} pinned packages into {VENV} (about 1.6 GB; the first time takes a minute).")
    uv = shutil.which("uv")
    STAMP.unlink(missing_ok=True)
    if not PYTHON.exists():
        _make_venv()
    if uv is None:
        done = subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "uv"], check=False)
        uv = str(VENV / "bin" / "uv") if done.returncode == 0 else None
    by_pip = [str(PYTHON), "-m", "pip", "install"]
    if uv is None or not _install_by([uv, "pip", "install", "--python", str(PYTHON)]):
        if uv is not None:
            say("uv could not install them; pip tries, which takes some minutes.")
        if not _install_by(by_pip):
            say("The packages could not be installed; what is above says why. Nothing else was changed.")
            sys.exit(1)
    STAMP.write_text(_wanted())


def _install_by(installer: list[str]) -> bool:
    """Install the lock, then this project; ``False`` when either failed. Certificates are the system's, as for pip."""
    environment = os.environ | {"UV_SYSTEM_CERTS": "true"}
    steps = (["--require-hashes", "-r", str(LOCK)], ["--no-deps", "--no-build-isolation", "-e", str(ROOT)])
    return all(
        subprocess.run([*installer, "--quiet", *step], env=environment, check=False).returncode == 0 for step in steps
    )


def _make_venv() -> None:
    """Make ``.venv``, whole or not at all: some systems have Python without the part that brings pip."""
    done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False)
    if done.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        say(f"{sys.executable} -m venv failed. On Debian and Ubuntu: apt-get install python3-venv")
        sys.exit(done.returncode)


def find_chromium(python: Path = PYTHON) -> Path | None:
    """Return the browser of the tests: ``LOOKALIKE_CHROMIUM`` and no other if set, else one on PATH, else Playwright's.

    ``python`` is the one that has Playwright.
    """
    if named := os.environ.get("LOOKALIKE_CHROMIUM"):
        return Path(named) if Path(named).is_file() else None
    for name in _BROWSERS:
        if found := shutil.which(name):
            return Path(found)
    return _playwrights_own(python)


def _chromium() -> None:
    """Find a browser for the tests, or get one; without one the tests say which journeys they skipped."""
    if os.environ.get("LOOKALIKE_CHROMIUM") or find_chromium():
        return
    say("Getting Chromium for the browser tests.")
    got = subprocess.run([PYTHON, "-m", "playwright", "install", "chromium"], capture_output=True, check=False)
    if got.returncode == 0:
        return
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run([apt, "update", "-qq"], env=environment, stdout=subprocess.DEVNULL, check=False)
        subprocess.run(
            [apt, "install", "-y", "-qq", "chromium"], env=environment, stdout=subprocess.DEVNULL, check=False
        )
    if find_chromium() is None:
        say("No Chromium is to be had: set LOOKALIKE_CHROMIUM to one, or the browser tests are skipped.")


def _playwrights_own(python: Path) -> Path | None:
    code = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    own = Path(found.stdout.strip())
    return own if found.returncode == 0 and own.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
