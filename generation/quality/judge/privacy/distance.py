"""How far rows are apart, and which row of a table is the closest.

The distance is Gower's (1971) in the form that most measures of the distance to the closest record use: the sum over
the columns of |a − b| over the column's spread for numbers and moments, of 1 for categories that differ and of 1 where
one of the two is missing. The search compares all with all in blocks that stay in the processor's cache; callers bound
it by the size of their samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.quality.judge.frames import Column, Floats, Frame, Ints

_QUERIES, _REFERENCES = 64, 4096

Floats32 = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Axis:
    """A column placed for comparing: ``values`` of shape (n,), scaled numbers with NaN where nothing is, or codes."""

    name: str
    values: NDArray[Any]
    is_number: bool
    missing: Bools | None = None

    def gaps(self, rows: slice, other: Axis, others: slice, gaps: Floats32, differ: Bools) -> NDArray[Any]:
        """Return how far ``rows`` are from ``others`` of the other table, in one of the two given buffers."""
        mine, theirs = self.values[rows, None], other.values[None, others]
        if not self.is_number:
            np.not_equal(mine, theirs, out=differ)
            return differ
        np.subtract(mine, theirs, out=gaps)
        np.abs(gaps, out=gaps)
        if self.missing is not None or other.missing is not None:
            np.copyto(gaps, 1, where=np.isnan(gaps, out=differ))
            if self.missing is not None and other.missing is not None:
                np.copyto(gaps, 0, where=self.missing[rows, None] & other.missing[None, others])
        return gaps


@dataclass(frozen=True)
class Places:
    """The rows of a table, placed for comparing."""

    axes: tuple[Axis, ...]
    rows: int


@dataclass(frozen=True)
class Nearest:
    """The closest row for each of n rows: how far it is and which, both of shape (n,)."""

    distance: Floats32
    place: Ints


@dataclass(frozen=True)
class Found:
    """Closest rows by all columns; by every other column and by the rest; by all columns without one of them."""

    whole: Nearest
    halves: tuple[Nearest, Nearest] | None
    without: dict[str, Nearest]


class Space:
    """The scale of every column, taken from one table for all that are compared.

    A number's spread is the distance between its 1 % and its 99 % quantile, or its standard deviation if that is more.
    """

    def __init__(self, frame: Frame) -> None:
        self.names = frame.names
        self._spreads = {column.name: _spread(column.values) for column in frame.columns if column.kind != "category"}

    def place(self, frame: Frame) -> Places:
        """Place the rows of a table."""
        return Places(tuple(self._axis(column) for column in frame.columns), frame.rows)

    def _axis(self, column: Column) -> Axis:
        if column.kind == "category":
            small = np.uint8 if len(column.levels) < 256 else np.uint16 if len(column.levels) < 65_536 else np.uint32
            return Axis(column.name, (column.codes() + 1).astype(small), is_number=False)
        middle, spread = self._spreads[column.name]
        missing = column.missing
        scaled = ((column.values - middle) / spread).astype(np.float32)
        return Axis(column.name, scaled, is_number=True, missing=missing if missing.any() else None)


def search(queries: Places, references: Places, *, halves: bool = False, without: Sequence[str] = ()) -> Found:
    """Find the closest of the references for every query; the first of those that are equally close."""
    whole, parts = _Best(queries.rows), (_Best(queries.rows), _Best(queries.rows))
    alone = {name: _Best(queries.rows) for name in without}
    axes = {axis.name: (axis, other) for axis, other in zip(queries.axes, references.axes, strict=True)}
    split = (queries.axes[::2], queries.axes[1::2])
    for start in range(0, queries.rows, _QUERIES):
        rows = slice(start, min(start + _QUERIES, queries.rows))
        for first in range(0, references.rows, _REFERENCES):
            others = slice(first, min(first + _REFERENCES, references.rows))
            shape = (rows.stop - rows.start, others.stop - others.start)
            gaps, differ = np.empty(shape, np.float32), np.empty(shape, np.bool_)
            sums = [_sum([axes[axis.name] for axis in half], rows, others, gaps, differ) for half in split]
            if halves:
                parts[0].offer(sums[0], rows, first)
                parts[1].offer(sums[1], rows, first)
            total = np.add(sums[0], sums[1], out=sums[0])
            whole.offer(total, rows, first)
            for name, best in alone.items():
                axis, other = axes[name]
                rest = np.subtract(total, axis.gaps(rows, other, others, gaps, differ), out=sums[1])
                best.offer(rest, rows, first)
    return Found(
        whole.nearest(),
        (parts[0].nearest(), parts[1].nearest()) if halves else None,
        {name: best.nearest() for name, best in alone.items()},
    )


class _Best:
    """The closest that was offered so far."""

    def __init__(self, rows: int) -> None:
        self._distance = np.full(rows, np.inf, np.float32)
        self._place = np.zeros(rows, np.int64)

    def offer(self, distances: Floats32, rows: slice, first: int) -> None:
        places = distances.argmin(axis=1)
        closest = distances[np.arange(len(places)), places]
        closer = closest < self._distance[rows]
        self._distance[rows] = np.where(closer, closest, self._distance[rows])
        self._place[rows] = np.where(closer, places + first, self._place[rows])

    def nearest(self) -> Nearest:
        return Nearest(self._distance, self._place)


def _sum(pairs: list[tuple[Axis, Axis]], rows: slice, others: slice, gaps: Floats32, differ: Bools) -> Floats32:
    """Add up the distances along some columns. Categories are counted in bytes, which a processor adds fastest."""
    total, counted = np.zeros(gaps.shape, np.float32), np.zeros(gaps.shape, np.uint8)
    pending = 0
    for mine, theirs in pairs:
        gap = mine.gaps(rows, theirs, others, gaps, differ)
        if mine.is_number:
            total += gap
            continue
        counted += gap.view(np.uint8)
        pending += 1
        if pending == 255:
            total += counted
            counted[:] = 0
            pending = 0
    if pending:
        total += counted
    return total


def _spread(values: Floats) -> tuple[float, float]:
    """Return the middle, so that little is lost in 32 bits, and the spread."""
    known = values[~np.isnan(values)]
    if not len(known):
        return 0.0, 1.0
    low, middle, high = np.quantile(known, (0.01, 0.5, 0.99))
    spread = max(float(high - low), float(known.std()))
    return float(middle), spread if spread > 0 else 1.0
