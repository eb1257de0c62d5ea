"""What is compared for a report on drift: documents that tell of distributions, or a holder's upload and made rows.

Runs in a child process without secrets. What it returns is the document ``lookalike/drift/1``; of a table it holds what
``generation.quality.judge.drift.reports`` says.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from generation.quality.judge.drift.reports import SCHEMA, of_documents, of_tables
from generation.runner.judging import chosen_rows
from generation.runner.plan import rows_judged
from generation.runner.source import open_source
from generation.sdk import Source, Streams


def of_pairs(path: Path) -> dict[str, Any]:
    """Report on pairs of sketches or statistics: the file at ``path`` holds {table: [before, after]}."""
    pairs = json.loads(path.read_bytes())
    return {"schema": SCHEMA, "tables": {name: of_documents(*pair) for name, pair in pairs.items()}}


def of_upload(
    source: Path, made: Path, *, table: str, target: str | None, seed: str, tell: Callable[[float, str], None]
) -> dict[str, Any]:
    """Report on the rows in the Parquet file ``made`` of ``table`` and those of a parsed upload.

    ``seed`` are hex digits on which all chance depends.
    """
    tell(0.1, "Reading both tables")
    drawn = Streams(bytes.fromhex(seed)[:16], "drift")
    before = pq.read_table(made, use_threads=False)
    after = _rows(open_source(source), drawn.rng("upload"))
    tell(0.3, "Comparing columns, and what a model makes of both tables")
    return {"schema": SCHEMA, "tables": {table: of_tables(before, after, target=target, rng=drawn.rng("report"))}}


def _rows(source: Source, rng: np.random.Generator) -> pa.Table:
    """As many rows of an upload as may be looked at, drawn by chance, in their order."""
    ((name, facts),) = source.facts.tables.items()
    wanted = rows_judged(len(facts.schema))
    chosen = None if facts.rows <= wanted else np.sort(rng.choice(facts.rows, wanted, replace=False, shuffle=False))
    return chosen_rows(source.batches(name, facts.schema.names), chosen, facts.schema)
