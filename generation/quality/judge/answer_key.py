"""Simulated tables know what was planted in them: whether it is there as the answer key says, and what of it a plain
model recovers.

A plain model is boosted trees or a logistic regression, with their usual settings, on the columns as a buyer gets them,
without anything made of them, and never on those that hold the answer. What it does not find is what the table has to
teach; what it finds at once is too easy to be real. ``judge_answer_key`` returns::

    column        the one that holds the answer
    counted       {"rows", "whole"}: of how many rows the answers were counted, and whether these are all of the table
    rows          how many a model learned from and was asked of, of a sample: all rows with something planted, or half
    planted       figure: the share of the counted rows in which something was planted
    boosted       figure: the area under the curve of boosted trees, asked of rows that they have not seen
    linear        figure: that of a logistic regression
    causes        [cause…], in the order of the key
    columns       how many columns a model was shown
    relies_on     [{"column", "fall"}…]   how far the area of the boosted trees falls when the column is shuffled in
                  rows that they have not seen (Breiman 2001), greatest first

A cause is::

    cause         the value of the column
    rows, share   how many rows the key says, exactly, or which share it expects; null where it says nothing
    found         how many there are in the counted rows
    as_planted    whether they agree: ``rows`` to the row, ``share`` within the 99.9 % interval of Wilson; or null
    boosted, linear   figures: the areas of the same models, of this cause's rows among those where nothing was planted
    recovered     figure: the share of its rows among the most suspicious of the table, to boosted trees, of which there
                  are taken as many as something was planted in
    named         how many of the columns shown to a model the key names as telling of it
    told_by       figure: the share of these among as many columns on which boosted trees most rely for this cause

Yardsticks: *answer*, the same model that is shown the answer; *shuffled*, one that learned answers in another order;
*guess*. Areas, and what follows from them, are null where fewer than ``FEWEST`` rows are on either side.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from generation.quality.judge.figures import Figure, Yardstick
from generation.quality.judge.frames import Floats, Frame, Ints
from generation.quality.judge.learning import (
    boosted_features,
    filled,
    folds,
    linear_features,
    one_thread,
    separation,
)
from generation.quality.judge.privacy.rates import Rate

#: Rows and cells that models are shown at most.
ROWS, CELLS = 30_000, 750_000
#: Rows with something planted, or without, of fewer of which no model says anything.
FEWEST = 30

_FOLDS = 3
_ASKED = 3_000  # rows of each side that are scored again for each column that is shuffled
_LISTED = 12
_DEVIATIONS = 3.290526731491895  # a normal deviate: 0.05 % lie above
_TOO_EASY = 0.999
_TOO_FEW = f"Fewer than {FEWEST} rows are on one side."

Mask = NDArray[np.bool_]
#: Learns from rows and their answers; returns what says how suspicious other rows are.
Learner = Callable[[Floats, Mask], Callable[[Floats], Floats]]


@dataclass(frozen=True)
class Expected:
    """What the key says of a cause: its ``rows`` in all or the ``share`` to be expected, and the columns that tell."""

    cause: str
    rows: int | None = None
    share: float | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Counted:
    """How often each value of the column that holds the answer is there, in so many rows; ``whole`` if in all."""

    rows: int
    values: Mapping[str, int]
    whole: bool = True


def judge_answer_key(
    table: Frame,
    expected: Sequence[Expected],
    *,
    column: str,
    nothing: Collection[str] = (),
    gives_away: Collection[str] = (),
    unit: str | None = None,
    counted: Counted | None = None,
    whole: bool = True,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Compare what a table holds with what the key says, and let plain models look for it; see this module's docstring.

    ``column`` names the cause, missing or one of ``nothing`` where nothing was planted; columns of ``gives_away`` tell
    of it and are not shown to a model; rows with the same ``unit`` are never both learned from and asked. ``counted``
    are the values of all rows where ``table`` is not ``whole`` but a sample of them.
    """
    answers = table.column(column)
    held = counted or _count(answers.codes(), answers.levels, whole)
    causes = [
        *expected,
        *(
            Expected(value, rows=0)
            for value in sorted(held.values)
            if value not in {*nothing, *(one.cause for one in expected)}
        ),
    ]
    codes = np.full(table.rows, -1)
    for place, one in enumerate(causes):
        if one.cause in answers.levels:
            codes[answers.codes() == answers.levels.index(one.cause)] = place
    shown = _sample(codes >= 0, len(table.columns), rng)
    found = _find(table.take(shown), codes[shown], len(causes), {column, *gives_away}, unit, rng)
    stands_for = _stands_for(codes, shown)
    planted = Rate(sum(held.values.get(one.cause, 0) for one in causes), held.rows)
    return {
        "column": column,
        "counted": {"rows": held.rows, "whole": held.whole},
        "rows": len(shown),
        "planted": Figure(planted.plain, None if held.whole else planted.interval()).as_json(),
        "boosted": found.areas("boosted").as_json(),
        "linear": found.areas("linear").as_json(),
        "causes": [
            {
                "cause": one.cause,
                "rows": one.rows,
                "share": one.share,
                "found": held.values.get(one.cause, 0),
                "as_planted": _as_planted(one, held),
                "boosted": found.areas("boosted", place).as_json(),
                "linear": found.areas("linear", place).as_json(),
                "recovered": found.recovered(place, stands_for).as_json(),
                **found.told_by(place, one.columns),
            }
            for place, one in enumerate(causes)
        ],
        "columns": len(found.names),
        "relies_on": found.relies_on(),
    }


