"""Usefulness: what a model learns from a made table, tested on the hold-out.

Train on synthetic, test on real (Esteban et al. 2017). The model is scikit-learn's ``HistGradientBoosting`` with its
defaults. Its score on the hold-out is the area under the
curve of the target's rarest class that is not too rare (``RAREST``), or R² where the target is a number of more than
ten values. ``judge_usefulness`` returns, or None where nothing can be learned::

    rows             {"learned": n, "tested": n}: of the fitted table and of the hold-out, of samples
    target, chosen   the column; a sentence that says why it was chosen, or null where it was named
    measure          "area" or "r2"
    real             figure: the score of the model that learned from the fitted rows
    made             figure: of the one that learned from made rows
    ratio            figure: made / real; null where real is not surely better than a guess
    gap              figure: real - made, above 0 where something was lost
    mixes            [{"made": share, "score", "interval"}…]   from 0 to 1, always of as many rows
    best             {"made": share, "beyond_noise": whether it beats learning from real rows alone surely, "why"}
    importances      [{"column", "real", "made"}…]   how far the score falls when the column is shuffled in the
                     hold-out, greatest first
    importances_alike   figure: Pearson's correlation of the two

Intervals are of 200 draws with replacement from the hold-out (Efron's percentile bootstrap), for ``ratio`` and ``gap``
of the same rows for both models. Yardsticks: the hold-out learned from in the place of made rows (each half asked
about the other, so from half as many rows), a copy of the fitted rows, independent columns.

A target that is not named is the column that can be learned best without being given away: of those with 2 to
``CLASSES`` classes the one of which a small model's area is highest, yet below ``GIVEN_AWAY``; where there is none, of
the numbers and times the one whose R² is. At most ``TRIED`` columns are tried, the last of the table first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from generation.quality.judge.figures import Figure, Yardstick
from generation.quality.judge.frames import Floats, Frame
from generation.quality.judge.learning import boosted_features, filled, one_thread
from generation.quality.judge.likeness import independent

#: Rows of each table that a model learns from or is tested on at most.
ROWS = 20_000
#: A class counts as the one to be found only if it has this share of the fitted rows, and ``FEWEST`` of them.
RAREST = 0.01
#: Rows that hold or do not hold the class, in each table, under which nothing can be said.
FEWEST = 20
#: Classes of a target that is chosen.
CLASSES = 10
#: A target that a small model knows better than this follows from another column.
GIVEN_AWAY = 0.995
#: Columns that are tried as a target at most, of classes and of numbers.
TRIED = 12
#: Shares of made rows among those that are learned from.
MIXES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

_DRAWS = 200
_ASKED = 3_000  # hold-out rows that are scored again for each column that is shuffled
_SMALL_ROWS, _SMALL_ROUNDS = 2_000, 30  # of a model that helps to choose a target
_NOTICED = 0.02  # a score this far above a guess is better than one

Measure = Literal["area", "r2"]
Model = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Target:
    """What is to be learned: a number, or whether a column is ``value`` (of a category, its place among levels)."""

    column: str
    value: float | None = None

    @property
    def measure(self) -> Measure:
        return "r2" if self.value is None else "area"

    def truth(self, frame: Frame) -> Floats:
        """Return what a model shall say of each row, NaN where the target is missing; shape (rows,)."""
        values = frame.column(self.column).values
        return values if self.value is None else np.where(np.isnan(values), np.nan, values == self.value)


@dataclass(frozen=True)
class Lesson:
    """What a model learns from or is asked about: features of shape (rows, columns), and the truth of each row."""

    features: Floats
    truth: Floats

    @property
    def rows(self) -> int:
        return len(self.truth)

    def take(self, places: NDArray[np.int64]) -> Lesson:
        """Return the rows at ``places``."""
        return Lesson(self.features[places], self.truth[places])


@dataclass(frozen=True)
class _Learner:
    """How a model learns: what the target is, which features are categories, and by which seed."""

    target: Target
    categories: NDArray[np.bool_]
    seed: int
    rounds: int = 100

    def lesson(self, frame: Frame) -> Lesson:
        """Return the rows whose target is known."""
        lesson = Lesson(boosted_features(frame, [self.target.column])[0], self.target.truth(frame))
        return lesson.take(np.flatnonzero(~np.isnan(lesson.truth)))

    def learn(self, lesson: Lesson) -> Model:
        """Learn; from rows that are all alike only that they are."""
        if lesson.rows < 2 or lesson.truth.min() == lesson.truth.max():
            constant = float(lesson.truth[0]) if lesson.rows else 0.0
            return lambda features: np.full(len(features), constant)
        options = {"categorical_features": self.categories, "random_state": self.seed, "max_iter": self.rounds}
        known = filled(lesson.features, lesson.features)
        with one_thread():
            if self.target.measure == "r2":
                number = HistGradientBoostingRegressor(**options).fit(known, lesson.truth)
                return lambda features: _quietly(number.predict, filled(features, lesson.features))
            classes = HistGradientBoostingClassifier(**options).fit(known, lesson.truth > 0)
        return lambda features: _quietly(
            lambda given: classes.predict_proba(given)[:, 1], filled(features, lesson.features)
        )


def judge_usefulness(
    fitted: Frame,
    holdout: Frame,
    made: Frame,
    *,
    target: str | None,
    avoid: Collection[str] = (),
    rng: np.random.Generator,
) -> dict[str, Any] | None:
    """Say what can be learned from made rows. The shape is in this module's docstring.

    A target that is not named is none of the columns to ``avoid``. Raises KeyError when the frames have no column of
    the name of ``target``.
    """
    real, held, ours = (frame.take(rng.permutation(frame.rows)[:ROWS]) for frame in (fitted, holdout, made))
    chosen = choose_target(real, rng, avoid) if target is None else target_of(real, target)
    if chosen is None or not _can_be_tested(chosen, held):
        return None
    learner = _Learner(chosen, boosted_features(real, [chosen.column])[1], int(rng.integers(0, 1 << 31)))
    asked = learner.lesson(held)
    lessons = {"real": learner.lesson(real), "made": learner.lesson(ours)}
    models = {name: learner.learn(lesson) for name, lesson in lessons.items()}
    tested = _Tested(chosen.measure, asked.truth, rng)
    said = {name: model(asked.features) for name, model in models.items()}
    said["independent"] = learner.learn(learner.lesson(independent(real, rng)))(asked.features)
    said["holdout"] = _crossed(learner, asked, rng)
    mixes = list(_mixes(learner, lessons, asked, rng))
    shuffled = {name: _importances(model, asked, chosen.measure, rng) for name, model in models.items()}
    names = [name for name in real.names if name != chosen.column]
    return {
        "rows": {"learned": lessons["real"].rows, "tested": asked.rows},
        "target": chosen.column,
        "chosen": None if target is not None else _why(chosen),
        "measure": chosen.measure,
        **_scores(tested, said),
        **_best(tested, mixes),
        "importances": _beside(names, shuffled),
        "importances_alike": _alike(shuffled["real"], shuffled["made"]).as_json(),
    }


def score(measure: Measure, truth: Floats, said: Floats, weights: Floats | None = None) -> float:
    """Return the area under the curve, ties one half, or R²; a row counts as often as its weight says."""
    weights = np.ones(len(truth)) if weights is None else weights
    if measure == "r2":
        mean = np.average(truth, weights=weights)
        spread = float(weights @ (truth - mean) ** 2)
        return 1 - float(weights @ (truth - said) ** 2) / spread if spread > 0 else 0.0
    return _area(np.unique(said, return_inverse=True)[1], truth, weights)


def target_of(frame: Frame, name: str) -> Target | None:
    """Make a target of a column: its rarest class that is not too rare, or the number; None where it is constant."""
    column = frame.column(name)
    values, counts = np.unique(column.values[~column.missing], return_counts=True)
    if column.kind != "category" and len(values) > CLASSES:
        return Target(name)
    common = counts >= max(RAREST * counts.sum(), FEWEST) if len(counts) else np.zeros(0, bool)
    if len(values) < 2 or not common.any():
        return None
    rarest = int(np.argmin(np.where(common, counts, counts.sum() + 1)))
    return Target(name, float(values[rarest]))


def choose_target(frame: Frame, rng: np.random.Generator, avoid: Collection[str] = ()) -> Target | None:
    """Choose a target by the rule in this module's docstring."""
    rows = frame.take(rng.permutation(frame.rows)[: 2 * _SMALL_ROWS])
    names = [name for name in reversed(frame.names) if name not in avoid]
    targets = [target for name in names if (target := target_of(frame, name)) is not None]
    for measure, guess in (("area", 0.5), ("r2", 0.0)):
        tried = [target for target in targets if target.measure == measure and _classes(frame, target) <= CLASSES]
        scores = [_learned(rows, target, rng) for target in tried[:TRIED]]
        least = guess + _NOTICED + 1 / np.sqrt(max(rows.rows / 2, 1))
        usable = [known if least < known < GIVEN_AWAY else -np.inf for known in scores]
        if usable and max(usable) > -np.inf:
            return tried[int(np.argmax(usable))]
    return None


