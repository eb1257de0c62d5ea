"""Rows and values that the made table has from one person: copies, extremes, rare levels, numbers repeated too often.

A row or value that exactly one row of the source has is somebody's own. If the made table knew nothing of who was
fitted on, it would hold as many of those that the fitted rows own as of those that the withheld rows own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generation.quality.judge.frames import Column, Floats, Frame, Ints
from generation.quality.judge.privacy.everybody import PEOPLE, Everybody
from generation.quality.judge.privacy.rates import FALSE_ALARMS, Rate, Risk, hypergeometric_tail, risk
from generation.quality.sketches import Hashes, hash_numbers, mixed

_MISSING = np.uint64(0x6E756C6C)
_TRUTH = frozenset({"true", "false"})

#: Below this chance it is plain that fitted rows are found more often than withheld ones.
_PLAIN = 0.01

#: A number counts as repeated when its surplus in the made table is less likely than this by chance.
_REPEATED = 1e-4

#: The share of a column's spread within which numbers are near by.
_AROUND = 0.005


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
    ``carried`` says whether levels or repeated numbers were carried over: strangers' values are not found alike.
    """

    column: str
    rare_levels: int = 0
    repeated: int = 0
    extremes: int = 0
    chance: float = 1.0
    own: Risk | None = None
    carried: bool = False


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
    fitted: Frame, holdout: Frame, made: Frame, *, everybody: Everybody, public: Sequence[str] = ()
) -> list[Memorised]:
    """Look at every column for what it holds of single people; ``everybody`` is whom ``fitted`` is a sample of.

    Levels of ``public`` columns may be known to anybody.
    """
    return [
        _levels(everybody, others, theirs, public)
        if ours.kind == "category"
        else _numbers(ours, others, theirs, everybody)
        for ours, others, theirs in zip(fitted.columns, holdout.columns, made.columns, strict=True)
    ]


def _levels(everybody: Everybody, holdout: Column, made: Column, public: Sequence[str]) -> Memorised:
    """Look for levels of few people. A made table that has words of its own may hit on one of them by chance.

    It does if it hits on levels that only withheld people hold, too, and as often; where none of these was hit on, if
    most of its uncommon levels are nobody's. A level that ten hold together with the withheld is not carried over.
    """
    if made.name in public or set(made.levels) <= _TRUTH:
        return Memorised(made.name)
    kept, strangers = (np.bincount(one.codes() + 1, minlength=len(one.levels) + 1)[1:] for one in (made, holdout))
    held, of_few = everybody.levels(made.name)
    rare = (held > 0) & (held < PEOPLE)
    found, invented = int((rare & (kept > 0)).sum()), int(((held == 0) & (kept > 0)).sum())
    unseen = (held == 0) & (strangers > 0)
    hits = Rate(int((unseen & (kept > 0)).sum()), int(unseen.sum()))
    unlikely = risk(Rate(found, of_few), hits).chance < FALSE_ALARMS
    theirs = int((rare & (kept > 0) & (held + strangers < PEOPLE)).sum())
    carried = theirs > 0 and (unlikely or (not hits.successes and theirs > invented))
    return Memorised(made.name, rare_levels=found, carried=carried)


def _numbers(fitted: Column, holdout: Column, made: Column, everybody: Everybody) -> Memorised:
    ours, others, theirs = _known(fitted), _known(holdout), _known(made)
    if not (len(ours) and len(others) and len(theirs)):
        return Memorised(fitted.name)
    own = _found(*_own(hash_numbers(ours), hash_numbers(others)), hash_numbers(theirs))
    kept = list(_ends(everybody, fitted, others, theirs))
    sample = _known(everybody.frame.column(fitted.name))
    repeated = _repeated(sample, theirs)
    held = everybody.holders(fitted.name, repeated)
    repeated, held = repeated[held < PEOPLE], held[held < PEOPLE]
    return Memorised(
        fitted.name,
        repeated=len(repeated),
        extremes=len(kept),
        chance=float(np.prod(kept)) if kept else 1.0,
        own=own,
        carried=_beyond_strangers(repeated[held + _count(others, repeated) < PEOPLE], sample, others, theirs),
    )


def _ends(everybody: Everybody, fitted: Column, holdout: Floats, made: Floats) -> Iterator[float]:
    """Yield, for either end that fewer than ten people hold and that stands in the made table, how likely that is.

    The chance is that of numbers in the outermost quarter of the withheld ones that nobody fitted on holds: so many of
    them stand in the made table, with one more tried and found (Laplace).
    """
    for end, sign in zip(everybody.ends(fitted.name), (-1.0, 1.0), strict=True):
        if not (made == end).any() or (holdout == end).any():
            continue
        if everybody.holders(fitted.name, np.array([end]))[0] >= PEOPLE:
            continue
        outermost = holdout[sign * holdout >= np.quantile(sign * holdout, 0.75)]
        tail = np.setdiff1d(outermost, fitted.values)
        yield float((np.isin(tail, made).sum() + 1) / (len(tail) + 1))


def _repeated(fitted: Floats, made: Floats) -> Floats:
    """Return the numbers that fewer than ten hold, and the made table far more often than chance would have it.

    A model may round what lies around a number to it, so all who are near by count as its source.
    """
    values, counts = np.unique(made, return_counts=True)
    values, counts = values[counts >= PEOPLE], counts[counts >= PEOPLE]
    ordered = np.sort(fitted)
    held = _count(ordered, values)
    low, high = np.quantile(ordered, (0.01, 0.99))
    around = _AROUND * (high - low)
    near = np.searchsorted(ordered, values + around, side="right") - np.searchsorted(ordered, values - around)
    limit = 2 * (near + 1) * len(made) / len(fitted)
    suspects = np.flatnonzero((held > 0) & (held < PEOPLE) & (counts > limit))
    population = len(fitted) + len(made)
    unlikely = [
        hypergeometric_tail(int(counts[one]), population, int(counts[one] + held[one]), len(made)) < _REPEATED
        for one in suspects
    ]
    repeated: Floats = values[suspects[np.array(unlikely, bool)]]
    return repeated


def _beyond_strangers(repeated: Floats, fitted: Floats, holdout: Floats, made: Floats) -> bool:
    """Whether numbers that only withheld people hold are not repeated as well: then it is not how the table rounds."""
    if not len(repeated):
        return False
    strangers = np.setdiff1d(holdout, fitted)
    hits = np.isin(_repeated(holdout, made), strangers).sum()
    if not hits:
        return True
    tried = Rate(len(repeated), len(np.unique(fitted)))
    return risk(tried, Rate(int(hits), len(strangers))).chance < FALSE_ALARMS


def _count(values: Floats, numbers: Floats) -> Ints:
    """Count how often each of the numbers is among the values."""
    ordered = np.sort(values)
    counts: Ints = np.searchsorted(ordered, numbers, side="right") - np.searchsorted(ordered, numbers, side="left")
    return counts


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
