"""The privacy section: all attacks on the made table and on its yardsticks, and what they come to in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from generation.quality.judge.figures import Figure, Yardstick
from generation.quality.judge.frames import Column, Frame
from generation.quality.judge.privacy.closest import Closest, closest
from generation.quality.judge.privacy.distance import Space
from generation.quality.judge.privacy.everybody import PEOPLE, Everybody
from generation.quality.judge.privacy.matches import Copies, Memorised, copies, memorised
from generation.quality.judge.privacy.rates import FALSE_ALARMS, Risk
from generation.quality.judge.privacy.singling_out import multivariate, univariate
from generation.quality.judge.privacy.targets import Membership, aim, auc_chance

#: So many people are aimed at, at most, and so many withheld ones as a control; so many guesses single out.
ATTACKS = 3_000

#: So many made rows look for their closest record.
QUERIES = 6_000

#: So many rows at most are searched for it.
REFERENCES = 20_000

#: For yardsticks fewer: they are read beside the figure, not for themselves.
_YARDSTICK_ROWS = 6_000

#: With fewer rows of any table nothing can be told.
_FEWEST = 50

#: Values of their own that so many people have tell whether a column was carried over.
_FEWEST_OWN = 30

#: Secrets that are guessed where none was named.
_SECRETS = 12

#: As private as the hold-out; so, but with values in it that fewer than ten people hold; leaky; a copy; not measured.
Level = Literal["holdout", "few_people", "leaks", "copy", "unmeasured"]

#: The names of the attacks, as the report and its readers know them.
Attack = Literal[
    "copied_rows",
    "near_matches",
    "own_values",
    "singling_out_univariate",
    "singling_out_multivariate",
    "inference",
    "linkability",
    "membership",
    "membership_surest",
]

#: A risk below this is not called a leak, however sure it is: a model of the population has a little of it too.
_FLOORS: dict[Attack, float] = {
    "copied_rows": 0.0005,
    "near_matches": 0.002,
    "own_values": 0.01,
    "singling_out_univariate": 0.02,
    "singling_out_multivariate": 0.02,
    "inference": 0.03,
    "linkability": 0.02,
    "membership": 0.05,
    "membership_surest": 0.005,
}
_CLOSER = 0.03

#: What a copy with every row changed a little has, and no model: nearly every fitted person is told from others.
_COPIED_AREA = 0.9
_COPIED_SHARE = 0.1

_SAYS: dict[Attack, str] = {
    "copied_rows": "{risk} of its rows are rows of people who were learned from, beyond what chance explains",
    "near_matches": "{risk} of its rows lie suspiciously near to rows that were learned from",
    "own_values": "values of {column} that one person alone has were carried over ({risk})",
    "singling_out_univariate": "guesses on one column single out people who were learned from ({risk})",
    "singling_out_multivariate": "guesses on several columns single out people who were learned from ({risk})",
    "inference": "{column} of people who were learned from can be guessed from their other columns ({risk})",
    "linkability": "two halves of what is known of a person can be linked ({risk})",
    "membership": "its distance tells who was learned from ({risk})",
    "membership_surest": "of some people it is plain that they were learned from ({risk})",
}
_NOT_TESTED = (
    "Attackers with a model of their own, with the generator's inner state or with many versions made from the same "
    "table were not tried.",
    "Values inside longer texts were not looked at.",
    "A person is taken to be a row: what several rows of one person tell together was not tried.",
    "The attacks are empirical: they show leaks, they do not prove that there are none.",
)


@dataclass(frozen=True)
class _Asked:
    """What attackers want to know, what anybody may know, and whose values these are."""

    secrets: tuple[str, ...]
    public: tuple[str, ...]
    everybody: Everybody


@dataclass(frozen=True)
class _Measured:
    """What all attacks found with one table in the place of the made one."""

    copies: Copies
    memorised: list[Memorised]
    closest: Closest
    membership: Membership
    targets: tuple[int, int]
    risks: dict[tuple[Attack, str | None], Risk]


@dataclass(frozen=True)
class _Leak:
    """Something that a made table should not have; ``column`` holds values that fewer than ten people hold.

    ``refused`` says that it is no chance and breaks what is promised: then the table must not be published.
    """

    sentence: str
    column: str | None = None
    refused: bool = False


def judge_privacy(
    fitted: Frame,
    holdout: Frame,
    made: Frame,
    *,
    secrets: Sequence[str] = (),
    public: Sequence[str] = (),
    everybody: Everybody | None = None,
    yardsticks: bool = True,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Attack the made table and say how private it is; the package's docstring documents what is returned.

    ``secrets`` are the columns that inference tries to guess, some that the data chooses if none is named; levels of
    ``public`` columns may be known to anybody, such as a public list of codes. ``everybody`` is the table that was
    learned from where ``fitted`` is a sample of it: whether ten people hold a value is counted there, by rows where
    nothing else is said. Without ``yardsticks`` the findings are the same, and stand beside nothing.
    """
    if min(fitted.rows, holdout.rows, made.rows) < _FEWEST or not fitted.columns:
        return _unmeasured(copies(fitted, holdout, made) if fitted.columns and fitted.rows and made.rows else None)
    guessed = _guessed(fitted, secrets)
    fitted, holdout, made = (_shuffled(one, rng) for one in (fitted, holdout, made))
    asked = _Asked(guessed, tuple(public), everybody or Everybody(fitted))
    main = _measure(fitted, holdout, made, asked, references=REFERENCES, rng=rng)
    beside = {
        name: _measure(fitted, control, stand, asked, references=_YARDSTICK_ROWS, rng=rng)
        for name, (stand, control) in (_stands(fitted, holdout, rng) if yardsticks else {}).items()
    }
    leaks, few = list(_leaks(main)), list(_values_of_few(main.memorised))
    level = _level(main, leaks, few)
    return {
        "closest": _closest_json(main, beside),
        "copies": {
            "share": _figure(main.copies.share, {name: one.copies.share for name, one in beside.items()}).as_json(),
            "surplus": _figure(
                main.copies.surplus, {name: one.copies.surplus for name, one in beside.items()}
            ).as_json(),
        },
        "memorised": {**_memorised_json(main, beside), "columns": sorted({str(one.column) for one in few})},
        "membership_area": _figure(
            main.membership.auc, {name: one.membership.auc for name, one in beside.items()}
        ).as_json(),
        "attacks": [_attack_json(attack, column, main, beside) for attack, column in main.risks],
        "level": level,
        "findings": [leak.sentence for leak in (*leaks, *few)],
        "verdict": _verdict(level, leaks, few),
        "refused": _refused(level, [leak for leak in (*leaks, *few) if leak.refused]),
        "not_tested": [*_untried(fitted, guessed, holdout), *_NOT_TESTED],
    }


