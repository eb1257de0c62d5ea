"""Our synthesizer on one table: learn, make, say how long it took. One thread; compiled code is warm.

Arguments: the rows to learn from, where to write what is made, how many rows, a seed, a target or nothing.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
from pyarrow import parquet as pq

from generation.generators.tabular.fitted import Parameters, generator
from generation.sdk import Job, Streams
from tests.bench.tabular.tables import peak_mib
from tests.data.memory import Memory

_WARM_ROWS = 500
_RATED = 200_000  # rows that are made to know how fast
_BATCH = 10_000


def main(learned: str, made: str, rows: str, seed: str, target: str) -> None:
    table = pq.read_table(learned)
    named = {"target": target} if target and "target" in Parameters.model_fields else {}
    _made(*_learned(table.slice(0, _WARM_ROWS), 100, seed, named))
    began = time.perf_counter()
    job, state = _learned(table, int(rows), seed, named)
    fit = time.perf_counter() - began
    pq.write_table(_made(job, state), made)
    rated = replace(job, units=_RATED)
    began = time.perf_counter()
    count = sum(batch.num_rows for batch in _batches(rated, state))
    rate = count / (time.perf_counter() - began)
    sys.stdout.write(json.dumps({"fit_seconds": fit, "rows_per_second": rate, "peak_mib": peak_mib()}) + "\n")


def _learned(table: pa.Table, units: int, seed: str, named: dict[str, Any]) -> tuple[Job, Any]:
    source = Memory(table, _BATCH)
    job = Job(Parameters(**named), units, Streams(bytes([int(seed)]) * 16), source.facts)
    return job, generator.prepare(job, source, lambda share, doing: None)


def _made(job: Job, state: Any) -> pa.Table:
    return pa.Table.from_batches(list(_batches(job, state)))


def _batches(job: Job, state: Any) -> Iterator[pa.RecordBatch]:
    size = generator.layout(job).block  # as the platform does
    for first in range(0, job.units, size):
        for _, batch in generator.block(job, state, range(first, min(first + size, job.units))):
            yield batch


if __name__ == "__main__":
    main(*sys.argv[1:])