def taught(target: Target, learned: Frame, asked: Frame, *, seed: int) -> float:
    """Return the score on all rows of ``asked`` of a model that learned from all rows of ``learned``."""
    learner = _Learner(target, boosted_features(asked, [target.column])[1], seed)
    lesson = learner.lesson(asked)
    return score(target.measure, lesson.truth, learner.learn(learner.lesson(learned))(lesson.features))


@dataclass(frozen=True)
class Scored:
    """How well a model that learned from some rows knows the target of others; ``draws`` scores it in draws of them."""

    value: float
    draws: Floats

    @property
    def interval(self) -> tuple[float, float]:
        """The bounds of 95 %."""
        return _interval(self.draws)


def compare(
    target: Target, learned: Mapping[str, Frame], asked: Frame, *, rng: np.random.Generator
) -> dict[str, Scored] | None:
    """Score models that learned from each of the frames on the same rows of ``asked``; None where they cannot be.

    All frames must have been made together. Draws are of the same rows for all, so that they can be subtracted.
    """
    asked = asked.take(rng.permutation(asked.rows)[:ROWS])
    if not _can_be_tested(target, asked):
        return None
    learner = _Learner(target, boosted_features(asked, [target.column])[1], int(rng.integers(0, 1 << 31)))
    lesson = learner.lesson(asked)
    tested = _Tested(target.measure, lesson.truth, rng)
    found = {}
    for name, frame in learned.items():
        rows = frame.take(rng.permutation(frame.rows)[:ROWS])
        said = learner.learn(learner.lesson(rows))(lesson.features)
        found[name] = Scored(tested.score(said), tested.draws(said))
    return found