def verdict(found: Mapping[str, Any]) -> str:
    """What was found of one thing that was planted, in a sentence or three."""
    told = [one for one in found["causes"] if one["as_planted"] is not None]
    wrong = [one["cause"] for one in told if not one["as_planted"]]
    share, of = found["planted"]["value"], f"{found['counted']['rows']:,}"
    there = f"{found['column']}: something was planted in {share:.2%} of {of} rows"
    if wrong:
        sentences = [f"{there}, but not as often as the answer key says: {', '.join(wrong)}."]
    else:
        sentences = [f"{there}, as often as the answer key says." if told else f"{there}."]
    boosted, linear = found["boosted"]["value"], found["linear"]["value"]
    if boosted is None:
        return " ".join([*sentences, "Too few rows for a model to learn what tells of it."])
    sentences.append(
        f"A plain model that is not shown the answer takes a row with it for more suspicious than one without "
        f"{boosted:.1%} of the time (boosted trees; a linear model {linear:.1%}; half is guessing)."
    )
    if boosted > _TOO_EASY:
        sentences.append("That is easier than real data would be.")
    return " ".join(sentences)


def warnings(found: Mapping[str, Any]) -> list[str]:
    """A sentence, without its full stop, for each cause that is not there as often as the key says."""
    return [
        f"The answer key says {_said(one)} rows of {found['column']} = {one['cause']}, and there are {one['found']:,}"
        for one in found["causes"]
        if one["as_planted"] is False
    ]


@dataclass(frozen=True)
class _Found:
    """What models made of a sample: how suspicious each row is to each, and what shuffling a column costs.

    ``codes`` is the place of each row's cause, -1 for none; ``falls`` has shape (causes + 1, columns), the last of all
    causes together. Nothing is in ``scores`` where there were too few rows to learn from.
    """

    codes: Ints
    names: Sequence[str]
    scores: Mapping[str, Floats]
    yardsticks: Mapping[str, Mapping[Yardstick, float | None]]
    falls: Floats

    def areas(self, model: str, cause: int | None = None) -> Figure:
        if model not in self.scores:
            return Figure(None, why=_TOO_FEW)
        ours = self.codes >= 0 if cause is None else self.codes == cause
        if ours.sum() < FEWEST:
            return Figure(None, why=_TOO_FEW)
        asked = ours | (self.codes < 0)
        told = separation(self.scores[model][asked], ours[asked])
        yardsticks: Mapping[Yardstick, float | None] = self.yardsticks[model] if cause is None else {"guess": 0.5}
        return Figure(told.area, (told.low, told.high), yardsticks)

    def recovered(self, cause: int, stands_for: Floats) -> Figure:
        """``stands_for`` is how many rows of the table each row of the sample stands for; shape (rows,)."""
        ours, planted = self.codes == cause, self.codes >= 0
        if "boosted" not in self.scores or not ours.any():
            return Figure(None, why=_TOO_FEW)
        order = np.argsort(-self.scores["boosted"], kind="stable")
        most = order[np.cumsum(stands_for[order]) <= stands_for[planted].sum() + 0.5]
        rate = Rate(int(ours[most].sum()), int(ours.sum()))
        guess = float(stands_for[planted].sum() / stands_for.sum())
        return Figure(rate.plain, rate.interval(), {"guess": guess})

    def told_by(self, cause: int, columns: Collection[str]) -> dict[str, Any]:
        """How many of ``columns`` a model was shown, and how many are among as many on which it most relies."""
        named = np.isin(self.names, list(columns))
        if not named.any() or "boosted" not in self.scores or np.isnan(self.falls[cause]).any():
            return {"named": int(named.sum()), "told_by": Figure(None, why=_TOO_FEW).as_json()}
        top = np.argsort(-self.falls[cause], kind="stable")[: named.sum()]
        figure = Figure(float(named[top].mean()), yardsticks={"guess": float(named.mean())})
        return {"named": int(named.sum()), "told_by": figure.as_json()}

    def relies_on(self) -> list[dict[str, Any]]:
        if "boosted" not in self.scores:
            return []
        order = np.argsort(-self.falls[-1], kind="stable")[:_LISTED]
        return [{"column": self.names[place], "fall": round(float(self.falls[-1, place]), 6)} for place in order]


