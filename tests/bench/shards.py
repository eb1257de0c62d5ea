"""What runner and writer add to a shard when they are warm, and how far that is from writing a ready table."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from generation.runner import JobSpec, Mark, Runner, ShardPlan, plan
from generation.sdk import Job, State
from tests.bench import plain
from tests.bench.measure import SEED, Figure, interleave, say, timed

ROWS = 10_000_000
CUSTOMERS = 200_000
TIMES = 5
MARK = Mark("http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia", "bench", "1", "sha256:" + "0" * 64)


def figures() -> list[Figure]:
    """Return warm shards, a whole one and the sample of one block, against the same rows made in this process."""
    asked = plain.job(CUSTOMERS, ROWS)
    spec = JobSpec("card-transactions", {"transactions": ROWS}, CUSTOMERS, SEED)
    with (
        tempfile.TemporaryDirectory(prefix="lookalike-bench-") as home,
        Runner(spec.generator, scratch=Path(home)) as runner,
    ):
        bench = Bench(asked, plain.prepare(asked), spec, runner, Path(home))
        runner.prepare(spec, None, bench.home / "state")
        sample, _, whole, *_ = _planned(runner, spec)
        rows = bench.here(whole).num_rows
        added = interleave(lambda: timed(lambda: bench.here(whole)), lambda: bench.shard(whole, rows), TIMES)
        few = bench.here(sample).num_rows
        fixed = interleave(lambda: timed(lambda: bench.here(sample)), lambda: bench.shard(sample, few), TIMES)
        ready = bench.here(whole)
        limit = interleave(lambda: timed(lambda: bench.write(ready)), lambda: bench.shard(whole, rows), TIMES)
    a, b = "made in place", f"warm shard, {rows:,} rows"
    return [
        Figure("a shard: runner and writer add", a, b, "s", *added, compared="B - A", limit=0.3),
        Figure("a sample: runner and writer add", a, f"warm shard, {few:,} rows", "s", *fixed, compared="B - A"),
        Figure("a shard: rows a second", "write_table alone", b, "rows/s", *(rows / seconds for seconds in limit)),
    ]


@dataclass(frozen=True)
class Bench:
    """The same job twice: as a generator in this process, and as a runner takes it."""

    asked: Job
    state: State
    spec: JobSpec
    runner: Runner
    home: Path

    def here(self, shard: ShardPlan) -> pa.Table:
        """Make and write the blocks of ``shard`` in this process."""
        blocks = range(shard.first_block, shard.first_block + shard.blocks)
        made = plain.make(self.asked, self.state, blocks, shard.block)
        self.write(made)
        return made

    def write(self, rows: pa.Table) -> None:
        """Write a ready table as anybody would."""
        pq.write_table(rows, self.home / "here.parquet")

    def shard(self, shard: ShardPlan, rows: int) -> float:
        """Have ``shard`` made by the runner; return the seconds. Raises RuntimeError unless it has ``rows`` rows."""
        with tempfile.TemporaryDirectory(dir=self.home) as out:
            begun = time.perf_counter()
            result = self.runner.shard(self.spec, shard, self.home / "state", Path(out), MARK)
            seconds = time.perf_counter() - begun
        made = sum(file.rows for file in result.files)
        if made != rows:
            raise RuntimeError(f"the runner made {made} rows where {rows} were made in place")
        return seconds


def _planned(runner: Runner, spec: JobSpec) -> list[ShardPlan]:
    """Return the shards as the site plans them: the sample first, of one block here."""
    checked = runner.check(spec)
    if checked.layout is None or checked.needs is None:
        raise RuntimeError(f"the job of the benchmark is refused: {checked.problems}")
    return list(plan(spec.units, checked.layout["block"], checked.needs.seconds_per_block).shards())


if __name__ == "__main__":
    say(figures())
