"""The product as `make run` starts it, in a folder of its own; journeys know it by what it tells scripts."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
#: All that the stack gets of our environment: it must bring its own parts, also where the tests were given some.
_PASSED_ON = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
_SERVERS_OWN = {"postgresql.log", "valkey.log", "s3.log"}
_ERROR = re.compile(r"\b(ERROR|CRITICAL)\b")
_START_SECONDS = 300
_STOP_SECONDS = 240


@dataclass(frozen=True)
class Login:
    """Somebody who can sign in."""

    email: str
    password: str


@dataclass(frozen=True)
class Stack:
    """A running stack: ``told`` is its ``stack.json``."""

    var: Path
    told: dict[str, Any]

    @property
    def site(self) -> str:
        """The address of the site."""
        return str(self.told["site"])

    def login(self, *, staff: bool) -> Login:
        """The demo login of the staff, or of the buyer."""
        found = next(login for login in self.told["logins"] if login["staff"] is staff)
        return Login(found["email"], found["password"])

    def troubles(self) -> list[str]:
        """What the logs of the site, the workers and beat hold of errors that nobody answered."""
        logs = [log for log in sorted((self.var / "log").glob("*.log")) if log.name not in _SERVERS_OWN]
        return [f"{log.name}: {line}" for log in logs for line in _troubles(log.read_text(errors="replace"))]


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """Start a stack with nothing but its own parts; yield once it says that it is ready; end it as Ctrl-C does."""
    var, output = folder / "var", folder / "output.txt"
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {"LOOKALIKE_VAR": str(var)}
    with output.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Stack(var, _wait_for(var / "stack.json", process, output))
    finally:
        process.send_signal(signal.SIGINT)
        try:
            status = process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert status == 0, output.read_text()


def _troubles(log: str) -> Iterator[str]:
    """Records of errors, and tracebacks that do not explain a warning: a refusal is logged as one."""
    for before, line in pairwise(["", *log.splitlines()]):
        if _ERROR.search(line) or (line.startswith("Traceback") and "WARNING" not in before):
            yield line


def _wait_for(document: Path, process: subprocess.Popen[bytes], output: Path) -> dict[str, Any]:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if document.exists():
            told: dict[str, Any] = json.loads(document.read_text())
            return told
        if process.poll() is not None:
            raise AssertionError(f"The stack ended as it started:\n{output.read_text()}")
        time.sleep(0.2)
    raise AssertionError(f"The stack was not ready in {_START_SECONDS} s:\n{output.read_text()}")
