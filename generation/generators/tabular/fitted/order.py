"""In what order columns are drawn, and how much each tells of each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generation.generators.tabular.fitted.features import Coded, Codes
from generation.generators.tabular.fitted.kernels import tables
from generation.generators.tabular.fitted.privacy import Floats

_ROWS = 20_000
_COUNTED = 1_000_000_000  # cells of all pairs, at about a nanosecond each
_PARTS = 32


def ties_between(coded: Sequence[Coded]) -> Floats:
    """Return the mutual information of each pair of features (d × d), less what chance gives, in nats.

    Features of many codes are cut into 32 parts of equally many rows; wide tables are looked at by fewer rows.
    """
    size = len(coded)
    rows = len(coded[0].codes) if size else 0
    wanted = min(_ROWS, rows, max(2_000, _COUNTED // max(size * size, 1)))
    chosen = np.linspace(0, max(rows - 1, 0), wanted).astype(np.int64)
    parts = np.empty((size, wanted), np.uint8)
    for number, one in enumerate(coded):
        parts[number] = _parts(one)[one.codes[chosen]]
    found = np.zeros((size, size))
    tables(parts, np.full(size, _PARTS, np.int64), found)
    return found


def _parts(one: Coded) -> Codes:
    """Return the part of each code."""
    if one.feature.size <= _PARTS:
        return np.arange(max(one.feature.size, 1), dtype=np.int32)
    shares = one.shares()
    return np.minimum(_PARTS - 1, (np.cumsum(shares) - shares / 2) * _PARTS).astype(np.int32)


def order_of(coded: Sequence[Coded], first: Sequence[int]) -> list[int]:
    """Return the features in the order in which they are drawn: ``first``, then those of few codes before the others.

    What a column of few values says can be split upon by all later trees, and the detailed columns come where there is
    most to follow from.
    """
    head = set(first)
    rest = sorted((i for i in range(len(coded)) if i not in head), key=lambda i: (coded[i].feature.size, i))
    return [*first, *rest]
