"""How fair a made table is: shares and outcomes of subgroups beside the real table's, and the errors of a model that
learned from it beside those of one that learned from the real rows, both tried on the hold-out.

``judge_fairness`` returns the section ``fairness`` of the report; F stands for a figure's JSON::

    {"target": name, "positive": what is predicted, in words,
     "columns": [{"column": name,
                  "groups": [{"group": label, "share": F, "outcome": F,      yardstick "holdout"; "fitted" beside them
                              "fitted": {"share": x, "outcome": x}, "tested": rows of the hold-out,
                              "real": rates, "made": rates}…],
                  "measures": {name: {"real": x, "made": x, "growth": F}}}…],
     "warnings": [sentence…], "kept": [sentence…], "counter": parameters of the generator, or null,
     "verdict": sentence, "not_tested": [sentence…]}

Rates are selection_rate, true_positive_rate and false_positive_rate. Measures are those of Fairlearn (Weerts et al.,
JMLR 24, 2023): demographic_parity_difference and …_ratio compare the selection rates of groups (Dwork et al. 2012),
equalized_odds_difference and …_ratio the worse of their true and false positive rates (Hardt, Price and Srebro 2016).
outcome_difference is that of the data: how far the shares of the positive outcome lie apart of the two groups that lie
farthest apart in the made table; ``real`` is how far the same two do in the real one, so that growth is made - real.
Where the real table has one beyond chance and the made one repeats it, that is no warning, but ``kept`` says so.

No group and no outcome is named that fewer than ten people hold, however many rows they have.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from generation.quality.judge.counter import BANDS, MISSING, Grown, counter, pair_line, quartiles
from generation.quality.judge.figures import Figure
from generation.quality.judge.frames import Column, Floats, Frame, Ints
from generation.quality.judge.learning import boosted_features, filled, one_thread
from generation.quality.judge.privacy import PEOPLE, people_of

#: Rows that a model learns from at most.
ROWS = 8_000

#: A group is reported for itself if so many fitted rows and so many withheld ones belong to it, and to ten people.
_FITTED, _HELD = 50, 30

#: Models of each kind, learned from samples drawn with replacement: they tell how much chance there is in learning.
_MODELS = 3
_SAMPLES = 200

#: A bias is said to have grown if it did by so much, and by so many standard errors.
_GROWTH, _DEVIATIONS = 0.02, 3.3
#: A bias of the real table is told if groups lie so far apart, in the made one too.
_KEPT = 0.1
_RARE = 0.01

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Groups:
    """The groups of a column: their labels, and for every row of a table which it belongs to, -1 for none."""

    labels: tuple[str, ...]
    fitted: Ints
    holdout: Ints
    made: Ints


@dataclass(frozen=True)
class Rates:
    """Rates by group, each of shape (…, groups): of the chosen, of the chosen among the positive and the negative.

    0 where there is nobody to choose from, as in Fairlearn.
    """

    selection: Floats
    true_positive: Floats
    false_positive: Floats

    def measures(self) -> dict[str, Floats]:
        """Return the differences and ratios between groups by their Fairlearn names, each of shape (…)."""
        odds = (self.true_positive, self.false_positive)
        return {
            "demographic_parity_difference": np.ptp(self.selection, axis=-1),
            "demographic_parity_ratio": _ratio(self.selection),
            "equalized_odds_difference": np.max([np.ptp(one, axis=-1) for one in odds], axis=0),
            "equalized_odds_ratio": np.min([_ratio(one) for one in odds], axis=0),
        }

    def of(self, group: int) -> dict[str, float]:
        """As the report holds the rates of one group."""
        return {
            "selection_rate": round(float(self.selection[group]), 6),
            "true_positive_rate": round(float(self.true_positive[group]), 6),
            "false_positive_rate": round(float(self.false_positive[group]), 6),
        }


def rates(truth: Bools, chosen: Bools, groups: Ints, count: int, weights: Floats | None = None) -> Rates:
    """Count by group who is chosen. Rows of no group count nowhere; ``weights`` has shape (…, rows)."""
    weights = np.ones(len(truth)) if weights is None else weights
    belongs = (groups[:, None] == np.arange(count)).astype(np.float64)

    def share(mask: Bools, of: Bools) -> Floats:
        whole = weights @ (belongs * of[:, None])
        part = weights @ (belongs * (mask & of)[:, None])
        result: Floats = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
        return result

    return Rates(share(chosen, np.ones_like(truth)), share(chosen, truth), share(chosen, ~truth))


def judge_fairness(
    fitted: Frame,
    holdout: Frame,
    made: Frame,
    *,
    target: str | None,
    sensitive: Sequence[str],
    people: Ints | None = None,
    rng: np.random.Generator,
) -> dict[str, Any] | None:
    """Compare subgroups of the sensitive columns in what is predicted of the target; None if none can be.

    ``people`` says whose each fitted row is; without it a person is a row.
    """
    outcome = outcome_of(fitted.column(target), people) if target in fitted.names else None
    named = [name for name in fitted.names if name in sensitive and name != target]
    found = {name: groups_of(*(one.column(name) for one in (fitted, holdout, made)), people=people) for name in named}
    columns = {name: groups for name, groups in found.items() if len(groups.labels) > 1}
    if target is None or outcome is None or not columns or not made.rows:
        return None
    truth = Truth(*(outcome.positive(one.column(target)) for one in (fitted, holdout, made)))
    real = _chosen(fitted, truth.fitted, holdout, target, rng)
    synthetic = _chosen(made, truth.made, holdout, target, rng)
    weights = rng.poisson(1.0, (_SAMPLES, holdout.rows)).astype(np.float64)
    entries, grown = [], []
    for name, groups in columns.items():
        data, shares = _compare_data(name, groups, truth, outcome.words)
        models, errors = _compare_models(name, groups, truth.holdout, (real, synthetic), weights)
        parts = [{**mine, **other} for mine, other in zip(data["groups"], models["groups"], strict=True)]
        entries.append({"column": name, "groups": parts, "measures": {**data["measures"], **models["measures"]}})
        grown += [*shares, *errors]
    sentences = [one.sentence for one in grown]
    kept = [words for one in entries if (words := _kept(one, target, outcome.words, fitted.rows))]
    verdict = sentences or [f"As fair as the real table by {', '.join(columns)}: no bias grew."]
    return {
        "target": target,
        "positive": outcome.words,
        "columns": entries,
        "warnings": sentences,
        "counter": counter(target, grown, fitted, made, people),
        "kept": kept,
        "verdict": " ".join([*verdict, *kept]),
        "not_tested": list(_untested(named, found)),
    }


@dataclass(frozen=True)
class Truth:
    """Where the outcome is positive, in each table."""

    fitted: Bools
    holdout: Bools
    made: Bools


@dataclass(frozen=True)
class Outcome:
    """What is predicted: a level of the target, or that it is more than ``least``."""

    words: str
    level: str | None = None
    least: float = 0.0

    def positive(self, column: Column) -> Bools:
        """Return the rows for which it holds; missing ones are none of them."""
        if self.level is None:
            more: Bools = column.values > self.least
            return more
        same: Bools = column.codes() == column.levels.index(self.level)
        return same


def outcome_of(target: Column, people: Ints | None = None) -> Outcome | None:
    """Take the rarest level that enough rows and ten people have, or for numbers what is above their median."""
    if target.kind != "category":
        known = target.values[~target.missing]
        least = float(np.median(known)) if len(known) else 0.0
        split = len(known) and 0 < (known > least).sum() < len(target.values)
        return Outcome(f"{target.name} above its median", least=least) if split else None
    codes, levels = target.codes(), len(target.levels)
    counts = np.bincount(codes + 1, minlength=levels + 1)[1:]
    common = (counts >= max(_FITTED, _RARE * len(target.values))) & (counts < len(target.values))
    enough = np.flatnonzero(common & (people_of(codes, levels, people) >= PEOPLE))
    if not len(enough):
        return None
    level = target.levels[enough[counts[enough].argmin()]]
    return Outcome(f"{target.name} is {level}", level)


def groups_of(fitted: Column, holdout: Column, made: Column, *, people: Ints | None = None) -> Groups:
    """Number the groups that enough rows and ten people belong to; what few belong to is left out together."""
    if fitted.kind == "category":
        labels: Sequence[str] = fitted.levels
        codes = [one.codes() for one in (fitted, holdout, made)]
    else:
        edges, labels = quartiles(fitted), BANDS
        codes = [np.where(one.missing, -1, np.searchsorted(edges, one.values)) for one in (fitted, holdout, made)]
    codes = [np.where(one < 0, len(labels), one) for one in codes]
    labels = [*labels, MISSING]
    counts = [np.bincount(one, minlength=len(labels)) for one in codes[:2]]
    held = people_of(codes[0], len(labels), people)
    kept = np.flatnonzero((counts[0] >= _FITTED) & (counts[1] >= _HELD) & (held >= PEOPLE))
    places = np.full(len(labels), -1)
    places[kept] = np.arange(len(kept))
    return Groups(tuple(labels[one] for one in kept), *(places[one] for one in codes))


def _chosen(table: Frame, positive: Bools, holdout: Frame, target: str, rng: np.random.Generator) -> list[Bools]:
    """Return whom models that learned from samples of a table choose among the withheld.

    Each chooses so many that the share is the table's own, so that rare outcomes are chosen at all.
    """
    features, categories = boosted_features(table, [target])
    tried, _ = boosted_features(holdout, [target])
    chosen = []
    for _ in range(_MODELS):
        rows = rng.integers(table.rows, size=min(table.rows, ROWS))
        if len(np.unique(positive[rows])) < 2:
            chosen.append(np.full(holdout.rows, bool(positive[rows[0]])))
            continue
        model = HistGradientBoostingClassifier(
            categorical_features=categories, early_stopping=False, random_state=int(rng.integers(2**31))
        )
        with one_thread():
            model.fit(filled(features[rows], features[rows]), positive[rows])
            scores = model.predict_proba(filled(tried, features[rows]))[:, 1]
        chosen.append(scores > np.quantile(scores, 1 - positive.mean()))
    return chosen


def _kept(entry: dict[str, Any], target: str, words: str, rows: int) -> str:
    """The sentence on a bias of the real table that the made one repeats; empty where there is none beyond chance."""
    name = entry["column"]
    ends = [sorted(entry["groups"], key=lambda group: group["fitted"]["outcome"])[place] for place in (0, -1)]
    shares = [group["fitted"]["outcome"] for group in ends]
    people = [group["fitted"]["share"] * rows for group in ends]
    error = math.sqrt(sum(share * (1 - share) / count for share, count in zip(shares, people, strict=True)))
    low, high = ends
    real, made = shares[1] - shares[0], abs(high["outcome"]["value"] - low["outcome"]["value"])
    if min(real, made) < _KEPT or real < _DEVIATIONS * error:
        return ""
    return (
        f"By {name}, both are uneven: {words} in {low['outcome']['value']:.0%} of rows where it is {low['group']} and "
        f"{high['outcome']['value']:.0%} where it is {high['group']}; in the real table {shares[0]:.0%} and "
        f"{shares[1]:.0%}. Made independent (“{pair_line(target, name)}”), it would not hang on it."
    )


def _compare_data(name: str, groups: Groups, truth: Truth, words: str) -> tuple[dict[str, Any], list[Grown]]:
    """Compare the groups' shares and how often the outcome is positive in each."""
    count = len(groups.labels)
    tables = {
        "fitted": counts_of(groups.fitted, truth.fitted, count),
        "holdout": counts_of(groups.holdout, truth.holdout, count),
        "made": counts_of(groups.made, truth.made, count),
    }
    shares, outcomes = ({table: one[part] for table, one in tables.items()} for part in ("share", "outcome"))
    entries = [
        {
            "group": label,
            "share": Figure(shares["made"][one], None, {"holdout": shares["holdout"][one]}).as_json(),
            "outcome": Figure(outcomes["made"][one], None, {"holdout": outcomes["holdout"][one]}).as_json(),
            "fitted": {"share": round(shares["fitted"][one], 6), "outcome": round(outcomes["fitted"][one], 6)},
            "tested": int((groups.holdout == one).sum()),
        }
        for one, label in enumerate(groups.labels)
    ]
    low, high, made, real = _farthest(outcomes["made"], outcomes["fitted"])
    *_, withheld, beside = _farthest(outcomes["holdout"], outcomes["fitted"])
    grew = made - real
    errors = [tables[table]["error"][one] for table in ("fitted", "made") for one in (low, high)]
    error = float(np.linalg.norm(errors))
    growth = Figure(grew, (grew - 2 * error, grew + 2 * error), {"holdout": withheld - beside})
    measures = {"outcome_difference": {"real": round(real, 6), "made": round(made, 6), "growth": growth.as_json()}}
    found = [
        Grown(name, f"Of people whose {name} is {label} there are fewer than in the real table.", rarer=label)
        for one, label in enumerate(groups.labels)
        if _fewer(shares["made"][one], len(groups.made), shares["fitted"][one], len(groups.fitted))
    ]
    if grew > max(_GROWTH, _DEVIATIONS * error):
        sentence = f"{words} hangs more on {name} than in the real table: between {groups.labels[low]} and "
        sentence += f"{groups.labels[high]} it differs by {made:.1%} instead of {real:.1%}."
        found.append(Grown(name, sentence))
    return {"groups": entries, "measures": measures}, found


