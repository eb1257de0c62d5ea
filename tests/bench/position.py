"""A block near the end of ten million rows costs what the first one costs: time and memory of whole processes."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.bench.measure import SEED, Figure, Usage, interleave, run_process, say

ROWS = 10_000_000
CUSTOMERS = 200_000
BLOCKS = 167  # of 1,200 customers each
NEAR_END = BLOCKS - 2
TIMES = 5


def figures() -> list[Figure]:
    """Return time and peak memory of a block near the end against those of the first."""
    used: dict[int, list[Usage]] = {0: [], NEAR_END: []}

    def block(number: int) -> float:
        used[number].append(_made(number))
        return used[number][-1].wall

    time_a, time_b = interleave(lambda: block(0), lambda: block(NEAR_END), TIMES)
    # Memory hardly varies from one time to the next; the largest of all is the peak.
    peak_a, peak_b = (max(one.peak_mib for one in used[number]) for number in (0, NEAR_END))
    a, b = "block 0", f"block {NEAR_END} of {BLOCKS}"
    return [
        Figure("one block of ten million rows: time", a, b, "s", time_a, time_b, limit=2.0),
        Figure("one block of ten million rows: peak memory", a, b, "MiB", peak_a, peak_b, limit=1.1),
    ]


def _made(number: int) -> Usage:
    """Make one block by the shell command, without a server, and see that it left about its share of the rows."""
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as folder:
        used = run_process(
            [
                *(sys.executable, "-m", "generation.runner", "run", "card-transactions"),
                *("--units", str(CUSTOMERS), "--param", f"transactions={ROWS}"),
                *("--blocks", f"{number}:{number + 1}", "--seed", SEED, "--out", folder),
            ]
        )
        written = sum(path.stat().st_size for path in Path(folder).rglob("*.parquet"))
    if written < 10 * ROWS // BLOCKS:
        raise RuntimeError(f"block {number} of {ROWS} rows left {written} bytes of Parquet, far too few")
    return used


if __name__ == "__main__":
    say(figures())
