"""Starting children that know no secret, and what each child does first: tie its life to its parent's, bound itself."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from generation.runner.pins import PINS

_PR_SET_PDEATHSIG = 1
_HIGH = 64  # descriptors from here on are out of the way of those that have a fixed place
_INSTALLED = frozenset(Path(prefix).resolve() for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix))


#: Where an image has the loops that were compiled when it was built (``compiled``): beside the code.
COMPILED = Path(__file__).parents[2] / "compiled"


@dataclass(frozen=True)
class Bounds:
    """What one child may take: private memory beyond what it starts with, the size of a file, CPU seconds in all."""

    memory_mib: int
    file_mib: int
    cpu_seconds: int | None = None


@dataclass(frozen=True)
class Start:
    """What a child is told on its command line: descriptors it was given, its parent, its bounds."""

    parent: int
    frames: int
    progress: int
    bounds: Bounds


def spawn(
    module: str, *, frames: int, progress: int, bounds: Bounds, scratch: Path, pins: Mapping[str, str] = PINS
) -> subprocess.Popen[bytes]:
    """Start ``python -m module`` in a session of its own, with an environment that is written here and nowhere else.

    Its stdin takes JSON lines; its stdout and stderr are pipes; ``frames`` and ``progress`` are passed on. The child is
    killed when the thread that called this ends, however it ends (Linux), and ends when its stdin is closed.
    """
    start = json.dumps(asdict(Start(os.getpid(), frames, progress, bounds)))
    return subprocess.Popen(
        [sys.executable, "-s", "-P", "-m", module, start],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=tuple(fd for fd in (frames, progress) if fd >= 0),
        env=with_compiled(scratch) | environment(scratch, pins),
        cwd=scratch,
        start_new_session=True,
        bufsize=0,
    )


def environment(scratch: Path, pins: Mapping[str, str] = PINS) -> dict[str, str]:
    """Return all that a child finds in its environment: pins, its scratch folder, where our own code lies."""
    code = dict.fromkeys(Path(entry or ".").resolve() for entry in sys.path)
    own = [str(entry) for entry in code if entry.is_dir() and not _INSTALLED & {entry, *entry.parents}]
    library_path = {"LD_LIBRARY_PATH": os.environ["LD_LIBRARY_PATH"]} if "LD_LIBRARY_PATH" in os.environ else {}
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "PYTHONPATH": os.pathsep.join(own),
        **library_path,
        **pins,
    }


def with_compiled(scratch: Path) -> dict[str, str]:
    """Give a child a copy of loops that were compiled before, if there are any: numba reads only where it may write."""
    if not COMPILED.is_dir():
        return {}
    shutil.copytree(COMPILED, scratch / "compiled", dirs_exist_ok=True)
    return {"NUMBA_CACHE_DIR": str(scratch / "compiled")}


def begin() -> tuple[Start, SimpleQueue[bytes]]:
    """What a child does first: read its start, tie its life to its parent, and begin to read requests.

    Returns the start and the queue of request lines. The process ends as soon as its stdin does, also while it works.
    Afterwards stdin is empty for whoever reads it here.
    """
    told = json.loads(sys.argv[1])
    start = Start(told["parent"], told["frames"], told["progress"], Bounds(**told["bounds"]))
    die_with(start.parent)
    requests = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    lines: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests, lines.put), daemon=True).start()
    return start, lines


def place(descriptors: Mapping[int, int]) -> None:
    """Move each descriptor to the number it is expected at, and close the others that a parent may have left open."""
    moved = {fcntl.fcntl(given, fcntl.F_DUPFD_CLOEXEC, _HIGH): number for given, number in descriptors.items()}
    os.closerange(3, _HIGH)
    for given, number in moved.items():
        os.dup2(given, number, inheritable=False)
        os.close(given)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when ``parent`` dies, even by kill -9; where it is not Linux, stdin must do."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def bound(bounds: Bounds) -> None:
    """Limit this process for good: private writable memory, size of files, CPU time, no core dumps.

    ``memory_mib`` counts from what the process has now. RLIMIT_DATA and not RLIMIT_AS, because mapped state files and
    libraries' address space are not what a generator asks for.
    """
    data = _private_bytes() + (bounds.memory_mib << 20)
    limits = {
        resource.RLIMIT_DATA: data,
        resource.RLIMIT_FSIZE: bounds.file_mib << 20,
        resource.RLIMIT_CORE: 0,
        **({resource.RLIMIT_CPU: bounds.cpu_seconds} if bounds.cpu_seconds is not None else {}),
    }
    for kind, limit in limits.items():
        hard = resource.getrlimit(kind)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (limit, limit))


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """End a child and everything in its session, then reap it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Meter:
    """What a piece of work takes of this process: ``used`` tells it from the moment the meter was made."""

    def __init__(self) -> None:
        self._before = _cpu_seconds()

    def used(self) -> dict[str, float]:
        """Return the CPU seconds since, and the process's peak resident bytes so far."""
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        return {"cpu_seconds": _cpu_seconds() - self._before, "peak_bytes": peak}


def _cpu_seconds() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


def json_line(value: Any) -> bytes:
    """Return ``value`` as one line of JSON. Raises ``ValueError`` or ``TypeError`` for what JSON cannot hold."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _listen(fd: int, put: Callable[[bytes], None]) -> None:
    with os.fdopen(fd, "rb") as lines:
        for line in lines:
            put(line)
    os._exit(0)


def _private_bytes() -> int:
    """Return the private writable memory mapped by this process, which is what RLIMIT_DATA counts."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 512 << 20
    kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData:"))
    return kib << 10
