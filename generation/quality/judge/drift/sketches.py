"""What may be told of a table without telling of anybody in it.

A sketch is ``{"schema": "lookalike/sketch/1", "rows": n, "columns": [column…]}``. A column has ``name``, ``kind``
(number, time or category), ``missing`` and either ``levels``, [[level, count]…] of at least ten rows each, and
``other`` for the rest, or ``edges`` and ``counts`` of bins of at least ten rows each, the first and last without an
outer edge. Edges are rounded to three digits of the column's spread; neither a smallest, a largest nor a rare value is
in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from generation.quality.judge.frames import Column, Floats, frames

SCHEMA = "lookalike/sketch/1"

#: A level or bin of fewer rows tells of people.
PEOPLE = 10
_BINS = 50
_LEVELS = 1_000
_DIGITS = 3


def sketch(table: pa.Table) -> dict[str, Any]:
    """Sketch a table. Keys and columns that cannot be compared are left out."""
    (frame,) = frames(table)
    return {"schema": SCHEMA, "rows": frame.rows, "columns": [_sketched(column) for column in frame.columns]}


def _sketched(column: Column) -> dict[str, Any]:
    told = {"name": column.name, "kind": column.kind, "missing": int(column.missing.sum())}
    known = column.values[~column.missing]
    if column.kind == "category":
        counts = np.bincount(known.astype(np.int64), minlength=len(column.levels))
        order = np.argsort(-counts, kind="stable")[:_LEVELS]
        levels = [[column.levels[one], int(counts[one])] for one in order if counts[one] >= PEOPLE]
        return {**told, "levels": levels, "other": len(known) - sum(count for _, count in levels)}
    edges, held = _bins(known)
    return {**told, "edges": edges, "counts": held}


def _bins(values: Floats) -> tuple[list[float], list[int]]:
    """Cut numbers into bins of about equally many; the first and the last have no outer edge."""
    if len(values) < 2 * PEOPLE:
        return [], [len(values)]
    number = min(_BINS, len(values) // PEOPLE)
    low, high = np.quantile(values, (0.05, 0.95))
    spread = float(high - low) or float(values.std()) or 1.0
    decimals = _DIGITS - 1 - int(np.floor(np.log10(spread)))
    edges = np.unique([round(float(one), decimals) for one in np.quantile(values, np.arange(1, number) / number)])
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    kept_edges: list[float] = []
    kept_counts = [int(counts[0])]
    for edge, count in zip(edges.tolist(), counts[1:].tolist(), strict=True):
        if kept_counts[-1] >= PEOPLE:
            kept_edges.append(edge)
            kept_counts.append(count)
        else:
            kept_counts[-1] += count
    while len(kept_counts) > 1 and kept_counts[-1] < PEOPLE:
        kept_edges.pop()
        last = kept_counts.pop()
        kept_counts[-1] += last
    return kept_edges, kept_counts
