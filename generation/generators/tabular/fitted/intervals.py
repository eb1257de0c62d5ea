"""Whole numbers as bins: values that many people hold as they are, the others in intervals of many people."""

from __future__ import annotations

import numpy as np

from generation.generators.tabular.fitted.features import Bins
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
from generation.generators.tabular.fitted.rounding import STEPS, learn_roundness

_INTERVALS = 512


def learn_numbers(units: Floats, people: People, *, rounded: bool) -> tuple[Bins, Ints]:
    """Learn whole numbers ``units`` (NaN where missing); return the bins and each row's, -1 where it has none.

    A value is kept as it is when ``K`` people hold it, and the column has few values or this one is frequent. With
    ``rounded`` the bins remember how round their values are.
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
    found = np.where(spikes[groups], of_spike[groups], intervals)
    low, high = np.concatenate([low, values[kept] - 0.5]), np.concatenate([high, values[kept] + 0.5])
    order = np.argsort(low + high, kind="stable")
    low, high = low[order], high[order]
    codes = np.full(len(units), -1, np.int64)
    if len(order):
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        middles = (low + high) / 2
        nearest = np.searchsorted((middles[1:] + middles[:-1]) / 2, units[known])
        codes[known] = np.where(found >= 0, place[found], nearest)
    used = codes >= 0
    roundness = np.full((len(order), len(STEPS)), 255, np.uint8)
    if rounded:
        roundness = learn_roundness(units[used], codes[used], high - low > 1, people.among(used))
    return Bins(low, high, roundness), codes


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
