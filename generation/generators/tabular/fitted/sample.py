"""The rows that are learned from: all of them, or a random part that fits in memory, chosen by position."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from generation.sdk import Source, Streams, Tell

_SPAN = 1 << 16  # rows whose fate one stream decides, whatever batches they come in
_MOST_ROWS = 200_000
_MOST_CELLS = 40_000_000


def sample(source: Source, table: str, columns: list[str], streams: Streams, tell: Tell) -> pa.Table:
    """Return about 200,000 rows of ``columns`` (fewer of wide tables), all if there are no more, in one pass."""
    facts = source.facts.tables[table]
    share = _most_rows(len(columns)) / max(facts.rows, 1)
    kept = []
    row = 0
    for batch in source.batches(table, columns):
        kept.append(batch if share >= 1 else batch.filter(pa.array(_chosen(streams, row, batch.num_rows, share))))
        row += batch.num_rows
        tell(0.4 * row / max(facts.rows, 1), "reading the source")
    schema = pa.schema([facts.schema.field(name).remove_metadata() for name in columns])
    return pa.Table.from_batches(kept).cast(schema) if kept else schema.empty_table()


def learned_rows(rows: int, columns: int) -> int:
    """Return how many of ``rows`` rows are learned from, about, if there are so many columns."""
    return min(rows, _most_rows(columns))


def _most_rows(columns: int) -> int:
    return min(_MOST_ROWS, _MOST_CELLS // max(columns, 1))


def _chosen(streams: Streams, first: int, rows: int, share: float) -> np.ndarray:
    spans = range(first // _SPAN, -(-(first + rows) // _SPAN))
    drawn = [streams.rng("sample", span).random(_SPAN) for span in spans]
    offset = first - spans.start * _SPAN
    return np.concatenate([*drawn, np.empty(0)])[offset : offset + rows] < share
