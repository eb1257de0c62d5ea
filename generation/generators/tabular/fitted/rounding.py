"""How round numbers are: people who state 30,000 rather than 29,871 do so within every bin of a column."""

from __future__ import annotations

import numpy as np

from generation.generators.tabular.fitted.features import Bytes
from generation.generators.tabular.fitted.privacy import Bools, Floats, Ints, K, People

#: The steps of which values may be multiples, in whole units; each divides some later one.
STEPS = np.array([1, 5, 10, 50, 100, 500, 1000, 5000, 10000], np.float64)


def learn_roundness(units: Floats, bins: Ints, wide: Bools, people: People) -> Bytes:
    """Return cumulated shares (bins × steps, in 256ths, at most 255) of the steps that values of each bin keep.

    ``bins`` says of each of ``units`` where it is; bins that are not ``wide`` hold one value and need no step. A step
    that fewer than ``K`` people of a bin keep counts as the next finer one, so no single round value stands out.
    """
    shares = np.full((len(wide), len(STEPS)), 255, np.uint8)
    chosen = wide[bins]
    if not chosen.any():
        return shares
    values, groups = np.unique(units[chosen], return_inverse=True)
    steps = np.zeros(len(values), np.int64)
    for number, step in enumerate(STEPS):
        steps[values % step == 0] = number
    cells = bins[chosen] * len(STEPS) + steps[groups]
    held = people.among(chosen).holders(cells, shares.size).reshape(shares.shape)
    for number in range(len(STEPS) - 1, 0, -1):
        few = held[:, number] < K
        held[few, number - 1] += held[few, number]
        held[few, number] = 0
    cumulated = np.cumsum(held, axis=1) / np.maximum(held.sum(axis=1, keepdims=True), 1)
    shares[wide] = np.minimum(255, np.floor(cumulated[wide] * 256)).astype(np.uint8)
    return shares
