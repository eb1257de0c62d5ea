"""Counts over all rows of a source of which a report looks at a sample only: a column at a time, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from generation.quality.judge.frames import Column, Floats, Ints, frames
from generation.sdk import Source


class SourceCensus:
    """How many rows of a table hold a value. A column is read when it is asked about; what was counted is kept."""

    def __init__(self, source: Source, table: str, schema: pa.Schema) -> None:
        self._source = source
        self._table = table
        self._schema = schema
        self._levels: dict[str, tuple[pa.Array, Ints]] = {}
        self._ends: dict[str, tuple[float, float]] = {}

    def levels(self, column: str) -> tuple[pa.Array, Ints]:
        """Return every level of a category, and how many rows have it."""
        if column not in self._levels:
            counted = pa.table({"level": pa.array([], pa.string()), "rows": pa.array([], pa.int64())})
            for batch in self._batches(column):
                here = batch.column(0).cast(pa.string()).drop_null().value_counts()
                more = pa.table({"level": here.field("values"), "rows": here.field("counts")})
                both = pa.concat_tables([counted, more])
                counted = both.group_by("level", use_threads=False).aggregate([("rows", "sum")])
                counted = counted.rename_columns(["level", "rows"])
            rows: Ints = counted.column("rows").to_numpy().astype(np.int64)
            self._levels[column] = (counted.column("level").combine_chunks(), rows)
        return self._levels[column]

    def holders(self, column: str, numbers: Floats) -> Ints:
        """Return how many rows have each of the numbers."""
        ordered, where = np.unique(numbers, return_inverse=True)
        counts = np.zeros(len(ordered) + 1, np.int64)
        for found in self._columns(column) if len(ordered) else ():
            places = np.minimum(np.searchsorted(ordered, found.values), len(ordered) - 1)
            places = np.where(ordered[places] == found.values, places, len(ordered))
            counts += np.bincount(places, minlength=len(counts))
        held: Ints = counts[where]
        return held

    def ends(self, column: str) -> tuple[float, float]:
        """Return the least and the greatest number of a column, NaN where there is none."""
        if column not in self._ends:
            low, high = np.nan, np.nan
            for found in self._columns(column):
                if not found.missing.all():
                    low, high = np.fmin(low, np.nanmin(found.values)), np.fmax(high, np.nanmax(found.values))
            self._ends[column] = (float(low), float(high))
        return self._ends[column]

    def _columns(self, column: str) -> Iterator[Column]:
        """The column in parts, as the judge sees it."""
        for batch in self._batches(column):
            (frame,) = frames(pa.Table.from_batches([batch]))
            yield from frame.columns

    def _batches(self, column: str) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([self._schema.field(column)])
        for batch in self._source.batches(self._table, [column]):
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
