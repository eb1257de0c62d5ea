"""The rule of k: nothing that fewer than ten people hold leaves the source, and no one person's extreme does.

Every value, edge and level that enters the state passes through this module. Held by k people: a value as it is. Else
only as part of an interval or of a rest that k people share, whose ends are nobody's values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generation.generators.tabular.fitted.arrow import ArrowArray
from generation.generators.tabular.fitted.kernels import cut_runs

#: "Always true" 1.
K = 10
#: Whom an identifying column tells apart, at least.
LEAST_PEOPLE = 100

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class People:
    """Who stands behind each row: ``codes`` of distinct people, or ``None`` when every row is a person."""

    codes: Ints | None = None

    def among(self, rows: Bools) -> People:
        """Return the people behind the chosen ``rows``."""
        return People(None if self.codes is None else self.codes[rows])

    def count(self, rows: Bools) -> int:
        """Count the people behind the chosen ``rows``."""
        return int(rows.sum()) if self.codes is None else len(np.unique(self.codes[rows]))

    def weights(self, rows: int) -> Floats:
        """Return a weight for each of ``rows`` rows, so that those of one person add up to 1."""
        if self.codes is None:
            return np.ones(rows)
        return 1.0 / np.bincount(self.codes)[self.codes]

    def one_each(self, values: Floats) -> Floats:
        """Return one of ``values`` (one a row) for each person, their middle one."""
        if self.codes is None:
            return values
        order = np.lexsort((values, self.codes))
        _, first, rows = np.unique(self.codes[order], return_index=True, return_counts=True)
        middle: Floats = values[order][first + rows // 2]
        return middle

    def holders(self, groups: Ints, size: int) -> Ints:
        """Count the people of each group; ``groups`` assigns one of ``size`` groups to each row."""
        if self.codes is None:
            return np.bincount(groups, minlength=size)
        pairs = np.unique(np.stack([groups, self.codes]), axis=1)
        return np.bincount(pairs[0], minlength=size)

    def placed(self, groups: Ints, size: int) -> Ints:
        """Count each person once, in the group of their middle row, so that sums over groups never count one twice."""
        if self.codes is None:
            return np.bincount(groups, minlength=size)
        order = np.lexsort((groups, self.codes))
        _, first, rows = np.unique(self.codes[order], return_index=True, return_counts=True)
        return np.bincount(groups[order][first + rows // 2], minlength=size)


def people_of(column: ArrowArray) -> People:
    """Number the people by the identifying column; rows without an identifier count as one person together.

    Raises ``ValueError`` where it tells fewer than 100 people apart.
    """
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    if len(encoded.dictionary) < LEAST_PEOPLE:
        raise ValueError(f"the identifying column tells fewer than {LEAST_PEOPLE} people apart")
    return People(encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64))


def shared_runs(people: Ints, wanted: int) -> list[range]:
    """Cut ordered groups of ``people[i]`` people into runs of at least ``K`` each; fewer than ``K`` in all give no run.

    Runs are short at both ends (``K``, 2 ``K``, 4 ``K`` … people) so that tails keep their shape, ``wanted`` people
    long in the middle.
    """
    if int(people.sum()) < K:
        return []
    starts = np.empty(len(people), np.int64)
    runs = cut_runs(people, K, wanted, starts)
    ends = [*starts[1:runs].tolist(), len(people)]
    return [range(start, end) for start, end in zip(starts[:runs].tolist(), ends, strict=True)]


def round_between(below: float, above: float) -> float:
    """Return the roundest border between two whole numbers ``below < above``: the half before a round number.

    A border that is a half is nobody's value, and the fewer digits it has the less it tells of its two neighbours.
    """
    step = 10.0 ** max(0, int(np.floor(np.log10(max(above - below, 1.0)))) + 1)
    while step > 1:
        border = np.floor(above / step) * step
        if border > below:
            return float(border) - 0.5
        step /= 10
    return float(above) - 0.5


def outer_edge(values: Floats, inner: float, *, upper: bool) -> float:
    """Return where the outermost interval ends: twice as far from ``inner`` as its people are on average.

    The farthest fifth counts as if it stood at the fifth's border, so one extreme moves nothing, and the distance is
    rounded to two digits. ``values`` are one each of at least ``K`` people; no minimum or maximum is ever used.
    """
    distances = np.sort(values - inner if upper else inner - values)
    clipped = np.minimum(distances, distances[max(0, int(0.8 * len(distances)) - 1)])
    width = two_digits(max(2.0 * float(clipped.mean()), 1.0))
    return inner + width if upper else inner - width


def own_edges(values: Floats) -> tuple[float, float]:
    """Return both ends of an interval that has no neighbour: around the middle three fifths of its people, rounded.

    ``values`` are one each of at least ``K`` people.
    """
    ordered = np.sort(values)
    fifth = len(ordered) // 5
    clipped = np.clip(values, ordered[fifth], ordered[len(ordered) - 1 - fifth])
    reach = two_digits(max(2.0 * float(np.abs(clipped - clipped.mean()).mean()), 1.0))
    unit = 10.0 ** max(0, int(np.floor(np.log10(reach))) - 1)
    middle = float(np.rint(clipped.mean() / unit) * unit)
    return middle - reach - 0.5, middle + reach + 0.5


def two_digits(width: float) -> float:
    """Round a positive width of one or more to two significant digits, to a whole number."""
    unit = 10.0 ** max(0, int(np.floor(np.log10(width))) - 1)
    return float(max(1.0, np.rint(width / unit) * unit))