def _farthest(outcomes: Floats, fitted: Floats) -> tuple[int, int, float, float]:
    """Return the groups with the lowest and the highest outcome, and how far they lie apart, here and as fitted."""
    low, high = int(outcomes.argmin()), int(outcomes.argmax())
    return low, high, float(outcomes[high] - outcomes[low]), abs(float(fitted[high] - fitted[low]))


def _compare_models(
    name: str, groups: Groups, truth: Bools, chosen: tuple[list[Bools], list[Bools]], weights: Floats
) -> tuple[dict[str, Any], list[Grown]]:
    """Compare the errors of models that learned from the real and from the made rows."""
    count = len(groups.labels)
    plain = [[rates(truth, one, groups.holdout, count) for one in models] for models in chosen]
    sampled = [_means([rates(truth, one, groups.holdout, count, weights) for one in models]) for models in chosen]
    means = [_means(one) for one in plain]
    measures, found = {}, []
    for measure, real in means[0].items():
        made = means[1][measure]
        sign = -1 if measure.endswith("ratio") else 1
        learning = [np.var([float(one.measures()[measure]) for one in models], ddof=1) for models in plain]
        testing = float(np.var(sampled[1][measure] - sampled[0][measure]))
        error = float(np.sqrt(testing + sum(learning) / _MODELS))
        grew = float(made - real)
        measures[measure] = {
            "real": round(float(real), 6),
            "made": round(float(made), 6),
            "growth": Figure(grew, (grew - 2 * error, grew + 2 * error)).as_json(),
        }
        if measure.endswith("difference") and sign * grew > max(_GROWTH, _DEVIATIONS * error):
            words = measure.replace("_", " ")
            sentence = f"A model that learns from it has a {words} of {made:.3f} by {name} instead of {real:.3f}."
            found.append(Grown(name, sentence))
    entries = [
        {kind: _mean_rates(models, one) for kind, models in zip(("real", "made"), plain, strict=True)}
        for one in range(count)
    ]
    return {"groups": entries, "measures": measures}, found


