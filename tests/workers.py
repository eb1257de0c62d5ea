"""Work done in this process, and real Celery workers on the database of the test process, with ways to harm them."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.db import connection

from marketplace.local.processes import Child
from marketplace.local.stack import worker_command
from marketplace.work.celery_tasks import perform
from marketplace.work.models import Piece

_CELERY = str(Path(sys.executable).with_name("celery"))


def work_off(limit: int = 500) -> None:
    """Do all due work in this process, as a worker would, until nothing is due.

    The test must not be in a transaction: a heartbeat, on a connection of its own, would not see the lease.
    """
    assert not connection.in_atomic_block, "mark the test django_db(transaction=True)"
    for _ in range(limit):
        piece = Piece.objects.claimable().order_by("created_at").first()
        if piece is None:
            return
        perform(str(piece.id))
    raise AssertionError(f"after {limit} pieces there is still work: {list(Piece.objects.claimable())}")


def environment() -> dict[str, str]:
    """The environment of this process, with the test database in place of the real one."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    name = str(connection.settings_dict["NAME"])
    return os.environ | {
        "DATABASE_URL": urlunsplit(parts._replace(path=f"/{name}")),
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
    }


class Workers:
    """Workers by name; each can be killed with all its children, and started again."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.children: dict[str, Child] = {}

    def start(self, name: str, queues: str, processes: int) -> None:
        """Start a worker of ``processes`` for ``queues``; it is ready when its log says so."""
        log = self.logs / f"{name}.log"
        command = worker_command(f"{name}-{os.getpid()}", queues, processes)
        child = Child(name, command, environment(), log, healthy=lambda: _says(log, "ready."), stop_seconds=1.0)
        self.children[name] = child
        child.start()

    def start_beat(self) -> None:
        """Start the process that sends the sweeps."""
        schedule = self.logs / "beat-schedule"
        command = [_CELERY, "--app", "marketplace.celery", "beat", "--schedule", str(schedule)]
        child = Child("beat", command, environment(), self.logs / "beat.log")
        self.children["beat"] = child
        child.start()

    def wait(self) -> None:
        """Return when all workers take work."""
        for child in self.children.values():
            child.wait_until_healthy(240)

    def kill(self, name: str) -> None:
        """SIGKILL a worker with everything in its process group, and start it again."""
        child = self.children[name]
        if child.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()
        child.log.write_text("")
        child.start()

    def revive(self) -> None:
        """Start again whoever ended, as any supervisor does: a worker whose pool dies at its birth ends."""
        for child in self.children.values():
            if not child.alive:
                child.start()

    def pool(self, name: str) -> list[int]:
        """The pool processes of a worker."""
        process = self.children[name].process
        if process is None:
            return []
        return [pool for worker in offspring(process.pid) for pool in offspring(worker)]

    def stop(self) -> None:
        """End all of them."""
        for child in reversed(self.children.values()):
            child.stop()


@contextlib.contextmanager
def running(logs: Path, *, generation: int = 2, everything: bool = True) -> Iterator[Workers]:
    """A set of workers as the stack starts them, ``generation`` processes for making data."""
    workers = Workers(logs)
    try:
        workers.start("generation", "generation", generation)
        if everything:
            workers.start("publishing", "publishing,housekeeping,interactive", 1)
            workers.start_beat()
        workers.wait()
        yield workers
    finally:
        workers.stop()


def offspring(pid: int) -> list[int]:
    """The children of a process, by ``/proc``."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(child) for child in text.split()]


def until(
    happened: Callable[[], bool],
    *,
    seconds: float,
    what: str | Callable[[], str],
    logs: Mapping[str, Child] | None = None,
) -> None:
    """Wait until ``happened`` says yes; fail with ``what``, as it is by then, and the logs' ends when it never does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if happened():
            return
        time.sleep(0.1)
    tails = "\n".join(f"--- {name}\n{child.tail()}" for name, child in (logs or {}).items())
    raise AssertionError(f"{what if isinstance(what, str) else what()} did not happen in {seconds:.0f} s.\n{tails}")


def _says(log: Path, words: str) -> bool:
    return log.exists() and words in log.read_text(errors="replace")
