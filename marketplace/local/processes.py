"""Child processes of the stack: each in a group of its own, with a log, and gone when this process is gone."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_TAIL_LINES = 15


class StackError(Exception):
    """A part of the stack cannot be had, or does not start; the message says what to do."""


def free_port(preferred: int) -> int:
    """``preferred`` if nobody listens there on loopback, else any free port."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise StackError("There is no free port on 127.0.0.1.")


def free_ports(count: int) -> list[int]:
    """As many different free ports, found while all of them are held."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def accepts(port: int) -> bool:
    """Does somebody answer on this loopback port?"""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@dataclass
class Child:
    """One child process: how it is started, and whether it is healthy.

    ``healthy`` is asked until it says yes. The child runs under ``guard``, which ends it when we die, also by SIGKILL.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    healthy: Callable[[], bool] = lambda: True
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the child; its output goes to the end of its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        guarded = [sys.executable, "-I", str(Path(__file__).with_name("guard.py")), str(os.getpid()), *self.command]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                guarded,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

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
        if self.process is None:
            return
        if self.alive:
            self.process.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.stop_seconds)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def tail(self) -> str:
        """The last lines of the log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
