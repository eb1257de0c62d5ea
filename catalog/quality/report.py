"""The report of each table as a page shows it, and the two figures that a listing does."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.quality.figures import Measured, at, known, numbers, score, share
from catalog.quality.pairs import PairLine, PairMap, least_alike, pair_map
from catalog.quality.sections import Section, sections
from catalog.shapes import Quality, TableQuality
from marketplace.web.templatetags.units import percent

_COLUMNS_SHOWN = 200
_COLUMNS_FIRST = 3
_LISTED = {
    "likeness": "1: columns and pairs are as in the table learnt from.",
    "closeness": "Half is even: nothing was memorised.",
}

Document = Mapping[str, Any]


@dataclass(frozen=True)
class TableReport:
    """What is shown of one table."""

    name: str
    rows: Mapping[str, int]
    #: Is it set beside a table that it was learnt from? Otherwise beside its answer key.
    learnt: bool
    sections: Sequence[Section]
    columns: Sequence[Measured]
    more_columns: Sequence[Measured]
    columns_left_out: int
    pairs: PairMap | None
    worst_pairs: Sequence[PairLine]
    not_compared: Sequence[str]
    rests_on: Sequence[Mapping[str, str]]
    not_tested: Sequence[str]


def reports(document: Document) -> list[TableReport]:
    """What is shown of each table, in the order of the document."""
    return [_report(name, table) for name, table in Quality.model_validate(document).tables.items()]


def measures(document: Document) -> dict[str, Any]:
    """The two figures that a listing shows, with their yardsticks: of several tables, those of the worst.

    ``likeness`` is the overall likeness, ``closeness`` the share of made rows nearer to a row learnt from than to a
    withheld one, of which half is even; either is left out where it was not measured.
    """
    tables = Quality.model_validate(document).tables.values()
    likeness = [found for table in tables if (found := known(at(table.likeness, "overall")))]
    closeness = [found for table in tables if (found := known(at(table.privacy, "closest", "share")))]
    worst = {
        "likeness": min(likeness, key=lambda figure: float(figure["value"]), default=None),
        "closeness": max(closeness, key=lambda figure: float(figure["value"]), default=None),
    }
    return {
        name: {"value": figure["value"], "holdout": figure["yardsticks"].get("holdout")}
        for name, figure in worst.items()
        if figure is not None
    }


def listed(kept: Mapping[str, Mapping[str, float | None]]) -> list[Measured]:
    """What a listing shows of the measures that were kept at publishing."""
    words = (("likeness", "likeness", score), ("closeness", "nearer to a learnt row", share))
    return [
        shown
        for name, title, measured in words
        if (shown := measured(_figure(kept.get(name)), title, _LISTED[name])) is not None
    ]


def _figure(kept: Mapping[str, float | None] | None) -> Mapping[str, Any] | None:
    """A figure as the document had it."""
    if kept is None:
        return None
    return {"value": kept["value"], "interval": None, "yardsticks": {"holdout": kept["holdout"]}, "why": ""}


def _report(name: str, table: TableQuality) -> TableReport:
    columns, pairs = (at(table.likeness, part) or [] for part in ("columns", "pairs"))
    worst = sorted(columns, key=lambda column: (column["shape"]["value"] is None, column["shape"]["value"] or 0))
    shown = list(_columns(worst[:_COLUMNS_SHOWN]))
    return TableReport(
        name=name,
        rows=table.rows.model_dump(),
        learnt=table.answer_key is None,
        sections=sections(table),
        columns=shown[:_COLUMNS_FIRST],
        more_columns=shown[_COLUMNS_FIRST:],
        columns_left_out=max(0, len(worst) - _COLUMNS_SHOWN),
        pairs=pair_map([column["name"] for column in columns], pairs),
        worst_pairs=least_alike(pairs),
        not_compared=table.left_out,
        rests_on=table.rests_on,
        not_tested=table.not_tested,
    )


def _columns(columns: Sequence[Mapping[str, Any]]) -> Iterator[Measured]:
    """Columns on one scale, so that they compare; its low end is written."""
    shapes = [_beside_holdout(column["shape"]) for column in columns]
    drawn = [value for shape in shapes for value in numbers(shape)]
    low = min(0.9, math.floor(min(drawn, default=1.0) * 10) / 10)
    for column, shape in zip(columns, shapes, strict=True):
        measured = score(shape, column["name"], _column_words(column), low=low, mono=True)
        if measured:
            yield measured


def _beside_holdout(shape: Mapping[str, Any]) -> Mapping[str, Any]:
    """A column's shape beside withheld rows only: that of a copy, and of the same values in another order, is 1."""
    return {**shape, "yardsticks": {"holdout": shape["yardsticks"].get("holdout")}}


def _column_words(column: Mapping[str, Any]) -> str:
    missing = column.get("missing", {})
    said = []
    if missing.get("fitted") or missing.get("made"):
        said.append(
            f"Empty: {percent(missing['made'])} of cells, {percent(missing['fitted'])} in the table learnt from."
        )
    covered = at(column, "covered", "value")
    if covered is not None and covered < 1:
        said.append(f"Its range covers {percent(covered)} of the rows learnt from.")
    return " ".join(said)
