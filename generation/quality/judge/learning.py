"""What the judge's models are given, and how well their scores separate: the same for detection, usefulness and
fairness.

Boosted trees take numbers as they are, missing ones too, and categories by their frequency; linear models take what
such a model can use of the same columns.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from generation.quality.judge.frames import Column, Floats, Frame, Ints

#: Levels that boosted trees tell apart, the most frequent ones; all others are one.
LEVELS = 200
#: Levels that linear models tell apart; all others are none of them.
LINEAR_LEVELS = 30

_NORMAL_975 = 1.959963984540054  # a normal deviate: 2.5 % lie above


@dataclass(frozen=True)
class Separation:
    """The area under the receiver operating characteristic, with the bounds of its 95 % interval."""

    area: float
    low: float
    high: float


def one_thread() -> AbstractContextManager[object]:
    """Let models learn on one thread for a while: sums come out alike, and no thread spins beside a busy one."""
    limited: AbstractContextManager[object] = threadpool_limits(limits=1)
    return limited


def boosted_features(frame: Frame, leave_out: Collection[str] = ()) -> tuple[Floats, NDArray[np.bool_]]:
    """Return what boosted trees learn from, of shape (rows, columns), and which columns of it are categories.

    Where there is no column to learn from, one of zeros, from which nothing can be.
    """
    columns = [column for column in frame.columns if column.name not in leave_out]
    if not columns:
        return np.zeros((frame.rows, 1)), np.zeros(1, bool)
    values = [np.minimum(one.values, LEVELS) if one.kind == "category" else one.values for one in columns]
    categories = np.array([one.kind == "category" for one in columns], bool)
    return np.column_stack(values), categories


def filled(features: Floats, learned: Floats) -> Floats:
    """Return the features with 0 for each column of which nothing was there to learn: trees cannot cut such a one."""
    nothing = np.isnan(learned).all(axis=0)
    return np.where(nothing, 0.0, features) if nothing.any() else features


def linear_features(frames: Sequence[Frame], leave_out: Collection[str] = ()) -> list[Floats]:
    """Return what linear models learn from, for each frame, of shape (rows, features).

    Numbers and times: the number, its signed logarithm and whether it is missing; categories: one feature for each of
    the most frequent levels. All are standardised by the rows of all frames together.
    """
    parts: list[list[Floats]] = [[] for _ in frames]
    for columns in zip(*(frame.columns for frame in frames), strict=True):
        if columns[0].name not in leave_out:
            for own, column in zip(parts, columns, strict=True):
                own.append(_linear(column))
    tables = [np.hstack(own) if own else np.zeros((frame.rows, 0)) for own, frame in zip(parts, frames, strict=True)]
    there = ~np.isnan(np.vstack(tables)).all(axis=0)
    tables = [own[:, there] for own in tables]
    together = np.vstack(tables)
    centre, spread = np.nanmean(together, axis=0), np.nanstd(together, axis=0)
    usable = spread > 0
    if not usable.any():
        return [np.zeros((frame.rows, 1)) for frame in frames]
    return [np.nan_to_num((own[:, usable] - centre[usable]) / spread[usable]) for own in tables]


def separation(scores: Floats, positive: NDArray[np.bool_]) -> Separation:
    """Return the area under the curve of ``scores``, ties one half, and the interval of DeLong et al. (1988).

    By mid-ranks, as Sun and Xu (2014) compute it. Both classes must be there.
    """
    ours, others = scores[positive], scores[~positive]
    all_ranks, own_ranks, other_ranks = _midranks(np.concatenate([ours, others])), _midranks(ours), _midranks(others)
    above = (all_ranks[: len(ours)] - own_ranks) / len(others)
    below = 1 - (all_ranks[len(ours) :] - other_ranks) / len(ours)
    area = float(above.mean())
    error = _NORMAL_975 * float(np.sqrt(_variance(above) / len(ours) + _variance(below) / len(others)))
    return Separation(area, max(area - error, 0.0), min(area + error, 1.0))


def folds(positive: NDArray[np.bool_], count: int, rng: np.random.Generator) -> Ints:
    """Assign each row to one of ``count`` folds, both classes spread evenly over them; shape (rows,)."""
    assigned = np.empty(len(positive), np.int64)
    for chosen in (np.flatnonzero(positive), np.flatnonzero(~positive)):
        assigned[rng.permutation(chosen)] = np.arange(len(chosen)) % count
    return assigned


def _linear(column: Column) -> Floats:
    if column.kind == "category":
        holds = column.codes()[:, None] == np.arange(min(len(column.levels), LINEAR_LEVELS))
        features: Floats = holds.astype(np.float64)
        return features
    logarithm = np.sign(column.values) * np.log1p(np.abs(column.values))
    return np.column_stack([column.values, logarithm, column.missing])


def _midranks(values: Floats) -> Floats:
    """Rank from 1; those that are equal share the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = (last - (counts - 1) / 2)[place]
    return ranks


def _variance(values: Floats) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0
