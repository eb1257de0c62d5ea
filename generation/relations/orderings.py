"""Orderings: ``admitted ≤ discharged`` wherever both are known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

import numpy as np

from generation.relations.columns import Column, Sample, Words, all_known
from generation.relations.relation import Drawn, Relation

_LEAST_ROWS = 200
_SURPRISES = 30.0  # rows in the wrong order that independent columns would have at least


class Ordering(Relation):
    """The input is never more than ``out``. Where they were drawn the other way round they change places.

    Both stay within what their columns have: the smaller of the two was drawn for the larger column and is no less than
    its least value, which is no less than the smaller column's. A column of fewer decimals takes the next number that
    it can hold.
    """

    rank = -1
    kind: Literal["ordering"] = "ordering"
    decimals: tuple[int, int]

    @property
    def formula(self) -> str:
        return f"{self.inputs[0]} ≤ {self.out}"

    @property
    def changes(self) -> frozenset[str]:
        return frozenset(self.columns)

    def put_right(self, drawn: Drawn, words: Mapping[str, Words]) -> None:
        low, high = drawn[self.inputs[0]], drawn[self.out]
        wrong = low > high
        below, above = (10.0**decimals for decimals in self.decimals)
        drawn[self.inputs[0]] = np.where(wrong, np.floor(high * below + 1e-6) / below, low)
        drawn[self.out] = np.where(wrong, np.ceil(low * above - 1e-6) / above, high)


def find_orderings(sample: Sample, among: Collection[Column]) -> list[Ordering]:
    """Return which of the columns are never more than another; what follows from two others is left out."""
    pairs = {(one.name, other.name) for one in among for other in among if _is_below(one, other)}
    mutual = {(low, high) for low, high in pairs if (high, low) in pairs}
    pairs -= mutual
    names = {name for pair in pairs for name in pair}
    direct = [(low, high) for low, high in sorted(pairs) if not any({(low, by), (by, high)} <= pairs for by in names)]
    return [
        Ordering(
            out=high,
            inputs=(low,),
            share=1.0,
            decimals=(sample.columns[low].decimals or 0, sample.columns[high].decimals or 0),
        )
        for low, high in _in_order(direct)
    ]


def _is_below(low: Column, high: Column) -> bool:
    """Whether no row has ``low`` above ``high``, and columns that do not know of each other would have many."""
    if low.name == high.name or low.kind != high.kind or low.decimals is None or high.decimals is None:
        return False
    known = all_known([low, high])
    lows, highs = low.values[known], high.values[known]
    if known.sum() < _LEAST_ROWS or (lows > highs).any() or (lows == highs).all():
        return False
    ranks = np.searchsorted(np.sort(highs), lows, side="left")
    return float(ranks.sum() / len(highs)) >= _SURPRISES


def _in_order(pairs: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The pairs so that whoever stands lower comes first."""
    left = list(pairs)
    while left:
        above = {high for _, high in left}
        first = [pair for pair in left if pair[0] not in above] or left[:1]
        yield from first
        left = [pair for pair in left if pair not in first]
