"""Missing values: learned where enough people have some, and together where columns are missing together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from generation.generators.tabular.fitted.privacy import Bools, K, People

_DIFFERENT = 0.02  # of the missing values, at most, where two columns count as missing together


def may_be_missing(missing: Bools, people: People) -> bool:
    """Whether made values may be missing: ``K`` people have a value, and ``K`` people have none."""
    return min(people.count(missing), people.count(~missing)) >= K


def leaders(order: Sequence[int], missing: Mapping[int, Bools]) -> list[int]:
    """Return for each feature the one that it is missing with, -1 for none: the first in ``order`` of those alike.

    ``missing`` has the rows of those features that may be missing. What is missing together comes out together, in
    every row, instead of nearly.
    """
    found = [-1] * len(order)
    seen: list[tuple[int, int]] = []
    for feature in order:
        if feature not in missing:
            continue
        amount = int(missing[feature].sum())
        for leader, others in seen:
            limit = _DIFFERENT * min(amount, others)
            if abs(amount - others) <= limit and (missing[leader] ^ missing[feature]).sum() <= limit:
                found[feature] = leader
                break
        else:
            seen.append((feature, amount))
    return found


def stand_in(codes: np.ndarray, known: Bools, size: int) -> np.ndarray:
    """Give rows of which nothing is known the commonest code."""
    if known.all():
        return codes
    commonest = int(np.argmax(np.bincount(codes[known], minlength=size))) if known.any() else 0
    return np.where(known, codes, commonest)