def counts_of(groups: Ints, positive: Bools, count: int) -> dict[str, Floats]:
    """Return each group's share, its share of positive outcomes and the standard error of that; each (groups,)."""
    sizes = np.bincount(groups[groups >= 0], minlength=count)
    hits = np.bincount(groups[(groups >= 0) & positive], minlength=count)
    outcome = hits / np.maximum(sizes, 1)
    smoothed = (hits + 1) / (sizes + 2)
    return {
        "share": sizes / max(len(groups), 1),
        "outcome": outcome,
        "error": np.sqrt(smoothed * (1 - smoothed) / np.maximum(sizes, 1)),
    }


def _fewer(made: float, made_rows: int, fitted: float, fitted_rows: int) -> bool:
    """Whether a share fell by more than chance would have it, and by a tenth."""
    error = np.sqrt(fitted * (1 - fitted) * (1 / made_rows + 1 / fitted_rows))
    return bool(fitted - made > max(_DEVIATIONS * error, fitted / 10))


def _means(every: Sequence[Rates]) -> dict[str, Floats]:
    measured = [one.measures() for one in every]
    return {measure: np.mean([one[measure] for one in measured], axis=0) for measure in measured[0]}


def _mean_rates(every: Sequence[Rates], group: int) -> dict[str, float]:
    found = [one.of(group) for one in every]
    return {name: round(float(np.mean([one[name] for one in found])), 6) for name in found[0]}


def _untested(named: Sequence[str], found: dict[str, Groups]) -> Iterator[str]:
    for name in named:
        if len(found[name].labels) < 2:
            yield f"{name} has no two groups of {PEOPLE} people, {_FITTED} rows learned from and {_HELD} withheld."
    yield f"Groups of fewer than {PEOPLE} people, {_FITTED} rows learned from or {_HELD} withheld were not looked at."
    if len(named) > 1:
        yield "Groups by several sensitive columns at once were not looked at."


def _ratio(values: Floats) -> Floats:
    """Return the smallest over the largest; 1 where all are 0, since then all are treated alike."""
    largest = values.max(axis=-1)
    whole = np.where(largest > 0, largest, 1.0)
    ratio: Floats = np.where(largest > 0, values.min(axis=-1) / whole, 1.0)
    return ratio
