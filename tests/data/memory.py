"""A source in memory and a table of every type that is learned, for tests of the fitted generator."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted import Parameters, generator
from generation.runner import state
from generation.sdk import Job, Source, SourceFacts, State, Streams, TableFacts

SEED = bytes(range(16))
#: Fitted states of releases, each made by ``python -m tests.data.memory`` then.
STATES = Path(__file__).parent / "states"


@dataclass(frozen=True)
class Memory:
    """A source in memory, cut into batches of any size."""

    table: pa.Table
    batch: int = 1000

    @property
    def facts(self) -> SourceFacts:
        return SourceFacts({"default": TableFacts(self.table.schema, self.table.num_rows)}, self.table.nbytes)

    def batches(self, table: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        yield from self.table.select(columns or self.table.column_names).to_batches(max_chunksize=self.batch)


def job_of(source: Source, units: int = 4000, seed: bytes = SEED, **parameters: Any) -> Job:
    return Job(Parameters(**parameters), units, Streams(seed), source.facts)


def fit(job: Job, source: Source) -> State:
    assert generator.check(job) == []
    return generator.prepare(job, source, lambda share, doing: None)


def blocks(job: Job, state: State, size: int = 1000) -> list[pa.RecordBatch]:
    ranges = [range(first, min(first + size, job.units)) for first in range(0, job.units, size)]
    return [batch for units in ranges for _, batch in generator.block(job, state, units)]


def made_from(table: pa.Table, units: int = 4000, **parameters: Any) -> pa.Table:
    source = Memory(table)
    job = job_of(source, units, **parameters)
    return pa.Table.from_batches(blocks(job, fit(job, source)))


def mixed(rows: int = 2000) -> pa.Table:
    """A table with every type that is learned; what is missing is missing in two columns together."""
    rng = np.random.Generator(np.random.Philox(5))
    height = rng.normal(170, 10, rows)
    weight = height * 0.9 - 80 + rng.normal(0, 6, rows)
    gone = rng.random(rows) < 0.3
    start = datetime(2020, 1, 1, 6, 0, tzinfo=UTC).replace(tzinfo=None)
    moments = [start + timedelta(days=int(d), minutes=int(m)) for d, m in rng.integers(0, [700, 720], (rows, 2))]
    return pa.table(
        {
            "key": pa.array([f"P-{i:05d}" for i in range(rows)]),
            "number": pa.array(np.arange(rows) + 1000, pa.int32()),
            "height": pa.array(np.round(height, 1), mask=gone),
            "weight": pa.array(np.round(weight).astype(np.int64), mask=gone),
            "colour": pa.array(np.where(weight > 75, "red", np.where(rng.random(rows) < 0.5, "blue", "green"))),
            "flag": pa.array(weight + rng.normal(0, 5, rows) > 80),
            "born": pa.array([date(1960, 1, 1) + timedelta(days=int(d)) for d in rng.integers(0, 15_000, rows)]),
            "seen": pa.array(moments, pa.timestamp("us")),
            "fixed": pa.array(["always"] * rows),
            "nothing": pa.array([None] * rows, pa.string()),
        }
    )


def with_facts(table: pa.Table, **kinds: str) -> pa.Table:
    schema = pa.schema(
        [field.with_metadata({"kind": kinds[field.name]}) if field.name in kinds else field for field in table.schema]
    )
    return table.cast(schema)


KINDS = {"key": "key", "number": "key", "nothing": "empty"}


def digest(batches: Sequence[pa.RecordBatch]) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def made_digest(batch: int = 1000) -> str:
    source = Memory(with_facts(mixed(), **KINDS), batch)
    job = job_of(source)
    return digest(blocks(job, fit(job, source)))


def remembered() -> pa.Table:
    """A small table of all that a state holds: numbers, spikes, levels, identifiers, dates, moments, gaps and keys."""
    rng = np.random.Generator(np.random.Philox(4))
    rows = 400
    size = rng.normal(50, 9, rows)
    shop = rng.integers(0, 90, rows)
    gone = rng.random(rows) < 0.2
    start = datetime(2024, 1, 1, 6, 0, tzinfo=UTC).replace(tzinfo=None)
    moments = [start + timedelta(days=int(d), minutes=int(m)) for d, m in rng.integers(0, [90, 720], (rows, 2))]
    table = pa.table(
        {
            "key": pa.array([f"K-{i:05d}" for i in range(rows)]),
            "size": pa.array(np.round(size, 1)),
            "spent": pa.array(np.where(size < 45, 0, np.round(size**2, -1)).astype(np.int64), mask=gone),
            "visits": pa.array(rng.integers(0, 9, rows), mask=gone),
            "kind": pa.array(np.array(["a", "b", "c"])[np.minimum(shop % 4, 2)]),
            "shop": pa.array([f"S{int(i) * 37 % 1000:03d}" for i in shop]),
            "again": pa.array(size + rng.normal(0, 5, rows) > 50),
            "since": pa.array([date(2020, 1, 1) + timedelta(days=int(d)) for d in rng.integers(0, 900, rows)]),
            "seen": pa.array(moments, pa.timestamp("us")),
        }
    )
    return with_facts(table, key="key")


def keep_state(release: str) -> str:
    """Keep the state that this release learns of ``remembered``; return the digest of the rows made from it."""
    source = Memory(remembered())
    job = job_of(source, 3000)
    learned = fit(job, source)
    (STATES / release).mkdir(parents=True)
    for name, file in state.file_names(learned):
        with (STATES / release / file).open("wb") as into:
            state.write(learned[name], into)
    return digest(blocks(job, state.load(STATES / release)))


if __name__ == "__main__":
    sys.stdout.write(f"{keep_state(generator.version)}\n")
