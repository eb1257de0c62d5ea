"""What pages show of a report on drift (``lookalike/drift/1``): what moved, by how much, both distributions overlaid.

What stands in it is said where it is computed, in ``generation.quality.judge.drift.reports``. Pages are drawn from it
and never from rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, Literal

from catalog import attachments, licensing
from catalog.models import Attachment, Version
from catalog.quality.figures import Measured, decimal, score
from catalog.shapes import ColumnDrift, Drifted, DriftPlot, TableDrift
from marketplace.accounts.models import Account
from marketplace.web.plots import Categories, Histogram, Plot
from marketplace.web.templatetags.units import percent, thousands

#: The kind of document that compares a version with the one before.
KIND: Final = "drift"
_COLUMNS_SHOWN = 200
_DAY = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOVED = {
    "much": "moved much",
    "little": "moved a little",
    "hardly": "hardly moved",
    "no": "no more than chance",
}
_QUESTIONS = (("columns", "Columns"), ("together", "Both together"), ("model", "A model"))
_MODEL = (
    ("here", "Error on rows like those it learnt from"),
    ("expected", "Error to be expected there, by its inputs"),
    ("there", "Error found there"),
)

#: Which side was made here: it is drawn solid, the other one hollow.
Side = Literal["before", "after"]


@dataclass(frozen=True)
class Moved:
    """A column: in words how far it moved, by its figures; ``much`` if that is a lot."""

    name: str
    words: str
    much: bool
    index: str
    distance: str
    transport: str
    missing: str
    chance: str


@dataclass(frozen=True)
class Overlaid:
    """Both distributions of a column, and in words how far it moved."""

    name: str
    words: str
    plot: Plot


@dataclass(frozen=True)
class TableMoved:
    """What is shown of one table. ``verdicts`` are a title and a sentence each."""

    name: str
    rows: Mapping[str, int]
    verdicts: Sequence[tuple[str, str]]
    columns: Sequence[Moved]
    columns_left_out: int
    plots: Sequence[Overlaid]
    figures: Sequence[Measured]
    only_before: Sequence[str]
    only_after: Sequence[str]
    not_compared: Sequence[str]


def shown(document: Mapping[str, Any], *, solid: Side) -> list[TableMoved]:
    """What is shown of each table of a report; the side ``solid`` was made here."""
    return [_table(name, table, solid) for name, table in Drifted.model_validate(document).tables.items()]


def of_version(account: Account | None, version: Version) -> dict[str, Any] | None:
    """How ``version`` moved from the one before; ``None`` where it is not known, or not for ``account`` to know."""
    found = Attachment.objects.filter(version=version, kind=KIND).first()
    if found is None:
        return None
    document: dict[str, Any] = attachments.load(found)
    return document if may_look_at_both(account, version, document) else None


def may_look_at_both(account: Account | None, version: Version, document: Mapping[str, Any]) -> bool:
    """May ``account`` look at the version, too, that a document compares ``version`` with?"""
    against = version.dataset.versions.readable().filter(digest=document["against"]["digest"])
    before = against.select_related("shelf", "dataset__account").first()
    return before is not None and licensing.may_look(account, before)


def _table(name: str, table: TableDrift, solid: Side) -> TableMoved:
    by_name = {column.column: column for column in table.columns}
    return TableMoved(
        name=name,
        rows=table.rows.model_dump(),
        verdicts=[(title, table.verdict[part]) for part, title in _QUESTIONS if part in table.verdict],
        columns=[_moved(column, table) for column in table.columns[:_COLUMNS_SHOWN]],
        columns_left_out=max(0, len(table.columns) - _COLUMNS_SHOWN),
        plots=[
            Overlaid(plot.column, _MOVED[by_name[plot.column].moved], drawn)
            for plot in table.plots
            if plot.column in by_name and (drawn := _plot(plot, _known(by_name[plot.column], table, solid), solid))
        ],
        figures=_figures(table),
        only_before=table.only.before,
        only_after=table.only.after,
        not_compared=table.not_compared,
    )


def _known(column: ColumnDrift, table: TableDrift, solid: Side) -> int:
    """How many rows of the side that was made here have a value."""
    rows, missing = table.rows.model_dump(), column.missing.model_dump()
    return max(0, int(rows[solid]) - int(missing[solid]))


def _moved(column: ColumnDrift, table: TableDrift) -> Moved:
    missing = [
        percent(count / max(rows, 1))
        for count, rows in ((column.missing.before, table.rows.before), (column.missing.after, table.rows.after))
    ]
    return Moved(
        name=column.column,
        words=_MOVED[column.moved],
        much=column.moved == "much",
        index=decimal(column.index),
        distance=decimal(column.distance),
        transport="" if column.transport is None else decimal(column.transport),
        missing=missing[0] if missing[0] == missing[1] else f"{missing[0]} → {missing[1]}",
        chance="under 0.001" if column.chance < 0.001 else decimal(column.chance),
    )


def _figures(table: TableDrift) -> list[Measured]:
    """How well both are told apart, and the errors of a model."""
    meaning = "Area under the curve of boosted trees that tell rows of the two apart. 0.5: they can but guess."
    figures = [score(table.together, "Told apart", meaning, low=0.4)]
    model = table.model or {}
    for member, title in _MODEL:
        if found := model.get(member):
            bounds = " to ".join(decimal(bound) for bound in found["interval"] or ())
            figures.append(Measured(title, decimal(found["value"]), bounds, f"{model['error'].capitalize()}."))
    return [one for one in figures if one is not None]


def _plot(found: DriftPlot, rows: int, solid: Side) -> Plot | None:
    """Both sides drawn; ``rows`` are those of the side ``solid``."""
    shares, reference = (found.before, found.after) if solid == "before" else (found.after, found.before)
    made = [round(share * rows) for share in shares]
    if found.levels is not None:
        return Categories(list(zip(found.levels, made, strict=True)), reference, other=max(0, rows - sum(made)))
    edges = found.edges or []
    words = [_place(edge, found.kind, edges) for edge in edges]
    if found.open:
        inner = [f"{low} to {high}" for low, high in pairwise(words)]
        names = [f"up to {words[0]}", *inner, f"above {words[-1]}"]
        return Categories(list(zip(names, made, strict=True)), reference)
    if any(low >= high for low, high in pairwise(edges)):
        return None
    return Histogram(edges, made, reference, low=f"up to {words[0]}", high=f"above {words[-1]}")


def _place(edge: float, kind: str, edges: Sequence[float]) -> str:
    """An edge as people write it; seconds within one day are a time of day."""
    if kind != "time":
        return thousands(float(f"{edge:.4g}"))
    try:
        moment = _EPOCH + timedelta(seconds=round(edge))
    except OverflowError:
        return thousands(edge)
    if min(edges) >= 0 and max(edges) <= _DAY:
        return f"{moment:%H:%M}"
    return f"{moment:%Y-%m-%d}" if max(edges) - min(edges) > 2 * _DAY else f"{moment:%Y-%m-%d %H:%M}"