def _stands(fitted: Frame, holdout: Frame, rng: np.random.Generator) -> dict[Yardstick, tuple[Frame, Frame]]:
    """What stands in for the made table, and who is withheld: half of the hold-out stands in, the other is withheld."""
    half = holdout.rows // 2
    return {
        "holdout": (_first(holdout, half), holdout.take(np.arange(half, holdout.rows))),
        "copy": (fitted, holdout),
        "independent": (_independent(fitted, rng), holdout),
    }


_REMEDY = "Learn with fewer details, or from more people."
_REFUSED = (
    "The made table is a copy of the rows that were learned from, or nearly one. It must not be published. " + _REMEDY
)


def _measure(
    fitted: Frame, holdout: Frame, made: Frame, asked: _Asked, *, references: int, rng: np.random.Generator
) -> _Measured:
    """Run all attacks. The tables are in random order, so that their first rows are a sample of them."""
    space = Space(fitted)
    copied = copies(fitted, holdout, made)
    held = memorised(fitted, holdout, made, everybody=asked.everybody, public=asked.public)
    equal = min(fitted.rows, holdout.rows, references)
    near = closest(
        space.place(_first(fitted, equal)), space.place(_first(holdout, equal)), space.place(_first(made, QUERIES))
    )
    few = min(fitted.rows, holdout.rows, made.rows, ATTACKS)
    heads = [_first(one, few) for one in (fitted, holdout, made)]
    members, strangers = _first(fitted, ATTACKS), _first(holdout, ATTACKS)
    aimed = aim(members, strangers, _first(made, references), space, secrets=asked.secrets)
    risks: dict[tuple[Attack, str | None], Risk] = {
        ("copied_rows", None): copied.own,
        ("near_matches", None): near.near,
        ("singling_out_univariate", None): univariate(*heads, attacks=ATTACKS, rng=rng),
        ("singling_out_multivariate", None): multivariate(*heads, attacks=ATTACKS, rng=rng),
        ("membership", None): aimed.membership.half,
        ("membership_surest", None): aimed.membership.surest,
    }
    if aimed.linkability is not None:
        risks["linkability", None] = aimed.linkability
    risks |= {("inference", column): one for column, one in aimed.inference.items()}
    risks |= {("own_values", one.column): one.own for one in held if one.own is not None and _enough(one.own)}
    return _Measured(copied, held, near, aimed.membership, (members.rows, strangers.rows), risks)


