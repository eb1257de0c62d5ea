"""What the judge is given: rows learnt from, rows withheld, rows made, each as many as a report may take, and no more.

Runs in a child process without secrets. What it returns is the document ``lookalike/quality/1``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from generation.quality.judge.report import SCHEMA, Asked, judge
from generation.runner.plan import rows_judged
from generation.runner.source import open_holdout, open_source
from generation.sdk import Source, Streams


def report(
    source: Path, made: Path, *, asked: Mapping[str, Any], seed: str, tell: Callable[[float, str], None]
) -> dict[str, Any]:
    """Judge every table that was both learnt from and made.

    ``source`` is a parsed upload with its hold-out, ``made`` has a Parquet file of made rows for each table; ``asked``
    holds ``target``, ``sensitive`` and ``secrets`` by column name, ``seed`` 64 hex digits on which all chance depends.
    """
    learnt, withheld = open_source(source), open_holdout(source)
    drawn = Streams(bytes.fromhex(seed)[:16], "judge")
    tables = {}
    for name in learnt.facts.tables:
        path = made / f"{name}.parquet"
        if not path.exists():
            continue
        made_rows = pq.read_table(path, use_threads=False)
        fitted, holdout = (
            _rows(side, name, made_rows.schema, drawn.rng(f"{which}/{name}"))
            for which, side in (("fitted", learnt), ("holdout", withheld))
        )
        tables[name] = judge(
            fitted,
            holdout,
            made_rows.select(fitted.column_names),
            asked=_asked(asked, fitted.schema),
            seed=bytes.fromhex(seed),
            tell=tell,
        )
    return {"schema": SCHEMA, "tables": tables}


def _rows(source: Source, table: str, made: pa.Schema, rng: np.random.Generator) -> pa.Table:
    """Rows of the source in their order, of the columns that were made, which keep their made roles."""
    facts = source.facts.tables[table]
    names = [field.name for field in made if field.name in facts.schema.names]
    schema = pa.schema(
        [facts.schema.field(name).with_metadata({**(made.field(name).metadata or {})}) for name in names]
    )
    wanted = rows_judged(len(names))
    chosen = None if facts.rows <= wanted else np.sort(rng.choice(facts.rows, wanted, replace=False, shuffle=False))
    return _chosen(source.batches(table, names), chosen, schema)


def _chosen(batches: Iterable[pa.RecordBatch], places: Any, schema: pa.Schema) -> pa.Table:
    kept, first = [], 0
    for batch in batches:
        if places is not None:
            begin, end = np.searchsorted(places, [first, first + batch.num_rows])
            first += batch.num_rows
            batch = batch.take(pa.array(places[begin:end] - (first - batch.num_rows)))
        kept.append(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
    return pa.Table.from_batches(kept, schema=schema)


def _asked(asked: Mapping[str, Any], schema: pa.Schema) -> Asked:
    """What the buyer named, as far as it was made."""
    target = asked.get("target")
    return Asked(
        target=target if target in schema.names else None,
        sensitive=tuple(name for name in asked.get("sensitive", ()) if name in schema.names),
        secrets=tuple(name for name in asked.get("secrets", ()) if name in schema.names),
    )
