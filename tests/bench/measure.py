"""Measuring A and B in turn, whole processes too, and stating how they compare.

Nothing heavy is imported here: Linux counts the memory of a process that forks towards the peak of its child.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

BASE_DIR = Path(__file__).resolve().parent.parent.parent
SEED = "00112233445566778899aabbccddeeff"

_LOOK_SECONDS = 0.01
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """What a process and its descendants used: seconds of wall time, resident MiB at the most.

    ``peak_mib`` adds up the high-water marks of all processes, whether or not they fell together.
    """

    wall: float
    peak_mib: float


@dataclass(frozen=True)
class Figure:
    """B against A by the medians of interleaved measurements; ``limit`` is what was promised of B / A or of B - A."""

    name: str
    a: str
    b: str
    unit: str
    median_a: float
    median_b: float
    compared: Literal["B / A", "B - A"] = "B / A"
    limit: float | None = None

    @property
    def value(self) -> float:
        return self.median_b / self.median_a if self.compared == "B / A" else self.median_b - self.median_a

    @property
    def holds(self) -> bool:
        return self.limit is None or self.value <= self.limit


def interleave(a: Callable[[], float], b: Callable[[], float], times: int) -> tuple[float, float]:
    """Return the medians of ``a`` and ``b``, measured in turn after one unmeasured call of each."""
    a()
    b()
    measured: tuple[list[float], list[float]] = ([], [])
    for turn in range(times):
        for which in (turn % 2, 1 - turn % 2):
            measured[which].append((a, b)[which]())
    return statistics.median(measured[0]), statistics.median(measured[1])


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that ``work`` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def run_process(command: Sequence[str], environment: dict[str, str] | None = None) -> Usage:
    """Run ``command`` from the project's folder; return what it used. Raises RuntimeError with what it said."""
    marks: dict[int, float] = {}
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, marks, ended))
    watcher.start()
    said, _ = process.communicate()
    wall = time.perf_counter() - begun
    ended.set()
    watcher.join()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{said}")
    return Usage(wall, sum(marks.values()))


def family(pid: int) -> Iterator[int]:
    """Yield ``pid`` and all its living descendants, by ``/proc``."""
    yield pid
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from family(int(child))


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of ``pid`` and its descendants so far, those that ended and were waited for included."""
    total = 0
    for member in family(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # After the name in brackets: state is field 3 of proc(5), utime, stime, cutime, cstime are 14 to 17.
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
            total += sum(int(value) for value in fields[11:15])
    return total / _TICKS


def say(figures: Sequence[Figure]) -> None:
    """Print figures for ``python -m tests.bench`` to read, as the last line."""
    sys.stdout.write(json.dumps([asdict(figure) for figure in figures]) + "\n")


def _watch(pid: int, marks: dict[int, float], ended: threading.Event) -> None:
    """Keep, by process, the high-water mark that the kernel keeps: looking seldom misses only the last growth."""
    while not ended.wait(_LOOK_SECONDS):
        for member in family(pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, StopIteration):
                status = Path(f"/proc/{member}/status").read_text().splitlines()
                mark = next(line for line in status if line.startswith("VmHWM:"))
                marks[member] = int(mark.split()[1]) / 1024.0
