"""How two tables differ: column by column, as a whole, and in what a model that learned from one makes of the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from generation.quality.judge.detection import boosted_detection
from generation.quality.judge.drift.measures import (
    corrected,
    largest_gap,
    same_levels,
    same_numbers,
    stability_index,
    total_variation,
    transport,
)
from generation.quality.judge.figures import Figure
from generation.quality.judge.frames import Column, Floats, Frame
from generation.quality.judge.learning import boosted_features, filled, one_thread

#: Rows of each table that models look at.
ROWS = 8_000
_FEWEST = 50
_TENTHS = np.arange(1, 10) / 10
_WEIGHT = 20.0  # that one row has at most where it is typical of the other table

#: A model is said to fail where its error is larger by so much of itself.
_WORSE = 0.1


def compare_tables(
    before: Frame, after: Frame, *, target: str | None = None, rng: np.random.Generator
) -> dict[str, Any]:
    """Compare two tables of the same columns.

    Returns ``{"rows": {"before", "after"}, "columns": [{"column", "kind", "index", "distance", "transport" or null,
    "missing": {"before", "after"}, "chance"}…], "together": F or null, "model": {…} or null}``. ``index`` is the
    population stability index over tenths of ``before``, or its levels, missing ones being a bin; ``distance`` is that
    of Kolmogorov and Smirnov for numbers, total variation for categories; ``transport`` is Wasserstein's distance over
    the column's spread; ``chance`` is that of a two-sample test, corrected over all columns (Holm). ``together`` is
    the area under the curve of a classifier that tells the tables apart (Lopez-Paz and Oquab, ICLR 2017): 0.5, or an
    interval with it, where it cannot. ``model`` is what ``expected_failure`` says.
    """
    entries = [_compared(mine, theirs) for mine, theirs in zip(before.columns, after.columns, strict=True)]
    for entry, chance in zip(entries, corrected([entry["chance"] for entry in entries]), strict=True):
        entry["chance"] = float(f"{chance:.3g}")
    together = None
    if min(before.rows, after.rows) >= _FEWEST and before.columns:
        found = boosted_detection(before, after, rng)
        together = Figure(found.area, (found.low, found.high)).as_json()
    model = expected_failure(before, after, target, rng) if target in before.names else None
    rows = {"before": before.rows, "after": after.rows}
    return {"rows": rows, "columns": entries, "together": together, "model": model}


def expected_failure(
    before: Frame, after: Frame, target: str | None, rng: np.random.Generator
) -> dict[str, Any] | None:
    """Say whether a model of ``target`` that learned from ``before`` would fail on ``after``. None where none can.

    ``{"error": "share of wrong classes" or "squared error over the variance", "here": F, "expected": F, "there": F or
    null, "fails": bool, "verdict": sentence}``: its error on rows of ``before`` that it has not seen; the same with
    each row weighed by how typical it is of ``after`` (Shimodaira 2000, by the odds of a classifier: Bickel, Brückner
    and Scheffer 2009); its error on ``after`` itself where the target is there. The weighted error knows of other
    inputs, not of another dependence on them: only the last one sees that.
    """
    if target is None or min(before.rows, after.rows) < 2 * _FEWEST:
        return None
    before, after = (one.take(rng.permutation(one.rows)[:ROWS]) for one in (before, after))
    known = before.take(~before.column(target).missing)
    if known.rows < 2 * _FEWEST or len(np.unique(known.column(target).values)) < 2:
        return None
    half = known.rows // 2
    learned, kept = known.take(np.arange(half)), known.take(np.arange(half, known.rows))
    losses = _losses(learned, [kept, after], target, rng)
    weights = _typical(kept, after, target, rng)
    there = losses[1][~after.column(target).missing]
    here, expected = _mean(losses[0]), _mean(losses[0], weights)
    found = _mean(there) if len(there) >= _FEWEST else None
    judged = found or expected
    fails = bool(judged[1] > here[0] * (1 + _WORSE) and judged[1] > here[2])
    said = f"fails there: its error is {judged[0]:.3f} instead of {here[0]:.3f}" if fails else "is about as good there"
    return {
        "error": "share of wrong classes" if known.column(target).kind == "category" else "squared error over variance",
        "here": Figure(here[0], here[1:]).as_json(),
        "expected": Figure(expected[0], expected[1:]).as_json(),
        "there": None if found is None else Figure(found[0], found[1:]).as_json(),
        "fails": fails,
        "verdict": f"A model of {target} that learns from this {said}.",
    }


def _compared(before: Column, after: Column) -> dict[str, Any]:
    told = {
        "column": before.name,
        "kind": before.kind,
        "missing": {"before": int(before.missing.sum()), "after": int(after.missing.sum())},
    }
    if before.kind == "category":
        counts = [np.bincount(one.codes() + 1, minlength=len(one.levels) + 1) for one in (before, after)]
        mine, theirs = (one.astype(np.float64) for one in counts)
        distance, moved, chance = total_variation(mine, theirs), None, same_levels(mine, theirs)
        index = stability_index(mine, theirs)
    else:
        index, distance, moved, chance = _numbers(before, after)
    figures = {"index": index, "distance": distance, "transport": moved}
    return {**told, **{name: None if one is None else round(one, 6) for name, one in figures.items()}, "chance": chance}


def _numbers(before: Column, after: Column) -> tuple[float, float, float | None, float]:
    ours, others = (np.sort(one.values[~one.missing]) for one in (before, after))
    edges = np.unique(np.quantile(ours, _TENTHS)) if len(ours) else np.empty(0)
    binned = [
        np.append(np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1), one.missing.sum())
        for values, one in ((ours, before), (others, after))
    ]
    index = stability_index(binned[0].astype(np.float64), binned[1].astype(np.float64))
    missing = [
        np.array([len(values), one.missing.sum()], np.float64) for values, one in ((ours, before), (others, after))
    ]
    gaps = same_levels(missing[0], missing[1])
    if not len(ours) or not len(others):
        return index, float(len(ours) != len(others)), None, gaps
    at = np.unique(np.concatenate([ours, others]))
    below, other = (np.searchsorted(values, at, side="right") / len(values) for values in (ours, others))
    gap = largest_gap(below, other)
    low, high = np.quantile(ours, (0.01, 0.99))
    spread = max(float(high - low), float(ours.std()))
    moved = transport(at, below, other) / spread if spread > 0 else None
    # Two tests, of the values and of the gaps: the smaller chance counts twice (Bonferroni).
    return index, gap, moved, min(2 * same_numbers(gap, len(ours), len(others)), 2 * gaps, 1.0)


def _losses(learned: Frame, tried: list[Frame], target: str, rng: np.random.Generator) -> list[Floats]:
    """Return the losses of a model on every row of the tables tried; NaN where the target is missing."""
    known, categories = boosted_features(learned, [target])
    features = filled(known, known)
    column = learned.column(target)
    settings = {"categorical_features": categories, "early_stopping": False, "random_state": int(rng.integers(2**31))}
    asked = [filled(boosted_features(one, [target])[0], known) for one in tried]
    truths = [one.column(target).values for one in tried]
    with one_thread():
        if column.kind == "category":
            model = HistGradientBoostingClassifier(**settings).fit(features, column.values)
            wrong = [model.predict(one) != truth for one, truth in zip(asked, truths, strict=True)]
            return [np.where(np.isnan(truth), np.nan, one) for one, truth in zip(wrong, truths, strict=True)]
        middle, spread = float(column.values.mean()), float(column.values.std())
        regressor = HistGradientBoostingRegressor(**settings).fit(features, (column.values - middle) / spread)
        return [
            np.square(regressor.predict(one) - (truth - middle) / spread)
            for one, truth in zip(asked, truths, strict=True)
        ]


def _typical(kept: Frame, after: Frame, target: str, rng: np.random.Generator) -> Floats:
    """Return how much more often a row like each of ``kept`` is in ``after``, up to a factor; mean 1."""
    (ours, categories), (others, _) = boosted_features(kept, [target]), boosted_features(after, [target])
    is_after: NDArray[np.bool_] = np.arange(len(ours) + len(others)) >= len(ours)
    rows = np.vstack([ours, others])
    # Scored by models that did not see the row, in two halves.
    half = rng.random(len(rows)) < 0.5
    odds = np.ones(len(rows))
    for mask in (half, ~half):
        model = HistGradientBoostingClassifier(
            categorical_features=categories, early_stopping=False, max_iter=50, random_state=int(rng.integers(2**31))
        )
        with one_thread():
            model.fit(filled(rows[~mask], rows[~mask]), is_after[~mask])
            shares = model.predict_proba(filled(rows[mask], rows[~mask]))[:, 1]
        odds[mask] = shares / np.maximum(1 - shares, 1e-9)
    weights = np.minimum(odds[: len(ours)] * len(ours) / len(others), _WEIGHT)
    typical: Floats = weights / weights.mean()
    return typical


def _mean(losses: Floats, weights: Floats | None = None) -> tuple[float, float, float]:
    """Return the mean loss and the bounds of its 95 % interval."""
    weights = np.ones(len(losses)) if weights is None else weights
    mean = float(np.average(losses, weights=weights))
    error = float(np.sqrt(np.square(weights * (losses - mean)).sum()) / weights.sum())
    return mean, mean - 1.96 * error, mean + 1.96 * error
