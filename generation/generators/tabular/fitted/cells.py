"""The columns that are drawn first, together: cells of their codes, so that other shares of them can be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generation.generators.tabular.fitted.features import Coded, Codes
from generation.generators.tabular.fitted.privacy import Floats, Ints, K, People
from generation.sdk import Streams


@dataclass(frozen=True)
class Cells:
    """``codes`` (cells × features) of the features ``of``, and the share of the rows that each cell has."""

    of: tuple[int, ...]
    codes: Codes
    shares: Floats


def learn_cells(coded: Sequence[Coded], of: Sequence[int], people: People) -> Cells:
    """Count the cells of features ``of``; none has fewer than ``K`` people.

    Smaller ones that differ only in the last feature are merged with their neighbours if it is a number, under its
    middle code. What is still too small is left out, and the other cells stand for it.
    """
    if not of:
        return Cells((), np.empty((0, 0), np.int32), np.empty(0))
    table = np.stack([coded[i].codes for i in of], axis=1)
    codes, groups = np.unique(table, axis=0, return_inverse=True)
    groups = groups.ravel()
    ordered = coded[of[-1]].feature.ordered
    merged, middles = _merged(codes, people.holders(groups, len(codes)), ordered=ordered)
    groups = merged[groups]
    amount = len(middles)
    held = people.among(groups >= 0).holders(groups[groups >= 0], amount) >= K
    rows = np.bincount(groups[groups >= 0], minlength=amount)[held]
    return Cells(tuple(of), codes[middles[held]].astype(np.int32), rows / max(int(rows.sum()), 1))


def _merged(codes: Codes, people: Ints, *, ordered: bool) -> tuple[Ints, Ints]:
    """Return the merged cell of each cell, and the cell in the middle of each merged one."""
    if not ordered:
        return np.arange(len(codes)), np.arange(len(codes))
    turns = np.append(True, (codes[1:, :-1] != codes[:-1, :-1]).any(axis=1))
    merged = np.zeros(len(codes), np.int64)
    number, reached = -1, K
    for place, (turn, here) in enumerate(zip(turns.tolist(), people.tolist(), strict=True)):
        if turn or reached >= K:
            number, reached = number + 1, 0
        merged[place] = number
        reached += here
    starts = np.searchsorted(merged, np.arange(number + 1))
    ends = np.append(starts[1:], len(codes))
    return merged, (starts + ends - 1) // 2


def spread_cells(shares: Floats, order: Ints, streams: Streams, units: range, total: int) -> Ints:
    """Return the cell of each row of ``units``: of ``total`` rows each cell gets its share to the row.

    Rows are dealt out by a permutation, so no block knows of another. ``order`` sets side by side what is counted
    together: the ends of a run of cells are rounded, not those of each.
    """
    ends = np.cumsum(shares[order])
    counted = np.rint(ends * (total / ends[-1])).astype(np.int64)
    places = np.searchsorted(counted, streams.permute("cells", units, total), side="right")
    cells: Ints = order[np.minimum(places, len(order) - 1)]
    return cells
