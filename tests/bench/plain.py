"""What everything is measured against: one plain process that makes the blocks and calls pyarrow's ``write_table``.

``python -m tests.bench.plain CUSTOMERS ROWS FILE`` is that process.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from generation.generators.tabular.card_transactions import generator
from generation.generators.tabular.card_transactions.parameters import Parameters
from generation.sdk import Job, State, Streams
from tests.bench.measure import SEED


def job(customers: int, rows: int) -> Job:
    """Return the job of the benchmarks."""
    return Job(Parameters(transactions=rows), customers, Streams(bytes.fromhex(SEED)))


def prepare(asked: Job) -> State:
    """Build the job's world."""
    return generator.prepare(asked, None, lambda share, what: None)


def make(asked: Job, state: State, blocks: range, size: int) -> pa.Table:
    """Return the rows of ``blocks`` of ``size`` customers each, in one table in memory."""
    batches = []
    for block in blocks:
        units = range(block * size, min((block + 1) * size, asked.units))
        batches += [batch for _, batch in generator.block(asked, state, units)]
    return pa.Table.from_batches(batches)


def main(arguments: Sequence[str]) -> None:
    """Make a whole dataset in this process."""
    customers, rows, path = int(arguments[0]), int(arguments[1]), Path(arguments[2])
    asked = job(customers, rows)
    size = max(1, min(generator.layout(asked).block, customers // 100))
    pq.write_table(make(asked, prepare(asked), range(-(-customers // size)), size), path)


if __name__ == "__main__":
    main(sys.argv[1:])