def _leaks(found: _Measured) -> Iterator[_Leak]:
    """Yield what is beyond chance and matters. The chance of a false alarm is shared among all tests."""
    allowed = FALSE_ALARMS / (len(found.risks) + 1)
    share = found.closest.share
    if found.closest.chance < allowed and share > 0.5 + _CLOSER:
        yield _Leak(f"{_percent(share)} of its rows lie nearer to rows learned from than to rows withheld")
    for (attack, column), risk in found.risks.items():
        of_rows = attack == "copied_rows"
        size, chance = (found.copies.surplus, found.copies.chance) if of_rows else (risk.value, risk.chance)
        if chance < allowed and size > _FLOORS[attack]:
            yield _Leak(_SAYS[attack].format(column=column, risk=_percent(size)), refused=of_rows)


def _values_of_few(found: list[Memorised]) -> Iterator[_Leak]:
    """Yield what breaks the rule that no value stands in a made table that fewer than ten people hold.

    An extreme may coincide; all of them together must be less likely than a false alarm may be.
    """
    held = f"that fewer than {PEOPLE} people hold"
    are_extremes = float(np.prod([one.chance for one in found])) < FALSE_ALARMS
    for one in found:
        if one.rare_levels:
            yield _Leak(f"{_count(one.rare_levels, 'value')} of {one.column} {held}", one.column, one.carried)
        if one.repeated:
            said = f"{_count(one.repeated, 'number')} of {one.column} {held}, often repeated"
            yield _Leak(said, one.column, one.carried)
        if one.extremes and are_extremes:
            yield _Leak(f"the largest or smallest {one.column}, {held}", one.column, refused=True)


def _level(found: _Measured, leaks: Sequence[_Leak], few: Sequence[_Leak]) -> Level:
    if not leaks:
        return "few_people" if few else "holdout"
    copied = found.copies.chance < FALSE_ALARMS and found.copies.surplus >= _COPIED_SHARE
    area = found.membership.auc
    told = area >= _COPIED_AREA and auc_chance(area, *found.targets) < FALSE_ALARMS
    return "copy" if copied or told else "leaks"


def _refused(level: Level, leaks: Sequence[_Leak]) -> str | None:
    if level == "copy":
        return _REFUSED
    if not leaks:
        return None
    return f"The made table must not be published, because of {'; '.join(leak.sentence for leak in leaks)}. {_REMEDY}"


def _verdict(level: Level, leaks: Sequence[_Leak], few: Sequence[_Leak]) -> str:
    said = "; ".join(leak.sentence for leak in leaks)
    first = {
        "holdout": "As private as the hold-out: no attack learned more of the people learned from than of strangers.",
        "few_people": "No attack learned more of the people learned from than of strangers.",
        "leaks": f"Leaks: {said}.",
        "copy": f"A copy: {said}.",
    }[level]
    return f"{first} It holds {'; '.join(leak.sentence for leak in few)}." if few else first


