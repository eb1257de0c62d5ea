"""Child processes of the stack: each in a group of its own, with a log, and gone when this process is gone."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_TAIL_LINES = 15
#: Below the ports of outgoing connections, one of which could take a port before its server listens on it.
_FIRST_PORT, _LAST_PORT = 20_000, 32_000
_TRIES = 1_000
#: Held as long as this process lives.
_CLAIMS: list[socket.socket] = []


class StackError(Exception):
    """A part of the stack cannot be had, or does not start; the message says what to do."""


def free_port(preferred: int) -> int:
    """``preferred`` if nobody listens there on loopback or is about to, else any free port."""
    if preferred and _is_free(preferred) and _claim(preferred):
        return preferred
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """As many different free ports, below those that the system gives to outgoing connections."""
    found: list[int] = []
    for _ in range(_TRIES):
        port = _FIRST_PORT + secrets.randbelow(_LAST_PORT - _FIRST_PORT)
        if port not in found and _is_free(port) and _claim(port):
            found.append(port)
        if len(found) == count:
            return found
    raise StackError(f"There are no {count} free ports from {_FIRST_PORT} to {_LAST_PORT} on 127.0.0.1.")


def accepts(port: int) -> bool:
    """Does somebody answer on this loopback port?"""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def working_in(folder: Path) -> list[int]:
    """The numbers of all processes that run with this work folder; none where there is no ``/proc``.

    A zombie has no work folder any more, so it is not among them.
    """
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if link.readlink() == folder:
                found.append(int(link.parent.name))
    return found


def guarded(command: Sequence[str], last: signal.Signals = signal.SIGTERM) -> list[str]:
    """``command`` under ``guard``, which ends it by ``last`` when this process is gone."""
    guard = str(Path(__file__).with_name("guard.py"))
    return [sys.executable, "-I", guard, str(os.getpid()), str(int(last)), *command]


@dataclass
class Child:
    """One child process: how it is started, and whether it is healthy.

    ``healthy`` is asked until it says yes. ``clear`` removes what an earlier child left that is not of its group. The
    child runs under ``guard``, which ends it when we die, also by SIGKILL; ``keep_open`` are descriptors that the guard
    holds as long as it lives.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    healthy: Callable[[], bool] = lambda: True
    clear: Callable[[], None] = lambda: None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    folder: Path | None = None
    keep_open: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)

    def start(self, output: int | None = None) -> None:
        """Start the child; all it says, or what it says beside ``output``, goes to the end of its log.

        What a killed child left running goes first: it would hold the ports and files of the next one.
        """
        self._end_group()
        self.clear()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.started = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                guarded(self.command, self.stop_signal),
                env=dict(self.environment),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log if output is None else output,
                stderr=log,
                start_new_session=True,
                pass_fds=self.keep_open,
            )

    def run(self) -> str:
        """Run a command that ends by itself and return its output. Raises StackError with the end of its log."""
        self.start(output=subprocess.PIPE)
        return self.finish()

    def finish(self) -> str:
        """Wait for a command that was started with a pipe. Raises StackError with the end of its log when it failed."""
        if self.process is None:
            raise StackError(f"{self.name} was not started.")
        output, _ = self.process.communicate()
        if self.process.returncode:
            raise StackError(f"{self.name} failed. The end of {self.log}:\n{self.tail()}")
        return output.decode()

    def wait_until_healthy(self, seconds: float = 60.0) -> None:
        """Return when the child answers. Raises StackError with the end of its log when it dies or stays silent."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.alive:
                raise StackError(f"{self.name} ended as it started. The end of {self.log}:\n{self.tail()}")
            if self.healthy():
                return
            time.sleep(0.05)
        raise StackError(f"{self.name} did not answer in {seconds:.0f} s. The end of {self.log}:\n{self.tail()}")

    @property
    def alive(self) -> bool:
        """Is the process running?"""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """End the child's whole group: first by ``stop_signal``, then by SIGKILL."""
        stop_all([self])

    def tail(self) -> str:
        """The last lines of the log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])

    def _ask_to_end(self) -> None:
        if self.process is not None and self.alive:
            self.process.send_signal(self.stop_signal)

    def _await_end(self) -> None:
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.stop_seconds)

    def _end_group(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def stop_all(children: Sequence[Child]) -> None:
    """End children side by side, each with its whole group."""
    for child in children:
        child._ask_to_end()
    for child in children:
        child._await_end()
        child._end_group()


def _is_free(port: int) -> bool:
    """May a server listen here, and does nobody answer to ``localhost`` in its place?"""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except OSError as error:
            if family is socket.AF_INET or error.errno == errno.EADDRINUSE:
                return False
    return True


def _claim(port: int) -> bool:
    """Tell other stacks that this port is ours, though our server does not listen yet; ``False`` when one was first.

    The claim is an abstract socket: Linux forgets it with us. Elsewhere the later of two that start at once fails.
    """
    if sys.platform != "linux":
        return True
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0lookalike-port-{port}")
    except OSError:
        claim.close()
        return False
    _CLAIMS.append(claim)
    return True
