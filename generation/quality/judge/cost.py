"""What it cost: where a target was made independent of a sensitive column or shares were asked, what came of it.

Made rows then differ from the real table on purpose. What of that the wish itself costs, and what the making does, is
told by a third table: real rows drawn by weights, so that their shares of what was asked are those of the made rows,
as Kamiran and Calders (2012) weigh them. ``judge_cost`` returns, or None where nothing was asked::

    changed      [column…]   whose shares, alone or together, were asked to be other ones
    target       the column that models are asked about
    measure      "area" or "r2", as in ``usefulness``
    real         figure: score on the hold-out of a model that learned from fitted rows: without the wish
    weighed      figure: of one that learned from fitted rows drawn by weights: with the wish and nothing else
    made         figure: of one that learned from made rows: with both
    wish         figure: real - weighed, what the wish costs; above 0 where something is lost
    lost         figure: real - made, what is lost in all
    independent  [{"target", "sensitive", "positive": what is counted, in words,
                   "strength": {"real": x, "made": figure},      of their dependence: Pearson's r or Cramer's V, as in
                                                                 ``likeness``; yardsticks "holdout", "independent"
                   "gap": {"real": x, "made": figure},           how far groups lie apart in how often it is so
                   "groups": [{"group", "real": x, "made": x}…],
                   "words": sentence}…]
    verdict      sentence

``target`` and all scores are null where no target can be learned. Groups and what is counted are
those of ``fairness``: of fifty rows and ten people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from generation.quality.judge.fairness import counts_of, groups_of, outcome_of
from generation.quality.judge.figures import Figure, Yardstick
from generation.quality.judge.frames import Floats, Frame, Ints
from generation.quality.judge.groups import parts
from generation.quality.judge.likeness import compare_pairs, independent
from generation.quality.judge.usefulness import Scored, Target, compare, target_of

_LEVELS = 20  # of a column, told apart where its rows are weighed
_CELLS = 20  # rows that each cell has on average at least: otherwise columns are left out of the weighing
_NOTICED = 0.01
_GROUPS = 8  # that a sentence names


@dataclass(frozen=True)
class Wished:
    """What was asked to be other than in the real table: pairs of target and sensitive column, and single columns."""

    independent: tuple[tuple[str, str], ...] = ()
    shares: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """All columns that are named, each once."""
        return list(dict.fromkeys([*(name for pair in self.independent for name in pair), *self.shares]))


def judge_cost(
    fitted: Frame,
    holdout: Frame,
    made: Frame,
    *,
    wished: Wished,
    target: str | None,
    people: Ints | None = None,
    rng: np.random.Generator,
) -> dict[str, Any] | None:
    """Say what the wishes cost. The shape is in this module's docstring; ``target`` is what is to be learned.

    ``people`` says whose each fitted row is; without it a person is a row.
    """
    columns = [name for name in wished.columns if name in fitted.names]
    pairs = [pair for pair in wished.independent if set(pair) <= set(fitted.names)]
    if not columns or not made.rows:
        return None
    drawn = rng.choice(fitted.rows, fitted.rows, p=weights_of(fitted, made, columns))
    asked = pairs[0][0] if pairs else target
    chosen = target_of(fitted, asked) if asked in fitted.names and asked is not None else None
    tables = {"real": fitted, "weighed": fitted.take(drawn), "made": made}
    scored = None if chosen is None else compare(chosen, tables, holdout, rng=rng)
    shuffled = independent(fitted, rng)
    told = [_pair(pair, _Tables(fitted, holdout, made, shuffled, people)) for pair in pairs]
    return {
        "changed": columns,
        **_scores(chosen if scored else None, scored),
        "independent": told,
        "verdict": " ".join([*(one["words"] for one in told), _lost(columns, chosen, scored)]),
    }


def weights_of(fitted: Frame, made: Frame, columns: Sequence[str]) -> Floats:
    """Return with which chance each fitted row is to be drawn, so that the columns' joint shares are the made ones.

    Columns are cut into their most frequent levels or into quarters; those that would leave cells of a few rows are
    left out. Of a cell that the made table lacks no row is drawn.
    """
    ours, theirs = np.zeros(fitted.rows, np.int64), np.zeros(made.rows, np.int64)
    width = 1
    for name in columns:
        labels, (mine, other) = parts(fitted.column(name), [made.column(name)], _LEVELS)
        if width > 1 and width * len(labels) * _CELLS > fitted.rows:
            continue
        ours, theirs, width = ours * len(labels) + mine, theirs * len(labels) + other, width * len(labels)
    counts, wanted = (np.bincount(codes, minlength=width).astype(np.float64) for codes in (ours, theirs))
    wanted[counts == 0] = 0.0
    if not wanted.any():
        return np.full(fitted.rows, 1 / fitted.rows)
    weights: Floats = (wanted / np.maximum(counts, 1))[ours]
    weights /= weights.sum()
    return weights


def _scores(target: Target | None, scored: dict[str, Scored] | None) -> dict[str, Any]:
    if target is None or scored is None:
        return dict.fromkeys(("target", "measure", "real", "weighed", "made", "wish", "lost"))
    real, weighed, made = (scored[name] for name in ("real", "weighed", "made"))
    return {
        "target": target.column,
        "measure": target.measure,
        **{name: Figure(one.value, one.interval).as_json() for name, one in scored.items()},
        "wish": _difference(real, weighed, {}).as_json(),
        "lost": _difference(real, made, {"copy": 0.0}).as_json(),
    }


def _difference(one: Scored, other: Scored, yardsticks: dict[Yardstick, float | None]) -> Figure:
    apart = Scored(one.value - other.value, one.draws - other.draws)
    return Figure(apart.value, apart.interval, yardsticks)


@dataclass(frozen=True)
class _Tables:
    """What a pair is looked at in; ``people`` as in ``judge_cost``, ``shuffled`` has columns in orders by chance."""

    fitted: Frame
    holdout: Frame
    made: Frame
    shuffled: Frame
    people: Ints | None


def _pair(pair: tuple[str, str], of: _Tables) -> dict[str, Any]:
    target, sensitive = pair
    strengths = {
        name: compare_pairs(of.fitted, other, [pair])[0]
        for name, other in (("made", of.made), ("holdout", of.holdout), ("independent", of.shuffled))
    }
    known = {name: _known(abs(one.made)) for name, one in strengths.items()}
    strength = Figure(known["made"], yardsticks={"holdout": known["holdout"], "independent": known["independent"]})
    found = list(_rates(pair, of))
    real = _known(abs(strengths["made"].real))
    return {
        "target": target,
        "sensitive": sensitive,
        "positive": found[0].positive if found else None,
        "strength": {"real": None if real is None else round(real, 6), "made": strength.as_json()},
        "gap": _gap(found),
        "groups": [{"group": one.group, "real": round(one.real, 6), "made": round(one.made, 6)} for one in found],
        "words": _words(pair, found, real, known["made"]),
    }


@dataclass(frozen=True)
class _Rate:
    """How often the outcome is positive in a group of each table."""

    positive: str
    group: str
    real: float
    made: float
    holdout: float
    independent: float


def _rates(pair: tuple[str, str], of: _Tables) -> Iterator[_Rate]:
    target, sensitive = pair
    outcome = outcome_of(of.fitted.column(target), of.people)
    if outcome is None:
        return
    groups, shuffled = (
        groups_of(*(one.column(sensitive) for one in (of.fitted, of.holdout, last)), people=of.people)
        for last in (of.made, of.shuffled)
    )
    codes: list[tuple[Frame, Ints]] = [(of.fitted, groups.fitted), (of.made, groups.made), (of.holdout, groups.holdout)]
    codes.append((of.shuffled, shuffled.made))
    rates = [
        counts_of(each, outcome.positive(frame.column(target)), len(groups.labels))["outcome"] for frame, each in codes
    ]
    for place, label in enumerate(groups.labels):
        yield _Rate(outcome.words, label, *(float(one[place]) for one in rates))


def _gap(found: Sequence[_Rate]) -> dict[str, Any] | None:
    if len(found) < 2:
        return None
    gaps = {name: _apart(found, name) for name in ("real", "made", "holdout", "independent")}
    made = Figure(gaps["made"], yardsticks={"holdout": gaps["holdout"], "independent": gaps["independent"]})
    return {"real": round(gaps["real"], 6), "made": made.as_json()}


def _apart(found: Sequence[_Rate], table: str) -> float:
    return float(np.ptp([getattr(one, table) for one in found]))


def _words(pair: tuple[str, str], found: Sequence[_Rate], real: float | None, made: float | None) -> str:
    target, sensitive = pair
    if not found or real is None or made is None:
        return f"How {target} hangs on {sensitive} could not be measured."
    rates = "; ".join(f"{one.group} {one.made:.1%} instead of {one.real:.1%}" for one in found[:_GROUPS])
    return (
        f"{target} was made independent of {sensitive}: their dependence is {made:.3f} instead of {real:.3f}, "
        f"and how often {found[0].positive}, by {sensitive}: {rates}."
    )


def _lost(columns: Sequence[str], target: Target | None, scored: dict[str, Scored] | None) -> str:
    asked = "Other shares" if len(columns) != 1 else f"Other shares of {columns[0]}"
    if target is None or scored is None:
        return f"{asked} were asked. What that cost could not be measured: no target can be learned."
    real, weighed, made = (scored[name].value for name in ("real", "weighed", "made"))
    plain = f"A model of {target.column} scores {real:.3f} on withheld rows if it learned from real ones"
    wish = f"{weighed:.3f} if these have the shares that were asked"
    judged = "that costs next to nothing" if real - weighed < _NOTICED else f"that costs {real - weighed:.3f}"
    return f"{plain}, {wish}: {judged}. Learned from made rows it scores {made:.3f}, {real - made:+.3f} lost in all."


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