def _find(
    table: Frame, codes: Ints, causes: int, hidden: Collection[str], unit: str | None, rng: np.random.Generator
) -> _Found:
    """Let both models look for what was planted in a sample."""
    hidden = {*hidden, *([] if unit is None else [unit])}
    names = [name for name in table.names if name not in hidden]
    is_planted = codes >= 0
    if not names or min(int(is_planted.sum()), int((~is_planted).sum())) < FEWEST:
        return _Found(codes, names, {}, {}, np.full((causes + 1, len(names)), np.nan))
    fold = folds(is_planted, _FOLDS, rng) if unit is None else _folds_of(table.column(unit).values, rng)
    trees, categories = boosted_features(table, hidden)
    lines = linear_features([table], hidden)[0]
    learners: dict[str, tuple[Floats, Learner]] = {
        "boosted": (trees, _boosted(categories, rng)),
        "linear": (lines, _linear),
    }
    scores, yardsticks = {}, {}
    for model, (features, learn) in learners.items():
        scores[model] = _asked_of_others(features, is_planted, fold, learn)
        yardsticks[model] = _yardsticks(features, is_planted, fold, learn, rng)
    return _Found(codes, names, scores, yardsticks, _falls(trees, codes, causes, fold, learners["boosted"][1], rng))


def _boosted(categories: Mask, rng: np.random.Generator) -> Learner:
    seed = int(rng.integers(0, 1 << 31))

    def learn(features: Floats, answers: Mask) -> Callable[[Floats], Floats]:
        # One column may have been added to those that were told apart: numbers that hold the answer.
        kinds = np.append(categories, np.zeros(features.shape[1] - len(categories), np.bool_))
        model = HistGradientBoostingClassifier(categorical_features=kinds, early_stopping=False, random_state=seed)
        with one_thread():
            model.fit(filled(features, features), answers)

        def score(asked: Floats) -> Floats:
            with one_thread():
                said: Floats = model.predict_proba(filled(asked, features))[:, 1]
            return said

        return score

    return learn


def _linear(features: Floats, answers: Mask) -> Callable[[Floats], Floats]:
    with one_thread():
        model = LogisticRegression(max_iter=200).fit(features, answers)

    def score(asked: Floats) -> Floats:
        said: Floats = model.decision_function(asked)
        return said

    return score


def _asked_of_others(features: Floats, answers: Mask, fold: Ints, learn: Learner) -> Floats:
    """How suspicious each row is to a model that learned from the other folds; shape (rows,)."""
    scores = np.zeros(len(answers))
    for one in range(_FOLDS):
        asked = fold == one
        if asked.any() and len(np.unique(answers[~asked])) == 2:
            scores[asked] = learn(features[~asked], answers[~asked])(features[asked])
    return scores


