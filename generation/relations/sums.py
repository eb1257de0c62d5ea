"""Sums and differences: ``total = net + tax``, ``discharged = admitted + days``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, Self

import numpy as np
from pydantic import Field

from generation.relations.columns import Column, Floats, K, Sample, Words, all_known, named, rounded
from generation.relations.pursuit import whole_weights
from generation.relations.relation import Drawn, Relation, share_of

_LEAST_ROWS = 300
_LEAST_LIVE = 50  # rows in which two terms at least are not zero
_HOLDS = 0.99
_SPIKE = 0.02


class Sum(Relation):
    """``out`` is the sum of the inputs, each times its weight of 1 or -1.

    A value of ``kept`` (a spike: many have it) stays as drawn, and so does 0 as the least value; the input ``gives``,
    if there is one, makes up for it, within ``least`` and ``most``. It makes up for every value of ``out`` where that
    ``stays``.
    """

    kind: Literal["sum"] = "sum"
    weights: tuple[int, ...]
    decimals: int
    nonnegative: bool
    kept: tuple[float, ...] = ()
    gives: str | None = None
    gives_decimals: int = 0
    least: float = 0.0
    most: float = 0.0
    stays: bool = Field(default=False, exclude=True)

    @property
    def formula(self) -> str:
        return _formula(self.out, zip(self.weights, self.inputs, strict=True))

    @property
    def formulas(self) -> frozenset[str]:
        terms = {**dict(zip(self.inputs, self.weights, strict=True)), self.out: -1}
        return frozenset(
            _formula(out, ((-weight * terms[out], name) for name, weight in terms.items() if name != out))
            for out in terms
        )

    @property
    def changes(self) -> frozenset[str]:
        return frozenset({self.out} | ({self.gives} if self.gives else set()))

    def put_right(self, drawn: Drawn, words: Mapping[str, Words]) -> None:
        old, total = drawn[self.out], self._total(drawn)
        known = ~np.isnan(old + total)
        new = rounded(total, self.decimals)
        wanted = np.where(np.isin(old, self.kept) | self.stays, old, new)
        if self.nonnegative:
            wanted = np.maximum(wanted, 0.0)
        if self.gives is not None:
            weight = self.weights[self.inputs.index(self.gives)]
            given = rounded(drawn[self.gives] + (wanted - total) * weight, self.gives_decimals)
            within = (given >= self.least) & (given <= self.most)
            # better beyond what is usual than a negative number where there is none
            rescued = (wanted > new) & (wanted == 0) & ((given >= 0) | (self.least < 0))
            moved = known & (wanted != new) & (within | rescued)
            drawn[self.gives] = np.where(moved, given, drawn[self.gives])
            new = rounded(self._total(drawn), self.decimals)
        drawn[self.out] = np.where(known, new, old)

    def firm(self, columns: Collection[str]) -> Self:
        stays = self.out in columns and self.gives not in columns
        return self.model_copy(update={"stays": stays})

    def _total(self, drawn: Mapping[str, Floats]) -> Floats:
        total: Floats = np.zeros(len(drawn[self.out]))
        for weight, name in zip(self.weights, self.inputs, strict=True):
            total = total + weight * drawn[name]
        return total


def _formula(out: str, terms: Iterable[tuple[int, str]]) -> str:
    ordered = sorted(terms, key=lambda term: (-term[0], term[1]))
    signs = ["" if weight > 0 else "−" for weight, _ in ordered[:1]]
    signs += [" + " if weight > 0 else " − " for weight, _ in ordered[1:]]
    return f"{out} = {''.join(f'{sign}{name}' for sign, (_, name) in zip(signs, ordered, strict=True))}"


def find_sum(sample: Sample, out: Column, others: Collection[Column], fixed: Collection[str]) -> Sum | None:
    """Return the sum of two or three of ``others`` that ``out`` is; ``fixed`` names what may not give way."""
    if out.decimals is None:
        return None
    terms = [one for one in others if one.decimals is not None and one.known[out.known].mean() > 0.95]
    if len(terms) < 2:
        return None
    known = all_known([out, *terms])
    if known.sum() < _LEAST_ROWS:
        return None
    matrix, target = np.stack([one.values[known] for one in terms], axis=1), out.values[known]
    best: Sum | None = None
    for chosen, weights in whole_weights(matrix, target, largest=1, off=0.02):
        total = matrix[:, chosen] @ weights
        live = (matrix[:, chosen] != 0).sum(axis=1) >= 2
        fits = np.abs(total - target) <= 0.51 * 10.0**-out.decimals + 1e-9 * np.abs(total)
        share = float(fits[live].mean()) if live.sum() >= _LEAST_LIVE else 0.0
        if share >= _HOLDS and fits.mean() >= _HOLDS and (best is None or share > best.share):
            names = [terms[i].name for i in chosen]
            best = _sum(sample, out, names, weights, share, fixed)
    return best


def _sum(sample: Sample, out: Column, names: list[str], weights: Floats, share: float, fixed: Collection[str]) -> Sum:
    inputs = named(sample, names)
    freest = sorted(inputs, key=lambda one: (-(one.decimals or 0), -one.spread, one.name))
    gives = next((one for one in freest if one.name not in fixed), None)
    return Sum(
        out=out.name,
        inputs=tuple(names),
        share=share_of(share),
        weights=tuple(int(weight) for weight in weights),
        decimals=out.decimals or 0,
        nonnegative=bool(out.values[out.known].min() >= 0),
        kept=sample.held(out.name, share=_SPIKE),
        gives=None if gives is None else gives.name,
        gives_decimals=0 if gives is None else gives.decimals or 0,
        least=0.0 if gives is None else reach(gives, upper=False),
        most=0.0 if gives is None else reach(gives, upper=True),
    )


def reach(column: Column, *, upper: bool) -> float:
    """How far a column's values may go: past all but ``K`` of them, to a round number; never past 0."""
    values = np.sort(column.values[column.known])
    inner = float(values[-min(K, len(values))] if upper else values[min(K, len(values)) - 1])
    unit = 10.0 ** np.floor(np.log10(max(column.spread, 10.0**-6)))
    edge = float((np.floor(inner / unit) + 1) * unit if upper else (np.ceil(inner / unit) - 1) * unit)
    if not upper and values[0] >= 0:
        return max(edge, 0.0)
    return min(edge, 0.0) if upper and values[-1] <= 0 else edge
