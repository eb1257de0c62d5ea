"""The rows that are learned from: all of them, or a random part that fits in memory, chosen by position."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.arrow import ArrowArray, ArrowType, pc
from generation.generators.tabular.fitted.privacy import Bools, Floats, Ints
from generation.sdk import Source, Streams, Tell

_SPAN = 1 << 16  # rows whose fate one stream decides, whatever batches they come in
_MOST_ROWS = 200_000
_MOST_CELLS = 40_000_000


def sample(
    source: Source, table: str, columns: list[str], streams: Streams, tell: Tell, target: str | None = None
) -> pa.Table:
    """Return about 200,000 rows of ``columns`` (fewer of wide tables), all if there are no more, in one pass.

    Of a ``target`` of texts or truth values each level keeps its share to the row, so that rare ones stay.
    """
    facts = source.facts.tables[table]
    share = _most_rows(len(columns)) / max(facts.rows, 1)
    by_level = target is not None and target in columns and _has_levels(facts.schema.field(target).type)
    strata = _Strata(streams, share)
    kept = []
    row = 0
    for batch in source.batches(table, columns):
        if share >= 1:
            kept.append(batch)
        else:
            chosen = strata.chosen(batch.column(target)) if by_level else _chosen(streams, row, batch.num_rows, share)
            kept.append(batch.filter(pa.array(chosen)))
        row += batch.num_rows
        tell(0.4 * row / max(facts.rows, 1), "reading the source")
    schema = pa.schema([facts.schema.field(name).remove_metadata() for name in columns])
    return pa.Table.from_batches(kept).cast(schema) if kept else schema.empty_table()


def _has_levels(type_: ArrowType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_boolean(type_))


class _Strata:
    """Chooses the same share of each level: every so many rows of it, from a random one on."""

    def __init__(self, streams: Streams, share: float) -> None:
        self._streams = streams
        self._share = share
        self._levels: ArrowArray = None
        self._starts: Floats = np.empty(0)
        self._rows: Ints = np.empty(0, np.int64)

    def chosen(self, column: ArrowArray) -> Bools:
        """Tell which of the next rows are kept."""
        texts = column.cast(pa.string())
        encoded = texts.dictionary_encode(null_encoding="encode")
        self._meet(encoded.dictionary)
        found = pc.index_in(encoded.dictionary, self._levels).to_numpy(zero_copy_only=False).astype(np.int64)
        levels = found[encoded.indices.to_numpy(zero_copy_only=False)]
        order = np.argsort(levels, kind="stable")
        counts = np.bincount(levels, minlength=len(self._rows))
        firsts = np.cumsum(counts) - counts
        places = np.empty(len(levels), np.int64)
        places[order] = np.arange(len(levels)) - firsts[levels[order]]
        places += self._rows[levels]
        self._rows = self._rows + counts
        starts = self._starts[levels]
        kept: Bools = np.floor(starts + (places + 1) * self._share) > np.floor(starts + places * self._share)
        return kept

    def _meet(self, levels: ArrowArray) -> None:
        """Give levels that were not seen before a place to begin at, by the order in which they come."""
        if self._levels is None:
            self._levels = levels.slice(0, 0)
        new = levels.filter(pc.invert(pc.is_in(levels, self._levels)))
        known = len(self._levels)
        starts = [self._streams.rng("sample level", known + number).random() for number in range(len(new))]
        self._levels = pa.concat_arrays([self._levels, new])
        self._starts = np.concatenate([self._starts, np.array(starts, np.float64)])
        self._rows = np.concatenate([self._rows, np.zeros(len(new), np.int64)])


def learned_rows(rows: int, columns: int) -> int:
    """Return how many of ``rows`` rows are learned from, about, if there are so many columns."""
    return min(rows, _most_rows(columns))


def _most_rows(columns: int) -> int:
    return min(_MOST_ROWS, _MOST_CELLS // max(columns, 1))


def _chosen(streams: Streams, first: int, rows: int, share: float) -> Bools:
    spans = range(first // _SPAN, -(-(first + rows) // _SPAN))
    drawn = [streams.rng("sample", span).random(_SPAN) for span in spans]
    offset = first - spans.start * _SPAN
    kept: Bools = np.concatenate([*drawn, np.empty(0)])[offset : offset + rows] < share
    return kept
