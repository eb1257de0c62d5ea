"""Distributions of single features: ordered segments, intervals or levels, cut where a normal variable is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from generation.generators.tabular.fitted.privacy import (
    Bools,
    Floats,
    Ints,
    K,
    People,
    outer_edge,
    own_edges,
    round_between,
    shared_runs,
)

#: The token of what too few people hold, where all of it together is held by enough.
REST = "other"
_INTERVALS = 512
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Marginal:
    """``n`` segments with ``shares`` that add up to 1; intervals ``low`` to ``high`` of whole units, or named
    ``levels``.

    ``low`` and ``high`` are halves: an interval holds the whole numbers between them, a single value v runs from v - ½
    to v + ½. No segment at all means that nothing may be carried over.
    """

    shares: Floats
    low: Floats
    high: Floats
    levels: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.shares)

    def cuts(self) -> Floats:
        """Return the ``n - 1`` values of a standard normal variable at which one segment ends and the next begins."""
        return np.array([_NORMAL.inv_cdf(min(max(p, 1e-12), 1 - 1e-12)) for p in np.cumsum(self.shares)[:-1]])

    def scores(self) -> Floats:
        """Return the mean of a standard normal variable within each segment (its normal score)."""
        density = np.array([0.0, *(_NORMAL.pdf(cut) for cut in self.cuts()), 0.0])
        scores: Floats = (density[:-1] - density[1:]) / np.maximum(self.shares, 1e-12)
        return scores

    def reorder(self, order: Ints) -> Marginal:
        """Return the same levels in another order."""
        levels = self.levels and tuple(self.levels[i] for i in order)
        return Marginal(self.shares[order], self.low[order], self.high[order], levels)


@dataclass(frozen=True)
class Learned:
    """A marginal, and for each row the segment that it fell into; -1 where the row has no value that may be used."""

    marginal: Marginal
    segments: Ints

    def reorder(self, order: Ints) -> Learned:
        place = np.empty(len(order) + 1, np.int64)
        place[order] = np.arange(len(order))
        place[-1] = -1
        return Learned(self.marginal.reorder(order), place[self.segments])


def learn_numbers(units: Floats, people: People) -> Learned:
    """Learn whole numbers ``units`` (NaN where missing): values that many hold as they are, the others in intervals.

    A value is kept as it is when ``K`` people hold it, and the column has few values or this one is frequent.
    """
    known = ~np.isnan(units)
    values, groups = np.unique(units[known], return_inverse=True)
    crowd = people.among(known)
    few = len(values) <= max(_INTERVALS, min(2048, len(groups) // 16))
    frequent = np.bincount(groups, minlength=len(values)) >= 2 * len(groups) / _INTERVALS
    spikes = (crowd.holders(groups, len(values)) >= K) & (few | frequent)
    kept = np.flatnonzero(spikes)
    low, high, intervals = _learn_stretches(units[known], ~spikes[groups], crowd)
    of_spike = np.full(len(values), -1, np.int64)
    of_spike[kept] = len(low) + np.arange(len(kept))
    segments = np.full(len(units), -1, np.int64)
    segments[known] = np.where(spikes[groups], of_spike[groups], intervals)
    low, high = np.concatenate([low, values[kept] - 0.5]), np.concatenate([high, values[kept] + 0.5])
    learned = Learned(Marginal(_shares(segments, len(low)), low, high), segments)
    return learned.reorder(np.argsort(low + high, kind="stable"))


def _learn_stretches(units: Floats, chosen: Bools, people: People) -> tuple[Floats, Floats, Ints]:
    """Learn intervals over the ``chosen`` rows, none of them across a twentieth of the others.

    Without this a few people below and a few above a crowd of frequent values would become one interval over all of it.
    """
    values = np.unique(units[chosen])
    passed = np.searchsorted(np.sort(units[~chosen]), values)
    cuts = values[1:][np.diff(passed) > max(1, len(units) // 20)] if len(values) else values
    stretches = np.searchsorted(cuts, units, side="right")
    low, high, intervals = np.empty(0), np.empty(0), np.full(len(units), -1, np.int64)
    for stretch in range(len(cuts) + 1):
        lower, upper, found = _learn_intervals(units, chosen & (stretches == stretch), people)
        intervals = np.where(found >= 0, found + len(low), intervals)
        low, high = np.concatenate([low, lower]), np.concatenate([high, upper])
    return low, high, intervals


def _learn_intervals(units: Floats, chosen: Bools, people: People) -> tuple[Floats, Floats, Ints]:
    """Return low and high of the intervals over the ``chosen`` rows, and for each row its interval or -1."""
    values, groups = np.unique(units[chosen], return_inverse=True)
    placed = people.among(chosen).placed(groups, len(values))
    runs = shared_runs(placed, max(K, len(units) // _INTERVALS))
    intervals = np.full(len(units), -1, np.int64)
    if not runs:
        return np.empty(0), np.empty(0), intervals
    starts = np.array([run.start for run in runs])
    intervals[chosen] = np.searchsorted(starts, groups, side="right") - 1
    if len(runs) == 1:
        low, high = own_edges(people.among(chosen).one_each(units[chosen]))
        inner: list[float] = []
    else:
        inner = [round_between(values[start - 1], values[start]) for start in starts[1:].tolist()]
        lowest, highest = intervals == 0, intervals == len(runs) - 1
        low = outer_edge(people.among(lowest).one_each(units[lowest]), inner[0], upper=False)
        high = outer_edge(people.among(highest).one_each(units[highest]), inner[-1], upper=True)
    if values[0] >= 0:
        low = max(low, -0.5)
    edges = np.array([low, *inner, max(high, low + 1)])
    return edges[:-1], edges[1:], intervals


def learn_levels(codes: Ints, names: Sequence[str], people: People, *, rest: bool) -> Learned:
    """Learn the levels of a category (``codes`` into ``names``, -1 where missing), the frequent ones first.

    Levels that fewer than ``K`` people hold become one rest if ``rest`` allows it and ``K`` people are in
    it; else they count to the most frequent level.
    """
    known = codes >= 0
    index = np.maximum(codes, 0)
    held = people.among(known).holders(codes[known], len(names)) >= K
    rows = np.bincount(codes[known], minlength=len(names))
    kept = sorted(np.flatnonzero(held).tolist(), key=lambda code: (-rows[code], names[code]))
    levels = [names[code] for code in kept]
    rare = known & ~np.append(held, False)[index]
    place = 0
    if rest and people.count(rare) >= K:
        place = levels.index(REST) if REST in levels else len(levels)
        levels += [REST] if place == len(levels) else []
    of_code = np.full(len(names) + 1, place, np.int64)
    of_code[kept] = np.arange(len(kept))
    segments = np.where(known & bool(levels), of_code[index], -1)
    zeros = np.zeros(len(levels))
    return Learned(Marginal(_shares(segments, len(levels)), zeros, zeros, tuple(levels)), segments)


def learn_missing(missing: Bools, people: People) -> Learned | None:
    """Learn whether a value is missing: segment 0 is "missing". ``None`` if ``K`` people are not on both sides."""
    if min(people.count(missing), people.count(~missing)) < K:
        return None
    segments = np.where(missing, 0, 1)
    zeros = np.zeros(2)
    return Learned(Marginal(_shares(segments, 2), zeros, zeros), segments)


def _shares(segments: Ints, size: int) -> Floats:
    counts = np.bincount(segments[segments >= 0], minlength=size)
    return counts / max(int(counts.sum()), 1)
