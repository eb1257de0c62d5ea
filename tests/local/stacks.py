"""``manage.py up`` as a process of its own, and what can be seen of it from outside."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 240.0


@dataclass(frozen=True)
class Process:
    """A process, told from a later one with the same number by when it began."""

    pid: int
    began: str

    @property
    def alive(self) -> bool:
        """Does it run? A zombie does not."""
        state = _state(self.pid)
        return state is not None and state.began == self.began and state.letter != "Z"

    @property
    def command(self) -> str:
        """Its command line."""
        return _read(self.pid, "cmdline").replace("\0", " ").strip()


class Up:
    """One ``manage.py up`` with its data in ``var``, under ``home``: no process outside of it names that folder.

    Unless ``shelves`` are asked for there is nothing on them, which takes workers a while.
    """

    def __init__(
        self,
        home: Path,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        *,
        shelves: bool = False,
    ) -> None:
        self.home = home
        self.var = home / "var"
        self.said = home / "said.txt"
        command = [sys.executable, str(ROOT / "manage.py"), "up", *(() if shelves else ("--without-shelves",))]
        if user:
            command = [sys.executable, str(Path(__file__).with_name(f"as_{user}.py")), *command]
        # No program is on this PATH: all that the stack runs comes with it.
        plain = {"PATH": str(home / "nothing"), "HOME": str(home), "TMPDIR": str(home), "LOOKALIKE_VAR": str(self.var)}
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                command,
                env=plain | dict(environment or {}),
                cwd="/",
                stdout=said,
                stderr=said,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def file(self) -> Path:
        """Where the stack says where everything is."""
        return self.var / "stack.json"

    @property
    def facts(self) -> dict[str, Any]:
        """What it says there."""
        return dict(json.loads(self.file.read_text()))

    @property
    def words(self) -> str:
        """What it has told people so far."""
        return self.said.read_text(errors="replace")

    def wait(self) -> None:
        """Return when the stack says that it is ready."""
        self.until(self.file.exists, what="stack.json")

    def until(self, happened: Callable[[], bool], *, what: str, seconds: float = _START_SECONDS) -> None:
        """Wait for something to happen while the stack runs; fail with what it said when it never does."""
        end = time.monotonic() + seconds
        while not happened():
            assert self.process.poll() is None, f"The stack ended before {what}:\n{self.words}"
            assert time.monotonic() < end, f"{what} did not happen:\n{self.words}"
            time.sleep(0.2)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the stack's own process, not to its children."""
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Have it end, and return its exit status."""
        self.send(number)
        return self.process.wait(240)

    def children(self, *words: str) -> list[Process]:
        """The programs that the stack started, by words of their command lines; not their guards."""
        guards = [child for child in family(self.process.pid) if _GUARD in child.command]
        programs = [program for guard in guards for program in _children(guard.pid)]
        return [program for program in programs if all(word in program.command for word in words)]

    def child(self, *words: str) -> Process:
        """The one program that the stack started with these words."""
        (found,) = self.children(*words)
        return found

    def guard(self, *words: str) -> Process:
        """The process that stands between the stack and one of its programs."""
        (found,) = [child for child in _children(self.process.pid) if all(word in child.command for word in words)]
        return found

    def everything(self) -> list[Process]:
        """The stack's process and all its descendants."""
        own = process(self.process.pid)
        return [*([own] if own else []), *family(self.process.pid)]

    def left(self) -> list[str]:
        """Command lines of all processes that have this stack's folder in environment, command line or work folder."""
        return [found.command or str(found.pid) for found in _marked(str(self.home))]

    def clear(self) -> None:
        """End whatever is left, for the sake of the tests that follow."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(240)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for found in _marked(str(self.home)):
            os.kill(found.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Page:
    """What a request ended up with."""

    status: int
    path: str
    text: str


class Visitor:
    """Somebody with a browser's cookies at a site."""

    def __init__(self, site: str) -> None:
        self.site = site
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        )

    def get(self, path: str) -> Page:
        """Ask for a page, and follow where it leads."""
        return self._open(urllib.request.Request(self.site + path))

    def sign_in(self, login: Mapping[str, Any]) -> str:
        """Sign in and return the account page; it turns strangers away."""
        page = self.get("/accounts/login/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token, page
        form = {"login": login["email"], "password": login["password"], "csrfmiddlewaretoken": token[1]}
        address = f"{self.site}/accounts/login/"
        sent = urllib.request.Request(address, urllib.parse.urlencode(form).encode(), {"Referer": address})
        answer = self._open(sent)
        own = self.get("/account")
        assert (own.status, own.path) == (http.client.OK, "/account"), f"{login['email']}: {answer}, then {own}"
        return own.text

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            answer = self._opener.open(request, timeout=240)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Page(answer.status, urllib.parse.urlsplit(answer.url).path, answer.read().decode())


def answers(site: str) -> bool:
    """Does the site serve its first page, which reads the database?"""
    try:
        return Visitor(site).get("/").status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


def process(pid: int) -> Process | None:
    """The process with this number, if there is one."""
    state = _state(pid)
    return Process(pid, state.began) if state else None


def family(pid: int) -> list[Process]:
    """All descendants of a process."""
    found = _children(pid)
    return [*found, *(younger for child in found for younger in family(child.pid))]


_GUARD = "local/guard.py"


@dataclass(frozen=True)
class _State:
    letter: str
    began: str


def _state(pid: int) -> _State | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return _State(fields[0], fields[19])


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _children(pid: int) -> list[Process]:
    numbers = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            numbers += (thread / "children").read_text().split()
    return [child for number in numbers if (child := process(int(number)))]


def _marked(mark: str) -> list[Process]:
    found = []
    for pid in _pids():
        seen = process(pid)
        if seen is None or pid == os.getpid() or not seen.alive:
            continue
        if mark in _read(pid, "environ") or mark in _read(pid, "cmdline") or mark in _work_folder(pid):
            found.append(seen)
    return found


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _work_folder(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return ""


def libraries(seen: Process) -> str:
    """The names of all files that a process has mapped into its memory."""
    return _read(seen.pid, "maps")
