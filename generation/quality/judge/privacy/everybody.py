"""Who was learned from, all of them: how many people hold a value, whatever was looked at of the table."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pyarrow as pa

from generation.quality.arrow import pc
from generation.quality.judge.frames import Floats, Frame, Ints

#: A value that fewer people hold tells of them.
PEOPLE = 10


class Census(Protocol):
    """Counts over all rows of a table of which only a sample fits into memory, a column at a time."""

    def levels(self, column: str) -> tuple[pa.Array, Ints]:
        """Return every level of a category, and how many rows have it."""

    def holders(self, column: str, numbers: Floats) -> Ints:
        """Return how many rows have each of the numbers."""

    def ends(self, column: str) -> tuple[float, float]:
        """Return the least and the greatest number of a column, NaN where there is none."""


class Everybody:
    """A table that was learned from: ``frame`` is all of it, or a sample where there is a ``census`` of the rest.

    ``people`` says whose each row of the frame is; without it a person is a row. A census counts rows.
    """

    def __init__(self, frame: Frame, *, census: Census | None = None, people: Ints | None = None) -> None:
        self.frame = frame
        self._census = census
        self._people = people

    def levels(self, column: str) -> tuple[Ints, int]:
        """Return how many people hold each level of a category, and of how many levels there are few."""
        here = self.frame.column(column)
        if self._census is None:
            counts = self._counted(here.codes(), len(here.levels))
            return counts, _rare(counts)
        levels, every = self._census.levels(column)
        places = pc.index_in(pa.array(here.levels, pa.string()), levels)
        found = places.to_numpy(zero_copy_only=False)
        known = ~np.isnan(found.astype(np.float64))
        counts = np.zeros(len(here.levels), np.int64)
        counts[known] = every[found[known].astype(np.int64)]
        return counts, _rare(every)

    def holders(self, column: str, numbers: Floats) -> Ints:
        """Return how many people hold each of the numbers."""
        if self._census is not None:
            return self._census.holders(column, numbers)
        ordered, where = np.unique(numbers, return_inverse=True)
        values = self.frame.column(column).values
        places = np.searchsorted(ordered, values)
        hit = places < len(ordered)
        hit[hit] = ordered[places[hit]] == values[hit]
        return self._counted(np.where(hit, places, -1), len(ordered))[where]

    def ends(self, column: str) -> tuple[float, float]:
        """Return the least and the greatest number of a column that holds any."""
        if self._census is not None:
            return self._census.ends(column)
        values = self.frame.column(column).values
        return float(np.nanmin(values)), float(np.nanmax(values))

    def _counted(self, codes: Ints, count: int) -> Ints:
        return people_of(codes, count, self._people)


def people_of(codes: Ints, count: int, people: Ints | None) -> Ints:
    """Count the people of each of ``count`` codes, -1 being none; whose each row is, or a person is a row."""
    if people is not None and len(codes):
        codes = np.unique(np.stack([codes, people]), axis=1)[0]
    counts: Ints = np.bincount(codes[codes >= 0], minlength=count)
    return counts


def _rare(counts: Ints) -> int:
    return int(((counts > 0) & (counts < PEOPLE)).sum())
