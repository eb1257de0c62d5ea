"""Additive indexes: one number that adds up what all earlier columns say of a target, for trees to split upon.

A tree cuts along one column at a time; where a target follows a sum of many, a single cut of their sum does more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generation.generators.tabular.fitted.features import Bins, Bytes, Coded
from generation.generators.tabular.fitted.privacy import Floats, Ints

_LEAST_ROWS = 200
_ROWS = 8_000
_PREDICTORS = 24
_RIDGE = 50.0
_LEAST_R2 = 0.4  # without it plain tables lose usefulness and half the speed
_LEAST_SHARE = 0.01
_LEVELS = 12
_EDGES = 255
_LEAST_SPREAD = 0.02

Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Additive:
    """``q`` indexes: for each of the columns ``of`` a table of summands (codes × q), and ``edges`` (q × 255)."""

    of: list[int]
    summands: list[Singles]
    edges: Singles

    def bins(self, coded: Sequence[Coded]) -> list[Bytes]:
        """Return the bin of every row, index by index."""
        sums = _sums(self.of, self.summands, coded)
        return [np.searchsorted(edges, sums[:, number]).astype(np.uint8) for number, edges in enumerate(self.edges)]


def learn_additive(
    coded: Sequence[Coded],
    traits: Sequence[Floats],
    target: int,
    rows: Ints,
    earlier: Sequence[int],
    places: Floats,
) -> Additive | None:
    """Learn indexes of ``target`` from the columns ``earlier``, the most telling first; ``None`` if they say little.

    Ridge regressions (Hoerl and Kennard, "Ridge Regression", 1970) of the target's value and rank, or of its two widest
    ``places``, on values, logarithms, ranks and frequent levels.
    """
    own = coded[target]
    chosen = rows[own.codes[rows] >= own.feature.nullable] if own.feature.ordered else rows
    earlier = earlier[:_PREDICTORS]
    if len(chosen) < _LEAST_ROWS or not earlier:
        return None
    if len(chosen) > _ROWS:
        chosen = chosen[np.linspace(0, len(chosen) - 1, _ROWS).astype(np.int64)]
    known = np.concatenate([traits[i].astype(np.float32)[coded[i].codes[chosen]] for i in earlier], axis=1)
    wanted = _wanted(own, traits[target], places)[own.codes[chosen]]
    wanted = (wanted - wanted.mean(axis=0)).astype(np.float32)
    gram = (known.T @ known).astype(np.float64)
    gram[np.diag_indices(len(gram))] += _RIDGE
    weights = np.linalg.solve(gram, (known.T @ wanted).astype(np.float64))
    left = ((wanted - known @ weights.astype(np.float32)) ** 2).sum(axis=0)
    whole = (wanted**2).sum(axis=0)
    good = np.flatnonzero((whole > 1e-9) & (left <= (1 - _LEAST_R2) * whole))
    if not len(good):
        return None
    return _tabled(coded, earlier, [traits[i] for i in earlier], weights[:, good])


def _tabled(coded: Sequence[Coded], earlier: Sequence[int], traits: Sequence[Floats], weights: Floats) -> Additive:
    """Turn weights of traits into tables of summands, leaving out columns that hardly move the sum."""
    ends = np.cumsum([one.shape[1] for one in traits])[:-1]
    summands = [one @ part for one, part in zip(traits, np.split(weights, ends), strict=True)]
    spread = np.array([np.sqrt(coded[i].shares() @ one**2) for i, one in zip(earlier, summands, strict=True)])
    kept = np.flatnonzero((spread > _LEAST_SPREAD * spread.max(axis=0)).any(axis=1)).tolist()
    of, tables = [earlier[i] for i in kept], [summands[i].astype(np.float32) for i in kept]
    sums = _sums(of, tables, coded)
    edges = np.quantile(sums, np.arange(1, _EDGES + 1) / (_EDGES + 1), axis=0).T
    return Additive(of, tables, np.ascontiguousarray(edges, dtype=np.float32))


def _sums(of: Sequence[int], summands: Sequence[Singles], coded: Sequence[Coded]) -> Singles:
    """Add up in the order in which rows are drawn, in single precision as there."""
    total = np.zeros((len(coded[0].codes), summands[0].shape[1]), np.float32)
    for i, table in zip(of, summands, strict=True):
        total += table[coded[i].codes]
    return total


def _wanted(own: Coded, traits: Floats, places: Floats) -> Floats:
    """Return what is to be predicted of each code of the target."""
    if own.feature.ordered:
        return traits[:, [0, 2]]
    shares = own.shares()
    spread = shares @ (places - shares @ places) ** 2
    widest = np.argsort(-spread, kind="stable")[: 1 if own.feature.size == 2 else 2]
    return places[:, widest]


def traits_of(one: Coded) -> Floats:
    """Return a few numbers of each code (codes × traits), of mean 0 and deviation 1 over the rows.

    Of numbers the value, its logarithm with the sign, its rank, and whether it is missing; of levels those of at least
    a hundredth, but for the commonest.
    """
    shares = one.shares()
    values, nullable = one.feature.values, int(one.feature.nullable)
    if isinstance(values, Bins):
        traits = _of_numbers(values, shares, nullable)
    else:
        frequent: Ints = np.argsort(-shares, kind="stable")[1 : 1 + _LEVELS]
        frequent = frequent[shares[frequent] >= _LEAST_SHARE]
        traits = np.zeros((one.feature.size, len(frequent)))
        traits[frequent, np.arange(len(frequent))] = 1.0
    traits = traits - shares @ traits
    return traits / np.maximum(np.sqrt(shares @ traits**2), 1e-9)


def _of_numbers(values: Bins, shares: Floats, nullable: int) -> Floats:
    middle = (values.low + values.high) / 2
    scale = float(np.abs(middle).max()) / 1e4 + 1e-12
    known = shares[nullable:]
    traits = np.zeros((len(shares), 3 + nullable))
    traits[nullable:, 0] = middle
    traits[nullable:, 1] = np.sign(middle) * np.log1p(np.abs(middle) / scale)
    traits[nullable:, 2] = np.cumsum(known) - known / 2
    if nullable:
        traits[0, :3] = known @ traits[1:, :3] / max(float(known.sum()), 1e-12)
        traits[0, 3] = 1.0
    return traits
