"""Identifiers: pools of rare levels that are alike, in which made-up levels occur as often as real ones do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.arrow import ArrowArray
from generation.generators.tabular.fitted.features import Coded, Feature, Levels
from generation.generators.tabular.fitted.names import invent
from generation.generators.tabular.fitted.privacy import Floats, Ints, People
from generation.sdk import Streams

_POOL_ROWS = 90
_LEAST_ROWS = 30
_POOL_LEVELS = 10
_MOST_POOLS = 64
_MOST_LEVELS = 1_000_000
_MOST_BYTES = 32 << 20  # of made-up levels
_TELLS = 0.9  # of the dispersion that may be left within levels by a column that tells something
_ORDERED = 12  # codes from which on a column of numbers is compared by rank


def pool(
    one: Coded,
    numbers: Ints,
    names: ArrowArray,
    limit: int,
    others: Sequence[Coded],
    people: People,
    streams: Streams,
) -> Coded:
    """Return the feature with its rare levels (``numbers`` of each row into ``names``) in pools of made-up ones.

    Each pool has at least ten levels and some tens of rows, whose levels are alike in the two columns that tell most
    about a level. Its made-up levels have the profile of frequencies that ``profile`` finds.
    """
    levels = cast(Levels, one.feature.values)
    at = numbers >= 0
    counts = np.bincount(numbers[at], minlength=len(names))
    pools = _pools(numbers[at], counts, [(other, other.codes[at]) for other in others])
    rng = streams.rng(f"surrogates {one.stream}")
    amount = int(pools.max()) + 1
    most = min(_MOST_LEVELS, _MOST_BYTES * len(names) // max(names.nbytes, 1)) // amount
    weights = [profile(counts[pools == number], limit, most, rng) for number in range(amount)]
    made = invent(names, pools, [len(one) for one in weights], levels.names, _holders(numbers, people), rng)
    ends = np.concatenate([number + np.cumsum(one) / one.sum() for number, one in enumerate(weights)])
    values = Levels(pa.concat_arrays([levels.names, made]), levels.common, amount, ends)
    feature = Feature(values, one.feature.nullable)
    first = feature.nullable + levels.common
    codes = one.codes.copy()
    codes[at] = first + pools[numbers[at]]
    return Coded(one.stream, feature, codes, one.known | at)


def _holders(numbers: Ints, people: People) -> Ints:
    """Return the first level of each person who has a rare one, in order: what is counted per person counts people."""
    at = numbers >= 0
    if people.codes is None:
        return np.unique(numbers[at])
    _, first = np.unique(people.codes[at], return_index=True)
    return np.unique(numbers[at][first])


def _pools(numbers: Ints, counts: Ints, others: Sequence[tuple[Coded, np.ndarray]]) -> Ints:
    """Return the pool of each rare level: levels sorted by the two columns that tell most, cut into runs."""
    told = sorted(
        ((*_tells(numbers, counts, other, codes), place) for place, (other, codes) in enumerate(others)),
        key=lambda one: (one[0], one[2]),
    )
    keys = [key for left, key, _ in told if left < _TELLS][:2]
    order = np.lexsort((np.arange(len(counts)), *keys[::-1])) if keys else np.arange(len(counts))
    least = max(_POOL_ROWS, len(numbers) / _MOST_POOLS)
    first = keys[0][order].tolist() if keys else [0] * len(order)
    pools = np.zeros(len(counts), np.int64)
    number = rows = size = 0
    for place, (level, count) in enumerate(zip(order.tolist(), counts[order].tolist(), strict=True)):
        turns = place > 0 and first[place] != first[place - 1] and rows >= _LEAST_ROWS
        if (rows >= least or turns) and size >= _POOL_LEVELS and number < _MOST_POOLS * 4:
            number, rows, size = number + 1, 0, 0
        pools[level] = number
        rows, size = rows + count, size + 1
    if number and (rows < _LEAST_ROWS or size < _POOL_LEVELS):
        pools[pools == number] = number - 1
    return pools


def _tells(numbers: Ints, counts: Ints, other: Coded, codes: np.ndarray) -> tuple[float, Floats]:
    """Return how much of a column's dispersion is left within levels, and a key that puts like levels together."""
    levels, size = len(counts), other.feature.size
    if other.feature.ordered and size > _ORDERED:
        share = np.bincount(codes, minlength=size) / len(codes)
        ranks = (np.cumsum(share) - share / 2)[codes]
        means = np.bincount(numbers, ranks, levels) / counts
        within = (np.bincount(numbers, ranks * ranks, levels) - counts * means**2).sum() / max(1, (counts - 1).sum())
        return float(within / max(ranks.var(), 1e-12)), np.round(means * 4096)
    pairs, together = np.unique(numbers * size + codes, return_counts=True)
    level = pairs // size
    same = np.bincount(level, together * (together - 1.0), levels).sum()
    all_pairs = (counts * (counts - 1.0)).sum()
    shares = np.bincount(codes, minlength=size) / len(codes)
    order = np.lexsort((together, level))
    mode = np.zeros(levels)
    mode[level[order]] = pairs[order] % size
    return float((1 - same / max(1.0, all_pairs)) / max(1 - (shares**2).sum(), 1e-12)), mode


def profile(counts: Ints, limit: int, most: int, rng: np.random.Generator) -> Floats:
    """Return weights of at most ``most`` made-up levels: they occur as often as levels with ``counts`` rows did.

    Rates from a gamma distribution whose Poisson counts, cut to 1 … ``limit`` - 1, explain the counts best (Fisher,
    Corbet and Williams, "The relation between the number of species and the number of individuals", 1943).
    """
    seen = np.bincount(np.minimum(counts, limit - 1), minlength=limit)[1:].astype(np.float64)
    shape, mean, share = _gamma(seen, limit)
    rates = rng.gamma(shape, mean / shape, min(int(np.ceil(len(counts) / share)), most))
    term = np.exp(-rates)
    within = np.zeros(len(rates))
    for number in range(1, limit):
        term = term * rates / number
        within += term
    # of the rates, those whose level is seen or not seen at all; never one that would be common
    rates = rates[rng.random(len(rates)) < within + np.exp(-rates)]
    return np.sort(rates)[::-1] + 1e-9 if len(rates) else np.ones(len(counts))


def _gamma(seen: Floats, limit: int) -> tuple[float, float, float]:
    """Return shape, mean and share of levels seen of the most likely gamma distribution, over a grid."""
    best = (-np.inf, 1.0, 1.0, 1.0)
    numbers = np.arange(1, limit)
    for shape in (0.2, 0.5, 1.0, 2.0, 4.0, 10.0, 100.0):
        for mean in np.geomspace(0.03, 2 * limit, 40):
            odds = mean / (mean + shape)
            logs = shape * np.log1p(-odds) + np.cumsum(np.log((shape + numbers - 1) * odds / numbers))
            share = float(np.exp(logs).sum())
            likelihood = float((seen * (logs - np.log(max(share, 1e-300)))).sum())
            if likelihood > best[0] and share > 0.02:
                best = (likelihood, shape, float(mean), share)
    return best[1:]
