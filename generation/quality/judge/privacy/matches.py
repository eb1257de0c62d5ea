"""Rows and values that the made table has from one person: copies, extremes, rare levels, numbers repeated too often.

A row or value that exactly one row of the source has is somebody's own. If the made table knew nothing of who was
fitted on, it would hold as many of those that the fitted rows own as of those that the withheld rows own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generation.quality.judge.frames import Column, Floats, Frame
from generation.quality.judge.privacy.rates import Rate, Risk, hypergeometric_tail, risk
from generation.quality.sketches import Hashes, hash_numbers, mixed

#: A value that fewer people hold tells of them.
PEOPLE = 10

_MISSING = np.uint64(0x6E756C6C)
_TRUTH = frozenset({"true", "false"})

#: Below this chance it is plain that fitted rows are found more often than withheld ones.
_PLAIN = 0.01

#: A number counts as repeated when its surplus in the made table is less likely than this by chance.
_REPEATED = 1e-4


@dataclass(frozen=True)
class Copies:
    """Rows of the made table that stand in the source.

    ``share`` of the made rows equal a row that was fitted on. ``own`` compares people whose row is their own: how many
    of the fitted ones stand in the made table, how many of the withheld ones. ``surplus`` is the share of made rows
    that equal somebody's own row beyond what the withheld rows explain. ``twins`` compares the made rows that equal a
    fitted one with the real rows that equal another fitted one.
    """

    share: float
    own: Risk
    surplus: float
    twins: Risk

    @property
    def chance(self) -> float:
        """How likely so many would be by chance.

        Few withheld rows prove little of rows that hardly ever coincide. That people of the source hardly ever do
        proves more, once it is plain that the made table holds more of the fitted than of the withheld.
        """
        return min(self.own.chance, self.twins.chance) if self.own.chance < _PLAIN else self.own.chance


@dataclass(frozen=True)
class Memorised:
    """What a column of the made table holds of single people.

    ``rare_levels`` of the column were held by fewer than ten people and stand in the made table; ``repeated`` numbers
    likewise, and there far more often. ``extremes``, the largest and the smallest number if fewer than ten held it,
    stand in the made table with less than ``chance``. ``own`` compares numbers that one person holds, as ``Copies``.
    """

    column: str
    rare_levels: int = 0
    repeated: int = 0
    extremes: int = 0
    chance: float = 1.0
    own: Risk | None = None


def copies(fitted: Frame, holdout: Frame, made: Frame) -> Copies:
    """Compare all rows by all their values. Exact, of 64-bit hashes; not a sample."""
    ours, others, theirs = _rows(fitted), _rows(holdout), _rows(made)
    fitted_own, holdout_own = _own(ours, others)
    own = _found(fitted_own, holdout_own, theirs)
    surplus = 0.0
    if len(theirs) and len(holdout_own):
        explained = np.isin(theirs, holdout_own).sum() * len(fitted_own) / len(holdout_own)
        surplus = max(float(np.isin(theirs, fitted_own).sum() - explained) / len(theirs), 0.0)
    copied = Rate(int(np.isin(theirs, ours).sum()), len(theirs))
    _, place, counts = np.unique(ours, return_inverse=True, return_counts=True)
    coincide = int((counts[place] > 1).sum() + np.isin(others, ours).sum())
    return Copies(copied.plain, own, surplus, risk(copied, Rate(coincide, len(ours) + len(others))))


def memorised(
    fitted: Frame, holdout: Frame, made: Frame, *, everybody: Frame, public: Sequence[str] = ()
) -> list[Memorised]:
    """Look at every column for what it holds of single people; ``everybody`` is whom ``fitted`` is a sample of.

    Levels of ``public`` columns may be known to anybody.
    """
    return [
        _levels(whole, theirs, public) if ours.kind == "category" else _numbers(ours, others, theirs, _known(whole))
        for ours, others, theirs, whole in zip(
            fitted.columns, holdout.columns, made.columns, everybody.columns, strict=True
        )
    ]


def _levels(everybody: Column, made: Column, public: Sequence[str]) -> Memorised:
    if everybody.name in public or set(everybody.levels) <= _TRUTH:
        return Memorised(everybody.name)
    held, kept = (np.bincount(one.codes() + 1, minlength=len(one.levels) + 1)[1:] for one in (everybody, made))
    return Memorised(everybody.name, rare_levels=int(((held > 0) & (held < PEOPLE) & (kept > 0)).sum()))


def _numbers(fitted: Column, holdout: Column, made: Column, everybody: Floats) -> Memorised:
    ours, others, theirs = _known(fitted), _known(holdout), _known(made)
    if not (len(ours) and len(others) and len(theirs)):
        return Memorised(fitted.name)
    own = _found(*_own(hash_numbers(ours), hash_numbers(others)), hash_numbers(theirs))
    ends = [_end(sign * everybody, sign * others, sign * theirs) for sign in (1.0, -1.0)]
    kept = [chance for chance in ends if chance is not None]
    return Memorised(
        fitted.name,
        repeated=_repeated(everybody, theirs),
        extremes=len(kept),
        chance=float(np.prod(kept)) if kept else 1.0,
        own=own,
    )


def _end(fitted: Floats, holdout: Floats, made: Floats) -> float | None:
    """Return how likely the made table would hold the largest fitted number by chance; ``None`` if it holds it not.

    The chance is that of numbers in the largest quarter of the withheld ones that nobody fitted on holds: so many of
    them stand in the made table, with one more tried and found (Laplace).
    """
    largest = fitted.max()
    if (fitted == largest).sum() >= PEOPLE or not (made == largest).any() or (holdout == largest).any():
        return None
    tail = np.setdiff1d(holdout[holdout >= np.quantile(holdout, 0.75)], fitted)
    return float((np.isin(tail, made).sum() + 1) / (len(tail) + 1))


def _repeated(fitted: Floats, made: Floats) -> int:
    """Count the numbers that fewer than ten hold, and the made table far more often than chance would have it."""
    values, counts = np.unique(made, return_counts=True)
    values, counts = values[counts >= PEOPLE], counts[counts >= PEOPLE]
    ordered = np.sort(fitted)
    held = np.searchsorted(ordered, values, side="right") - np.searchsorted(ordered, values, side="left")
    limit = 5 * (held + 1) * len(made) / len(fitted)
    suspects = np.flatnonzero((held > 0) & (held < PEOPLE) & (counts > limit))
    population = len(fitted) + len(made)
    return sum(
        hypergeometric_tail(int(counts[one]), population, int(counts[one] + held[one]), len(made)) < _REPEATED
        for one in suspects
    )


def _found(fitted_own: Hashes, holdout_own: Hashes, made: Hashes) -> Risk:
    rates = [Rate(int(np.isin(own, made).sum()), len(own)) for own in (fitted_own, holdout_own)]
    return risk(*rates)


def _own(fitted: Hashes, holdout: Hashes) -> tuple[Hashes, Hashes]:
    """Return what exactly one row of both has, of each."""
    every, counts = np.unique(np.concatenate([fitted, holdout]), return_counts=True)
    single = every[counts == 1]
    return fitted[np.isin(fitted, single)], holdout[np.isin(holdout, single)]


def _rows(frame: Frame) -> Hashes:
    rows: NDArray[np.uint64] = np.zeros(frame.rows, np.uint64)
    for column in frame.columns:
        cells = np.where(column.missing, _MISSING, hash_numbers(np.nan_to_num(column.values)))
        rows = mixed(rows ^ cells)
    return rows


def _known(column: Column) -> Floats:
    return column.values[~column.missing]
