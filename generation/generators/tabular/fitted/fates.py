"""What becomes of each relation that was found: its column is recomputed, or left as drawn where that is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from generation.generators.tabular.fitted.model import draw
from generation.generators.tabular.fitted.privacy import Floats, K
from generation.generators.tabular.fitted.understanding import ColumnPlan
from generation.generators.tabular.fitted.words import words
from generation.relations import MOST_ROWS, Relation, Sample, as_floats, put_right
from generation.sdk import State, Streams

_WORTH = 0.02  # of a column's likeness, that a relation which holds on every row may cost
_PAIRS = 40  # other columns that a column is compared with


def fates_of(
    found: Sequence[Relation], sample: Sample, state: State, plans: Sequence[ColumnPlan], streams: Streams
) -> dict[str, dict[str, Any]]:
    """Say of each relation how alike the columns that it changes are as drawn and as put right, and which is better.

    Rows are drawn from ``state`` and put right by one relation at a time. As drawn they are ``kept`` where putting
    right makes the worst column less alike by more than ``_WORTH``: that it holds on every row is worth as much.
    """
    if not found or not sample.rows:
        return {}
    units = range(min(sample.rows, MOST_ROWS))
    arrays = draw(state, plans, streams, units)
    drawn: dict[str, Floats] = {}
    for plan, array in zip(plans, arrays, strict=True):
        if plan.name in sample.columns:
            drawn[plan.name] = as_floats(array, sample.columns[plan.name].kind)
    spoken = {name: words(streams, f"held {name}", units) for one in found for name in one.columns}
    fates = {}
    for one in found:
        righted = dict(drawn)
        put_right([one], righted, spoken)
        changed = sorted(name for name in one.changes if name in drawn)
        before, after = ([_alike(name, sample, rows) for name in changed] for rows in (drawn, righted))
        worst = int(np.argmin(np.subtract(after, before))) if changed else 0
        as_drawn, as_put = (before[worst], after[worst]) if changed else (1.0, 1.0)
        fates[one.formula] = {
            "formula": one.formula,
            "column": changed[worst] if changed else one.out,
            "drawn": round(as_drawn, 4),
            "recomputed": round(as_put, 4),
            "kept": bool(as_drawn - as_put > _WORTH),
        }
    return fates


def _alike(name: str, sample: Sample, rows: Mapping[str, Floats]) -> float:
    """How alike a column is to the sample's, 0 to 1: the mean of its own likeness and that of its pairs.

    By itself 1 less the two-sample statistic of Kolmogorov and Smirnov; a pair with another column 1 less half the
    difference of Pearson's coefficients.
    """
    real, made = sample.columns[name].values, rows[name]
    ours, theirs = (np.sort(one[~np.isnan(one)]) for one in (real, made))
    if not len(ours) or not len(theirs):
        return 1.0
    steps = np.concatenate([ours, theirs])
    below = [np.searchsorted(one, steps, side="right") / len(one) for one in (ours, theirs)]
    shape = 1 - float(np.abs(below[0] - below[1]).max())
    others = [other for other in sample.columns if other != name and other in rows][:_PAIRS]
    tied = [(_tied(real, sample.columns[other].values), _tied(made, rows[other])) for other in others]
    pairs = [1 - abs(one - other) / 2 for one, other in tied if one is not None and other is not None]
    return (shape + float(np.mean(pairs))) / 2 if pairs else shape


def _tied(one: Floats, other: Floats) -> float | None:
    """Pearson's coefficient where both are known."""
    known = ~(np.isnan(one) | np.isnan(other))
    if known.sum() < K or np.ptp(one[known]) == 0 or np.ptp(other[known]) == 0:
        return None
    return float(np.corrcoef(one[known], other[known])[0, 1])
