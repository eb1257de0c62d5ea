"""Coverage of rare groups: which groups of people of the real table are in the made one, and how many of each?

A group is all who share a level of a column, or of two. Looked at are single columns of up to ``LEVELS`` levels and
those that the buyer named (numbers and times cut into quarters), and pairs: of each named column with each other such
column, then of the others, ``PAIRS`` at most, drawn evenly. Only groups that ten people or more hold count, and no
other is named. ``judge_groups`` returns::

    rows       {"fitted", "made": n}     rows that were looked at
    sets       how many columns and pairs of columns were looked at
    sets_of    how many there are
    reached    figure: share of the groups that are in the made table. Yardstick "bootstrap": what as many fitted rows,
               drawn with replacement, would reach on average; "independent": independent columns
    bands      [{"from", "to": people, "groups", "reached": n, "expected": groups that chance would reach,
                 "made": rows, "asked": rows that their share of the fitted table comes to}…]   by size, rarest first
    smallest   [{"columns", "group": labels, "people", "made": n, "expected": x}…]   the rarest groups
    missing    the same, of groups that are not in the made table though ``EXPECTED`` rows or more should be of each
    thin       the same, of groups of which less than half are there that should be, beyond chance
    verdict    sentence
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from generation.quality.judge.figures import Figure
from generation.quality.judge.frames import Column, Floats, Frame, Ints
from generation.quality.judge.likeness import independent
from generation.quality.judge.privacy import PEOPLE, people_of

#: Levels of a column whose groups are looked at without its being named, at most.
LEVELS = 30
#: Pairs of columns at most.
PAIRS = 200
#: A group of which so many rows are expected is missing, and not only by chance.
EXPECTED = 5.0
#: Groups that a report names of each sort.
NAMED = 5

_BANDS = ((PEOPLE, 19), (20, 49), (50, 99), (100, 999), (1000, None))
_QUARTERS = ("lowest quarter", "second quarter", "third quarter", "highest quarter")
_SURE = 3.3  # standard deviations of a count below what is expected of it


@dataclass(frozen=True)
class Parted:
    """A column cut into parts: what each is called, and for every row which it is in; the last part is "missing"."""

    labels: tuple[str, ...]
    fitted: Ints
    made: Ints
    shuffled: Ints


@dataclass(frozen=True)
class _Group:
    """Who shares one level of each of ``columns``."""

    columns: tuple[str, ...]
    labels: tuple[str, ...]
    people: int
    made: int
    expected: float

    def as_json(self) -> dict[str, Any]:
        return {
            "columns": list(self.columns),
            "group": list(self.labels),
            "people": self.people,
            "made": self.made,
            "expected": round(self.expected, 2),
        }


def judge_groups(
    fitted: Frame,
    made: Frame,
    *,
    named: Sequence[str],
    people: Ints | None = None,
    weights: Floats | None = None,
    rng: np.random.Generator,
) -> dict[str, Any] | None:
    """Count the groups of the fitted table in the made one; None where no column has groups of ten.

    ``named`` are the columns that the buyer cares for. ``people`` says whose each fitted row is; without it a person
    is a row. ``weights`` say how often each fitted row is to count in what is expected, where other shares were asked.
    """
    weights = np.ones(fitted.rows) if weights is None else weights
    shuffled = independent(fitted, rng)
    columns = dict(_parted(fitted, made, shuffled, named))
    if not columns or not made.rows:
        return None
    chosen, of = _chosen(columns, named, rng)
    found = [_counted(names, columns, people, weights) for names in chosen]
    groups = [group for one in found for group in one.groups]
    if not groups:
        return None
    expected = np.array([group.expected for group in groups])
    there = np.array([group.made > 0 for group in groups])
    by_chance = -np.expm1(-expected)
    reached = Figure(
        float(there.mean()),
        yardsticks={
            "bootstrap": float(by_chance.mean()),
            "independent": sum(one.shuffled for one in found) / len(groups),
        },
    )
    missing = [group for group in groups if not group.made and group.expected >= EXPECTED]
    thin = [group for group in groups if group.made and _is_thin(group)]
    return {
        "rows": {"fitted": fitted.rows, "made": made.rows},
        "sets": len(chosen),
        "sets_of": of,
        "reached": reached.as_json(),
        "bands": list(_bands(groups, by_chance)),
        "smallest": _first(sorted(groups, key=lambda group: group.people)),
        "missing": _first(sorted(missing, key=lambda group: -group.expected)),
        "thin": _first(sorted(thin, key=lambda group: group.made / group.expected)),
        "verdict": _verdict(groups, int(there.sum()), float(by_chance.sum()), len(missing), len(thin)),
    }


def parts(column: Column, others: Sequence[Column], levels: int) -> tuple[tuple[str, ...], list[Ints]]:
    """Cut a column into its levels, or a number or time into quarters; return labels and the part of every row.

    The parts are those of ``column``; ``others`` are cut alike. Levels after the first ``levels`` are one part, "other
    levels"; what is missing is the last part.
    """
    if column.kind == "category":
        kept = column.levels[:levels]
        labels = (*kept, "other levels", "missing")
        codes = [np.where(one.missing, len(kept) + 1, np.minimum(one.codes(), len(kept))) for one in (column, *others)]
        return labels, codes
    known = column.values[~column.missing]
    edges: Floats = np.quantile(known, (0.25, 0.5, 0.75)) if len(known) else np.zeros(3)
    codes = [np.where(one.missing, len(_QUARTERS), np.searchsorted(edges, one.values)) for one in (column, *others)]
    return (*_QUARTERS, "missing"), codes


def _parted(fitted: Frame, made: Frame, shuffled: Frame, named: Sequence[str]) -> Iterator[tuple[str, Parted]]:
    for ours, theirs, others in zip(fitted.columns, made.columns, shuffled.columns, strict=True):
        few = ours.kind == "category" and 1 < len(ours.levels) <= LEVELS
        if ours.name in named or few:
            labels, codes = parts(ours, (theirs, others), 10 * LEVELS)
            yield ours.name, Parted(labels, *codes)


def _chosen(
    columns: dict[str, Parted], named: Sequence[str], rng: np.random.Generator
) -> tuple[list[tuple[str, ...]], int]:
    """Return the columns and pairs to look at, and how many there are."""
    pairs = list(itertools.combinations(columns, 2))
    first = [pair for pair in pairs if set(pair) & set(named)][:PAIRS]
    rest = [pair for pair in pairs if not set(pair) & set(named)]
    places = np.sort(rng.permutation(len(rest))[: PAIRS - len(first)])
    singles: list[tuple[str, ...]] = [(name,) for name in columns]
    return [*singles, *first, *(rest[place] for place in places)], len(singles) + len(pairs)


@dataclass(frozen=True)
class _Counted:
    groups: list[_Group]
    shuffled: int


def _counted(names: tuple[str, ...], columns: dict[str, Parted], people: Ints | None, weights: Floats) -> _Counted:
    """Count the groups of one column or pair that ten people hold."""
    cut = [columns[name] for name in names]
    widths = [len(one.labels) for one in cut]
    size = int(np.prod(widths))
    fitted, made, shuffled = (
        np.ravel_multi_index([getattr(one, side) for one in cut], widths) for side in ("fitted", "made", "shuffled")
    )
    ours, others = (np.bincount(codes, minlength=size) for codes in (made, shuffled))
    asked = np.bincount(fitted, weights, size) / weights.sum()
    held = people_of(fitted, size, people)
    groups = []
    for code in np.flatnonzero(held >= PEOPLE):
        labels = tuple(one.labels[place] for one, place in zip(cut, np.unravel_index(code, widths), strict=True))
        if "other levels" in labels:
            continue
        expected = float(asked[code]) * len(made)
        groups.append(_Group(names, labels, int(held[code]), int(ours[code]), expected))
    kept = np.flatnonzero(held >= PEOPLE)
    return _Counted(groups, min(int((others[kept] > 0).sum()), len(groups)))


def _is_thin(group: _Group) -> bool:
    return group.made < group.expected / 2 and group.expected - group.made > _SURE * float(np.sqrt(group.expected))


def _bands(groups: Sequence[_Group], by_chance: Floats) -> Iterator[dict[str, Any]]:
    for least, most in _BANDS:
        within = [
            place for place, one in enumerate(groups) if least <= one.people and (most is None or one.people <= most)
        ]
        if within:
            yield {
                "from": least,
                "to": most,
                "groups": len(within),
                "reached": sum(groups[place].made > 0 for place in within),
                "expected": round(float(by_chance[within].sum()), 1),
                "made": sum(groups[place].made for place in within),
                "asked": round(sum(groups[place].expected for place in within), 1),
            }


def _first(groups: Sequence[_Group]) -> list[dict[str, Any]]:
    return [group.as_json() for group in groups[:NAMED]]


def _verdict(groups: Sequence[_Group], there: int, by_chance: float, missing: int, thin: int) -> str:
    of = f"Of {len(groups):,} groups of {PEOPLE} people or more {there:,} are in what was made"
    beside = f"as many rows drawn from the real table would hold {by_chance:,.0f}"
    sentences = [f"{of}; {beside}."]
    if missing:
        sentences.append(f"{missing:,} are missing that should be there.")
    if thin:
        sentences.append(f"Of {thin:,} there are less than half as many people as should be.")
    return " ".join(sentences)
