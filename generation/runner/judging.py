"""What the judge is given: rows learnt from, rows withheld, rows made, each as many as a report may take, and no more.

Runs in a child process without secrets. What it returns is the document ``lookalike/quality/1``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from generation.quality.judge.cost import Wished
from generation.quality.judge.frames import Ints
from generation.quality.judge.report import SCHEMA, Asked, judge
from generation.quality.judge.report import Source as Learned
from generation.runner.census import SourceCensus
from generation.runner.plan import rows_judged
from generation.runner.source import open_holdout, open_source
from generation.sdk import Source, Streams
from generation.sdk.rules import read_tests, rows_that_pass

_LONGEST = 500  # characters of a formula


def report(
    source: Path, made: Path, *, asked: Mapping[str, Any], seed: str, tell: Callable[[float, str], None]
) -> dict[str, Any]:
    """Judge every table that was both learnt from and made.

    ``source`` is a parsed upload with its hold-out, ``made`` has a Parquet file of made rows for each table; ``asked``
    holds ``target``, ``identifier``, ``sensitive``, ``secrets``, ``public`` and what was ``wished`` to be otherwise by
    column name, what became of ``relations``, and ``like`` by table: where it names tests, real rows are those that
    pass one of them. ``seed`` is 64 hex digits on which all chance depends.
    """
    learnt, withheld = open_source(source), open_holdout(source)
    sides = {"fitted": learnt, "holdout": withheld}
    drawn = Streams(bytes.fromhex(seed)[:16], "judge")
    tables = {}
    for name in learnt.facts.tables:
        path = made / f"{name}.parquet"
        if not path.exists():
            continue
        made_rows = pq.read_table(path, use_threads=False)
        schema = _schema(learnt, name, made_rows.schema)
        chosen = {which: _places(side, name, schema, drawn.rng(f"{which}/{name}")) for which, side in sides.items()}
        like = asked.get("like", {}).get(name, ())
        rows = {
            which: chosen_rows(side.batches(name, schema.names), chosen[which], schema) for which, side in sides.items()
        }
        alike = {which: _alike(table, like) for which, table in rows.items()}
        fitted, holdout = (_those(rows[which], alike[which]) for which in sides)
        people = _people(learnt, name, asked.get("identifier"), chosen["fitted"])
        tables[name] = judge(
            fitted,
            holdout,
            made_rows.select(fitted.column_names),
            asked=_asked(asked, fitted.schema),
            seed=bytes.fromhex(seed),
            tell=tell,
            source=Learned(
                rows=learnt.facts.tables[name].rows,
                census=None if chosen["fitted"] is None and not like else SourceCensus(learnt, name, schema),
                people=people if people is None or alike["fitted"] is None else people[np.asarray(alike["fitted"])],
                relations=tuple(_relations(asked.get("relations"), fitted.column_names)),
            ),
        )
    return {"schema": SCHEMA, "tables": tables}


def _schema(source: Source, table: str, made: pa.Schema) -> pa.Schema:
    """The columns of the source that were made, which keep their made roles; no measure compares longer texts."""
    facts = source.facts.tables[table]
    compared = [field.name for field in made if (field.metadata or {}).get(b"role") != b"text"]
    names = [name for name in compared if name in facts.schema.names]
    fields = [facts.schema.field(name).with_metadata({**(made.field(name).metadata or {})}) for name in names]
    return pa.schema(fields)


def _places(source: Source, table: str, schema: pa.Schema, rng: np.random.Generator) -> Ints | None:
    """Which rows are looked at, in their order; None for all."""
    rows, wanted = source.facts.tables[table].rows, rows_judged(len(schema))
    if rows <= wanted:
        return None
    places: Ints = np.sort(rng.choice(rows, wanted, replace=False, shuffle=False))
    return places


def _people(source: Source, table: str, identifier: str | None, places: Ints | None) -> Ints | None:
    """Whose each of the rows is, where a column was named that tells; rows without it are one person's together."""
    if identifier is None or identifier not in source.facts.tables[table].schema.names:
        return None
    schema = pa.schema([source.facts.tables[table].schema.field(identifier)])
    rows = chosen_rows(source.batches(table, [identifier]), places, schema)
    codes = rows.column(0).combine_chunks().dictionary_encode(null_encoding="encode").indices
    people: Ints = codes.to_numpy(zero_copy_only=False).astype(np.int64)
    return people


def _alike(rows: pa.Table, like: Sequence[str]) -> pa.Array | None:
    """Which of ``rows`` pass one of the lines ``like``; None for all, if there are none."""
    return pa.array(np.any([rows_that_pass(read_tests(line), rows) for line in like], axis=0)) if like else None


def _those(rows: pa.Table, passed: pa.Array | None) -> pa.Table:
    return rows if passed is None else rows.filter(passed)


def chosen_rows(batches: Iterable[pa.RecordBatch], places: Ints | None, schema: pa.Schema) -> pa.Table:
    """Return the rows at ``places``, which rise, or all rows without them."""
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
        public=tuple(name for name in asked.get("public", ()) if name in schema.names),
        wished=_wished(asked.get("wished") or {}, schema),
    )


def _wished(wished: Mapping[str, Any], schema: pa.Schema) -> Wished:
    pairs = [(str(target), str(sensitive)) for target, sensitive in wished.get("independent", ())]
    return Wished(
        independent=tuple(pair for pair in pairs if set(pair) <= set(schema.names)),
        shares=tuple(name for name in wished.get("shares", ()) if name in schema.names),
    )


def _relations(told: Any, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """What a generator tells of relations, as far as it is of the shape that the report documents."""
    for one in told if isinstance(told, list) else ():
        try:
            column, kept = str(one["column"]), bool(one["kept"])
            there = [name for name in ("drawn", "recomputed", "held_on") if name in one]
            scores = {name: min(max(float(one[name]), 0.0), 1.0) for name in there}
            formula = str(one["formula"])[:_LONGEST]
            looked_up = {"looked_up": True} if one.get("looked_up") is True else {}
        except (KeyError, TypeError, ValueError):
            continue
        if column in columns and all(math.isfinite(score) for score in scores.values()):
            yield {"formula": formula, "column": column, **scores, "kept": kept, **looked_up}