class _Tested:
    """Scores of what models said of the same rows, and of the same draws of them."""

    def __init__(self, measure: Measure, truth: Floats, rng: np.random.Generator) -> None:
        self.measure, self.truth, self.guess = measure, truth, 0.0 if measure == "r2" else 0.5
        rows = len(truth)
        drawn = (rng.integers(0, rows, rows) for _ in range(_DRAWS))
        self.weights = [np.bincount(places, minlength=rows).astype(np.float64) for places in drawn]

    def score(self, said: Floats) -> float:
        return score(self.measure, self.truth, said)

    def draws(self, said: Floats) -> Floats:
        """Return the score in each draw; shape (draws,)."""
        if self.measure == "r2":
            return np.array([score("r2", self.truth, said, weights) for weights in self.weights])
        place = np.unique(said, return_inverse=True)[1]
        return np.array([_area(place, self.truth, weights) for weights in self.weights])


def _area(place: NDArray[np.int64], truth: Floats, weights: Floats) -> float:
    """``place``: which of the different scores, in rising order, a row has."""
    yes = np.bincount(place, weights * (truth > 0))
    no = np.bincount(place, weights * (truth <= 0))
    both = float(yes.sum() * no.sum())
    return float(yes @ (np.cumsum(no) - no / 2)) / both if both else 0.5


def _quietly(say: Callable[[Floats], Floats], features: Floats) -> Floats:
    with one_thread():
        said: Floats = say(features)
        return said


def _can_be_tested(target: Target, holdout: Frame) -> bool:
    truth = target.truth(holdout)
    truth = truth[~np.isnan(truth)]
    if target.measure == "r2":
        return len(truth) >= FEWEST and bool(truth.min() < truth.max())
    return min(int(truth.sum()), int(len(truth) - truth.sum())) >= FEWEST


def _classes(frame: Frame, target: Target) -> int:
    column = frame.column(target.column)
    return 0 if target.value is None else len(np.unique(column.values[~column.missing]))


def _learned(rows: Frame, target: Target, rng: np.random.Generator) -> float:
    """How well a small model that learned from half of the rows knows the target in the other half."""
    categories = boosted_features(rows, [target.column])[1]
    learner = _Learner(target, categories, int(rng.integers(0, 1 << 31)), _SMALL_ROUNDS)
    lesson = learner.lesson(rows)
    first, second = np.arange(0, lesson.rows, 2), np.arange(1, lesson.rows, 2)
    asked = lesson.take(second)
    return score(target.measure, asked.truth, learner.learn(lesson.take(first))(asked.features)) if len(second) else 0.0


def _why(target: Target) -> str:
    kind = "number or time" if target.value is None else "column of few classes"
    return f"No target was named: of the table's columns this {kind} can be learned best without being given away."


def _crossed(learner: _Learner, asked: Lesson, rng: np.random.Generator) -> Floats:
    """What models that learned from one half of the hold-out say of the other."""
    said, half = np.empty(asked.rows), rng.permutation(asked.rows) % 2
    for side in (0, 1):
        said[half == side] = learner.learn(asked.take(np.flatnonzero(half != side)))(asked.features[half == side])
    return said


