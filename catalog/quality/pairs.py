"""Pairs of columns as a page shows them: a map of all, or of the least alike, and a list of the worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.quality.figures import decimal

_MAPPED = 16
_LISTED = 8
_STEPS = (0.8, 0.9, 0.95, 0.98)

Pair = Mapping[str, Any]


@dataclass(frozen=True)
class PairCell:
    """One cell of the map of pairs: how alike the pair is, in words, and its step of colour, 1 to 5; 0 for none."""

    words: str
    step: int


@dataclass(frozen=True)
class PairMap:
    """How alike pairs of columns are: the columns that are shown, and for each its cells before the diagonal."""

    names: Sequence[str]
    rows: Sequence[tuple[str, Sequence[PairCell]]]
    left_out: int


@dataclass(frozen=True)
class PairLine:
    """A pair of columns: how alike, what withheld rows score, and how strongly the two depend on each other."""

    columns: str
    measure: str
    value: str
    holdout: str
    fitted: str
    made: str


def pair_map(names: Sequence[str], pairs: Sequence[Pair]) -> PairMap | None:
    """The map of all columns, or of those whose pairs are least alike where there are too many to show."""
    values = {frozenset(pair["columns"]): float(pair["value"]) for pair in pairs if pair["value"] is not None}
    of_column = {name: [value for columns, value in values.items() if name in columns] for name in names}
    known = [name for name in names if of_column[name]]
    if not known:
        return None
    least = sorted(known, key=lambda name: sum(of_column[name]) / len(of_column[name]))[:_MAPPED]
    shown = [name for name in known if name in least]
    rows = [
        (name, [_cell(values.get(frozenset((name, other)))) for other in shown[:place]])
        for place, name in enumerate(shown)
    ]
    return PairMap(shown, rows, len(known) - len(shown))


def least_alike(pairs: Sequence[Pair]) -> list[PairLine]:
    """The pairs that are least alike, the worst first."""
    known = [pair for pair in pairs if pair["value"] is not None]
    return [_line(pair) for pair in sorted(known, key=lambda pair: float(pair["value"]))[:_LISTED]]


def _cell(value: float | None) -> PairCell:
    if value is None:
        return PairCell("", 0)
    return PairCell(f"{value:.2f}".removeprefix("0"), 1 + sum(value >= step for step in _STEPS))


def _line(pair: Pair) -> PairLine:
    measure = "correlation" if pair["measure"].startswith("Correlation") else "contingency"
    value, holdout, fitted, made = (decimal(pair.get(name)) for name in ("value", "holdout", "fitted", "made"))
    return PairLine(" × ".join(pair["columns"]), measure, value, holdout, fitted, made)