def _yardsticks(
    features: Floats, answers: Mask, fold: Ints, learn: Learner, rng: np.random.Generator
) -> dict[Yardstick, float | None]:
    """The areas of a model that is shown the answer, and of one that learned the answers in another order."""
    seen = np.column_stack([features, answers])
    return {
        "answer": _area_of_one_fold(seen, answers, fold, learn),
        "shuffled": _area_of_one_fold(features, rng.permutation(answers), fold, learn),
        "guess": 0.5,
    }


def _area_of_one_fold(features: Floats, answers: Mask, fold: Ints, learn: Learner) -> float | None:
    asked = fold == 0
    if len(np.unique(answers[asked])) < 2 or len(np.unique(answers[~asked])) < 2:
        return None
    return separation(learn(features[~asked], answers[~asked])(features[asked]), answers[asked]).area


def _falls(features: Floats, codes: Ints, causes: int, fold: Ints, learn: Learner, rng: np.random.Generator) -> Floats:
    """How far the area falls, of each cause and of all, when a column is shuffled in the rows of one fold.

    Shape (causes + 1, columns); NaN for a cause that has no row there.
    """
    asked = fold == 0
    score = learn(features[~asked], codes[~asked] >= 0)
    sides = (np.flatnonzero(asked & side) for side in (codes >= 0, codes < 0))
    some = np.concatenate([rng.permutation(side)[:_ASKED] for side in sides])
    rows, own = features[some], codes[some]
    plain = _areas(score(rows), own, causes)
    falls = np.zeros((causes + 1, features.shape[1]))
    for place in range(features.shape[1]):
        shuffled = rows.copy()
        shuffled[:, place] = rng.permutation(shuffled[:, place])
        falls[:, place] = plain - _areas(score(shuffled), own, causes)
    return falls


def _areas(scores: Floats, codes: Ints, causes: int) -> Floats:
    """The area of each cause among rows with nothing, and of all causes; NaN where either side has no row."""
    areas = np.full(causes + 1, np.nan)
    for place, ours in enumerate([*(codes == cause for cause in range(causes)), codes >= 0]):
        asked = ours | (codes < 0)
        if ours.any() and not ours[asked].all():
            areas[place] = separation(scores[asked], ours[asked]).area
    return areas


def _folds_of(units: Floats, rng: np.random.Generator) -> Ints:
    """Assign all rows of a unit to one fold; rows without one are units of their own."""
    every, which = np.unique(units, return_inverse=True, equal_nan=False)
    folded: Ints = rng.permutation(np.arange(len(every)) % _FOLDS)[which]
    return folded


def _sample(is_planted: Mask, columns: int, rng: np.random.Generator) -> Ints:
    """Places of the rows that models are shown, in their order: of each side half at most, if there are so many.

    What was planted is rare, and of a handful of rows a model learns nothing: areas do not depend on how rare it is.
    """
    most = min(ROWS, CELLS // max(columns, 1))
    sides = [rng.permutation(np.flatnonzero(side)) for side in (is_planted, ~is_planted)]
    fewer = min(most // 2, *(len(side) for side in sides))
    chosen: Ints = np.sort(np.concatenate([side[: max(most // 2, most - fewer)] for side in sides]))
    return chosen


def _stands_for(codes: Ints, shown: Ints) -> Floats:
    """How many rows of the table each of ``shown`` stands for; shape (shown,)."""
    weights = np.ones(len(shown))
    for side in (codes >= 0, codes < 0):
        ours = side[shown]
        if ours.any():
            weights[ours] = side.sum() / ours.sum()
    return weights


def _count(codes: Ints, levels: Sequence[str], whole: bool) -> Counted:
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    return Counted(len(codes), dict(zip(levels, counts.tolist(), strict=True)), whole)


def _as_planted(expected: Expected, held: Counted) -> bool | None:
    found = held.values.get(expected.cause, 0)
    if expected.rows is not None:
        return found == expected.rows if held.whole else None
    if expected.share is None or not held.rows:
        return None
    low, high = Rate(found, held.rows).interval(_DEVIATIONS)
    return bool(low <= expected.share <= high)


def _said(cause: Mapping[str, Any]) -> str:
    return f"{cause['rows']:,}" if cause["rows"] is not None else f"{cause['share']:.2%} of the"