def _mixes(
    learner: _Learner, lessons: dict[str, Lesson], asked: Lesson, rng: np.random.Generator
) -> Iterator[tuple[float, Floats]]:
    """Yield what a model that learned from a mix says, and which share of it was made; always of as many rows."""
    real, made = (lesson.take(rng.permutation(lesson.rows)) for lesson in (lessons["real"], lessons["made"]))
    rows = min(real.rows, made.rows)
    for share in MIXES:
        ours = round(rows * share)
        both = zip((real.features, real.truth), (made.features, made.truth), strict=True)
        features, truth = (np.concatenate([theirs[: rows - ours], own[:ours]]) for theirs, own in both)
        yield share, learner.learn(Lesson(features, truth))(asked.features)


def _scores(tested: _Tested, said: dict[str, Floats]) -> dict[str, Any]:
    score = {name: tested.score(one) for name, one in said.items()}
    real, made = tested.draws(said["real"]), tested.draws(said["made"])
    yardsticks: dict[Yardstick, float | None] = {
        "holdout": score["holdout"],
        "copy": score["real"],
        "independent": score["independent"],
        "guess": tested.guess,
    }
    return {
        "real": Figure(score["real"], _interval(real), {"guess": tested.guess}).as_json(),
        "made": Figure(score["made"], _interval(made), yardsticks, _HALVES).as_json(),
        "ratio": _ratio(tested, score, real, made, yardsticks).as_json(),
        "gap": Figure(score["real"] - score["made"], _interval(real - made), {"copy": 0.0}).as_json(),
    }


_HALVES = "The hold-out's yardstick is of models that learned from half as many rows."


def _ratio(
    tested: _Tested,
    score: dict[str, float],
    real: Floats,
    made: Floats,
    yardsticks: dict[Yardstick, float | None],
) -> Figure:
    # Where it could be one, the quotient has no bounds (Fieller 1954).
    if score["real"] < tested.guess + _NOTICED or _interval(real)[0] <= tested.guess:
        return Figure(None, why="A model that learned from the real rows is not surely better than a guess.")
    compared = {name: None if one is None else one / score["real"] for name, one in yardsticks.items()}
    return Figure(score["made"] / score["real"], _interval(made / np.maximum(real, 1e-9)), compared, _HALVES)


def _interval(draws: Floats) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def _best(tested: _Tested, mixes: list[tuple[float, Floats]]) -> dict[str, Any]:
    draws = [tested.draws(said) for _, said in mixes]
    scores = [tested.score(said) for _, said in mixes]
    best = int(np.argmax(scores))
    surely = bool(best and _interval(draws[best] - draws[0])[0] > 0)
    told = [
        {"made": share, "score": round(score, 6), "interval": [round(bound, 6) for bound in _interval(drawn)]}
        for (share, _), score, drawn in zip(mixes, scores, draws, strict=True)
    ]
    if not best:
        why = "Learning from real rows alone is best."
    elif surely:
        why = "Learning from this mix is better than from real rows alone, beyond the noise of the hold-out."
    else:
        why = "Learning from this mix scores highest, but within the noise of what real rows alone score."
    return {"mixes": told, "best": {"made": mixes[best][0], "beyond_noise": surely, "why": why}}


def _importances(model: Model, asked: Lesson, measure: Measure, rng: np.random.Generator) -> Floats:
    """How far the score falls when a column of the rows is shuffled (Breiman 2001); shape (columns,)."""
    some = asked.take(rng.permutation(asked.rows)[:_ASKED])
    plain = score(measure, some.truth, model(some.features))
    falls = np.zeros(some.features.shape[1])
    for place in range(len(falls)):
        features = some.features.copy()
        features[:, place] = rng.permutation(features[:, place])
        falls[place] = plain - score(measure, some.truth, model(features))
    return falls


def _beside(names: list[str], shuffled: dict[str, Floats]) -> list[dict[str, Any]]:
    rows = zip(names, shuffled["real"].tolist(), shuffled["made"].tolist(), strict=bool(names))
    told = [{"column": name, "real": round(real, 6), "made": round(made, 6)} for name, real, made in rows]
    return sorted(told, key=lambda row: -float(row["real"]))


def _alike(real: Floats, made: Floats) -> Figure:
    if len(real) < 3 or not real.std() or not made.std():
        return Figure(None, why="There are too few columns that matter.")
    return Figure(float(np.corrcoef(real, made)[0, 1]), yardsticks={"copy": 1.0})
