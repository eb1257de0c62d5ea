"""A generator's blocks, made in this process."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from generation.sdk import Generator, Job, Streams

SEED = bytes(range(16))


def job(generator: Generator, units: int, **params: Any) -> Job:
    return Job(generator.Parameters(**params), units, Streams(SEED))


def tables(generator: Generator, of: Job, units: range) -> dict[str, pa.Table]:
    """The rows of one block by table."""
    state = generator.prepare(of, None, lambda share, what: None)
    made: dict[str, list[pa.RecordBatch]] = {}
    for name, batch in generator.block(of, state, units):
        made.setdefault(name, []).append(batch)
    return {name: pa.Table.from_batches(batches) for name, batches in made.items()}