def _unmeasured(found: Copies | None) -> dict[str, Any]:
    """Of too few rows nothing is told but that they are copies: rows of the source never coincide as often."""
    copied = found is not None and found.twins.chance < FALSE_ALARMS and found.twins.value > _FLOORS["copied_rows"]
    why = f"Privacy was not measured: it takes {_FEWEST} rows learned from, withheld and made, and a column to compare."
    return {
        "closest": None,
        "copies": None,
        "memorised": None,
        "membership_area": None,
        "attacks": [],
        "level": "unmeasured",
        "findings": [],
        "verdict": why,
        "refused": _REFUSED if copied else None,
        "not_tested": [why],
    }


def _closest_json(main: _Measured, beside: dict[Yardstick, _Measured]) -> dict[str, Any]:
    shares = {name: one.closest.share for name, one in beside.items()}
    return {
        "share": Figure(main.closest.share, main.closest.interval, shares).as_json(),
        "distance": _figure(
            main.closest.distance, {name: one.closest.distance for name, one in beside.items()}
        ).as_json(),
    }


def _memorised_json(main: _Measured, beside: dict[Yardstick, _Measured]) -> dict[str, Any]:
    def counts(found: _Measured) -> dict[str, int]:
        return {
            "rare_levels": sum(one.rare_levels for one in found.memorised),
            "repeated": sum(one.repeated for one in found.memorised),
            "extremes": sum(one.extremes for one in found.memorised),
        }

    others = {name: counts(one) for name, one in beside.items()}
    return {
        what: _figure(value, {name: one[what] for name, one in others.items()}).as_json()
        for what, value in counts(main).items()
    }


def _attack_json(
    attack: Attack, column: str | None, main: _Measured, beside: dict[Yardstick, _Measured]
) -> dict[str, Any]:
    found = main.risks[attack, column]
    values = {name: one.risks[attack, column].value for name, one in beside.items() if (attack, column) in one.risks}
    tried = min(found.attack.attacks, found.control.attacks)
    why = "" if tried >= ATTACKS else f"The tables allow {tried} attacks only."
    return {
        "attack": attack,
        "column": column,
        "attacks": {"tried": found.attack.attacks, "succeeded": found.attack.successes},
        "control": {"tried": found.control.attacks, "succeeded": found.control.successes},
        "risk": Figure(found.value, found.interval, values, why).as_json(),
        "chance": float(f"{found.chance:.3g}"),
    }


def _figure(value: float, yardsticks: dict[Yardstick, Any]) -> Figure:
    return Figure(value, None, yardsticks)


def _guessed(frame: Frame, secrets: Sequence[str]) -> tuple[str, ...]:
    """The columns that inference guesses: those named, else those that say most, measured by their distinct values."""
    if len(frame.columns) < 2:
        return ()
    if named := tuple(name for name in frame.names if name in secrets):
        return named
    distinct = {column.name: len(np.unique(column.values[:REFERENCES])) for column in frame.columns}
    chosen = sorted((name for name in frame.names if distinct[name] > 1), key=lambda name: -distinct[name])[:_SECRETS]
    return tuple(name for name in frame.names if name in chosen)


def _untried(frame: Frame, guessed: Sequence[str], holdout: Frame) -> Iterator[str]:
    left = [name for name in frame.names if name not in guessed]
    if left:
        yield f"Nobody tried to guess {', '.join(left)} from the other columns."
    if holdout.rows < ATTACKS:
        yield f"Only {holdout.rows} rows were withheld, so that attacks have as many controls and no more."


def _shuffled(frame: Frame, rng: np.random.Generator) -> Frame:
    return frame.take(rng.permutation(frame.rows))


def _independent(frame: Frame, rng: np.random.Generator) -> Frame:
    """Return the table with every column in an order of its own."""
    columns = tuple(
        Column(one.name, one.kind, one.values[rng.permutation(frame.rows)], one.levels) for one in frame.columns
    )
    return Frame(columns, frame.rows)


def _first(frame: Frame, rows: int) -> Frame:
    return frame if frame.rows <= rows else frame.take(np.arange(rows))


def _enough(risk: Risk) -> bool:
    return min(risk.attack.attacks, risk.control.attacks) >= _FEWEST_OWN


def _count(number: int, what: str) -> str:
    return f"one {what}" if number == 1 else f"{number} {what}s"


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else f"{share:.2%}"
