"""Singling out: guesses of the form "exactly one person is so", made from the made table and tried on the real ones.

The attacks of Giomi et al. (PoPETS 2023). *Univariate*: what is there once in a column of the made table, and what lies
at or beyond its ends. *Multivariate*: a made row's values in a few columns, numbers as "at least" above the median and
"at most" below it, if only one made row is so. A guess succeeds if exactly one row is so; a control tries the same
guesses on as many withheld rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from generation.quality.judge.frames import Column, Floats, Frame, Ints
from generation.quality.judge.privacy.distance import Bools
from generation.quality.judge.privacy.rates import Rate, Risk, normal_tail

#: Columns in a guess on several.
COLUMNS = 3

#: Guesses are made in batches; after so many batches what was found has to do.
_BATCH, _BATCHES = 2_000, 100

#: Who fits a guess with more than this many others of the source is not singled out by it.
_FEW = 20
_SHUFFLES = 200


def univariate(fitted: Frame, holdout: Frame, made: Frame, *, attacks: int, rng: np.random.Generator) -> Risk:
    """Guess on one column. ``fitted`` and ``holdout`` have equally many rows."""
    guesses = [guess for place, column in enumerate(made.columns) for guess in _ends_and_singles(place, column)]
    chosen = [guesses[one] for one in rng.permutation(len(guesses))[:attacks]]
    pool = _pool(fitted, holdout)
    orders = [np.argsort(values, kind="stable") for values in pool]
    fits = [_fitting(pool[place], orders[place], low, high) for place, low, high in chosen]
    return _risk(fits, fitted.rows, len(pool[0]) if pool else 0, rng)


def multivariate(fitted: Frame, holdout: Frame, made: Frame, *, attacks: int, rng: np.random.Generator) -> Risk:
    """Guess on several columns at once. ``fitted`` and ``holdout`` have equally many rows."""
    pool, conditions = _pool(fitted, holdout), [_Conditions(column) for column in made.columns]
    width = min(COLUMNS, len(conditions))
    fits: list[Ints] = []
    for _ in range(_BATCHES):
        rows = rng.integers(made.rows, size=_BATCH)
        places = rng.random((_BATCH, len(conditions))).argsort(axis=1)[:, :width]
        for one in np.flatnonzero(_fitting_made(conditions, rows, places) == 1)[: attacks - len(fits)]:
            masks = [conditions[place].mask(rows[one], pool[place]) for place in places[one]]
            fits.append(np.flatnonzero(np.logical_and.reduce(masks)))
        if len(fits) == attacks:
            break
    return _risk(fits, fitted.rows, fitted.rows + holdout.rows, rng)


class _Conditions:
    """What each row of a made column says of a person, and which made rows fulfil it, in bits."""

    def __init__(self, column: Column) -> None:
        self._is_category = column.kind == "category"
        self._median = 0.0 if column.missing.all() else float(np.nanmedian(column.values))
        self._values, self._which = np.unique(column.values, return_inverse=True)
        bits = [np.packbits(self._passed(value, column.values)) for value in self._values]
        self._bits = np.pad(np.stack(bits), ((0, 0), (0, -len(bits[0]) % 8))).view(np.uint64)

    def bits(self, rows: Ints) -> NDArray[np.uint64]:
        """For each of the rows: which made rows are as it says; shape (rows, words)."""
        chosen: NDArray[np.uint64] = self._bits[self._which[rows]]
        return chosen

    def mask(self, row: int, values: Floats) -> Bools:
        """Return which of the values are as the row says."""
        return self._passed(self._values[self._which[row]], values)

    def _passed(self, value: float, values: Floats) -> Bools:
        passed: Bools
        if np.isnan(value):
            passed = np.isnan(values)
        elif self._is_category:
            passed = values == value
        else:
            passed = values >= value if value > self._median else values <= value
        return passed


def _fitting_made(conditions: Sequence[_Conditions], rows: Ints, places: Ints) -> Ints:
    """Count the made rows that fit each guess."""
    every = np.full((len(rows), conditions[0].bits(rows[:1]).shape[1]), ~np.uint64(0))
    for place, condition in enumerate(conditions):
        guesses = np.flatnonzero((places == place).any(axis=1))
        every[guesses] &= condition.bits(rows[guesses])
    counts: Ints = np.bitwise_count(every).sum(axis=1).astype(np.int64)
    return counts


def _ends_and_singles(place: int, column: Column) -> Iterator[tuple[int, float, float]]:
    """Yield guesses as (column, least, most); NaN to NaN for "nothing is there"."""
    missing = column.missing
    if missing.sum() == 1:
        yield place, np.nan, np.nan
    values, counts = np.unique(column.values[~missing], return_counts=True)
    if column.kind != "category" and len(values):
        yield place, -np.inf, float(values[0])
        yield place, float(values[-1]), np.inf
    for value in values[counts == 1].tolist():
        yield place, value, value


def _fitting(values: Floats, order: Ints, low: float, high: float) -> Ints:
    """Return the rows with a value from ``low`` to ``high``; ``order`` sorts them, NaN last."""
    if np.isnan(low):
        return np.flatnonzero(np.isnan(values))
    known = len(values) - int(np.isnan(values[order[::-1]]).argmin()) if np.isnan(values[order[-1]]) else len(values)
    first = np.searchsorted(values, low, side="left", sorter=order)
    last = min(int(np.searchsorted(values, high, side="right", sorter=order)), known)
    return order[first:last]


def _pool(fitted: Frame, holdout: Frame) -> list[Floats]:
    return [
        np.concatenate([mine.values, other.values]) for mine, other in zip(fitted.columns, holdout.columns, strict=True)
    ]


def _risk(fits: Sequence[Ints], fitted: int, rows: int, rng: np.random.Generator) -> Risk:
    """Count guesses that exactly one row fits. Row numbers below ``fitted`` are fitted ones, the others withheld.

    One person fits several guesses, so that these do not succeed independently: the chance comes from exchanging who
    was fitted on and who was withheld.
    """
    few = [fit for fit in fits if 0 < len(fit) <= _FEW]
    if not few:
        return Risk(Rate(0, len(fits)), Rate(0, len(fits)), 1.0)
    members, sizes = np.concatenate(few), np.array([len(fit) for fit in few])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])

    def singled(is_fitted: NDArray[np.bool_]) -> tuple[int, int]:
        counts = np.add.reduceat(is_fitted[members].astype(np.int64), starts)
        return int((counts == 1).sum()), int((sizes - counts == 1).sum())

    label = np.arange(rows) < fitted
    attack, control = singled(label)
    shuffled = [np.subtract(*singled(rng.permutation(label))) for _ in range(_SHUFFLES)]
    spread = float(np.sqrt(np.mean(np.square(shuffled))))
    chance = normal_tail((attack - control) / spread) if spread > 0 else 1.0
    return Risk(Rate(attack, len(fits)), Rate(control, len(fits)), chance)
