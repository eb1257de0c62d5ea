"""What a buyer makes an order depend on, and a seller a version: measures of it, each with a bound it may not pass.

This is the one place that says which measures there are, and which document about a version each is read from. What was
not measured is not met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from catalog import attachments
from catalog.models import Version
from catalog.shapes import Quality, Statistics, TableStatistics
from marketplace.web.templatetags.units import percent

#: By table, the share that was measured; ``None`` where it was not.
Found = Mapping[str, float | None]
#: Which side of its bound a measure may lie on.
Side = Literal["at most", "at least"]


@dataclass(frozen=True)
class Measure:
    """A share, 0 to 1, that is measured of each table: the kind of ``document`` that has it, and how it is read there.

    ``side`` says whether a bound is the most or the least that it may be; ``judged``, that it is measured only of what
    was learnt from a source. ``read`` may raise ValidationError for a document of another shape: then nothing was
    measured.
    """

    name: str
    title: str
    hint: str
    document: str
    read: Callable[[bytes], Found]
    side: Side = "at most"
    judged: bool = False

    def broken_by(self, value: float | None, bound: float) -> bool:
        """Does ``value`` not keep ``bound``? What was not measured does not."""
        return value is None or (value > bound if self.side == "at most" else value < bound)


@dataclass(frozen=True)
class Threshold:
    """``measure`` may be up to ``bound``, a share, in every table; or must reach it, as the measure's side says."""

    measure: str
    bound: float

    def as_json(self) -> dict[str, Any]:
        """As an order holds it."""
        return {"measure": self.measure, "bound": self.bound}


@dataclass(frozen=True)
class Unmet:
    """A threshold that a table does not keep: what was measured (``None``: nothing), and what was asked."""

    measure: str
    table: str
    value: float | None
    bound: float

    @property
    def sentence(self) -> str:
        """What failed, and by how much."""
        title, side, bound = _title(self.measure), _side(self.measure), percent(self.bound)
        place = f" in table {self.table}" if self.table else ""
        if self.value is None:
            return f"{title}{place}: not measured, so it is not known to be {side} {bound}."
        off, passed = percent(abs(self.value - self.bound)), "above" if side == "at most" else "below"
        wanted = "you allow" if side == "at most" else "you ask for"
        return f"{title}{place}: {percent(self.value)}, which is {off} {passed} the {bound} that {wanted}."

    def as_json(self) -> dict[str, Any]:
        """As an order holds it."""
        return {"measure": self.measure, "table": self.table, "value": self.value, "bound": self.bound}


_measures: dict[str, Measure] = {}


def register(measure: Measure) -> Measure:
    """Let buyers choose a bound for ``measure``. Raises ValueError for a name that is taken."""
    if measure.name in _measures:
        raise ValueError(f"the measure {measure.name} is registered twice")
    _measures[measure.name] = measure
    return measure


def measures(*, judged: bool) -> tuple[Measure, ...]:
    """All measures that a buyer may choose a bound for; with ``judged`` those too that a source is needed for."""
    return tuple(measure for measure in _measures.values() if judged or not measure.judged)


def unmet(asked: Iterable[Mapping[str, Any]], version: Version) -> list[Unmet]:
    """The thresholds (as an order holds them) that ``version`` does not keep, by table.

    Not for transactions that hold locks: documents come from the object store.
    """
    kept = {attachment.kind: attachment for attachment in version.attachments.all()}
    return unmet_in(asked, version.layout, lambda kind: attachments.read(kept[kind]) if kind in kept else None)


def unmet_in(
    asked: Iterable[Mapping[str, Any]], layout: Mapping[str, Any], document: Callable[[str], bytes | None]
) -> list[Unmet]:
    """The thresholds that tables of ``layout`` do not keep; ``document`` gives what is known of them, by its kind."""
    tables = [table["name"] for table in layout["tables"]]
    broken: list[Unmet] = []
    for one in asked:
        threshold = Threshold(one["measure"], one["bound"])
        measure = _measures.get(threshold.measure)
        body = document(measure.document) if measure else None
        found: Found = _read(measure, body) if measure is not None and body is not None else {}
        values = [(table, found.get(table)) for table in tables]
        broken += [
            Unmet(threshold.measure, "" if tables == ["default"] else table, value, threshold.bound)
            for table, value in values
            if measure is None or measure.broken_by(value, threshold.bound)
        ]
    return broken


def sentences(held: Iterable[Mapping[str, Any]]) -> list[str]:
    """What an order holds as unmet, in words."""
    return [Unmet(one["measure"], one["table"], one["value"], one["bound"]).sentence for one in held]


def promises(held: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """What an order holds as thresholds: title of the measure, and the bound in words."""
    return [(_title(one["measure"]), f"{_side(one['measure'])} {percent(one['bound'])}") for one in held]


def _read(measure: Measure, body: bytes) -> Found:
    try:
        return measure.read(body)
    except ValidationError:
        return {}


def _title(name: str) -> str:
    measure = _measures.get(name)
    return name if measure is None else measure.title


def _side(name: str) -> Side:
    measure = _measures.get(name)
    return "at most" if measure is None else measure.side


def _duplicates(body: bytes) -> Found:
    tables = Statistics.model_validate_json(body).tables
    return {name: None if table.duplicates is None else table.duplicates.share for name, table in tables.items()}


def _missing(body: bytes) -> Found:
    return {name: _missing_of(table) for name, table in Statistics.model_validate_json(body).tables.items()}


def _missing_of(table: TableStatistics) -> float:
    """The share of a table's cells that hold nothing, or no number where a number belongs."""
    cells = table.rows * len(table.columns)
    return sum(column.nulls + column.nan for column in table.columns) / cells if cells else 0.0


register(
    Measure(
        "duplicates",
        "Duplicate rows",
        "Rows that repeat an earlier one in every cell, of all rows of a table.",
        "statistics",
        _duplicates,
    )
)
register(
    Measure("missing", "Missing values", "Cells without a value, of all cells of a table.", "statistics", _missing)
)


def _judged(section: Literal["likeness", "usefulness", "privacy"], *path: str) -> Callable[[bytes], Found]:
    """How the value of a figure of the quality report is read: by the place where the judge puts it."""

    def read(body: bytes) -> Found:
        tables = Quality.model_validate_json(body).tables
        return {name: _value(getattr(table, section), path) for name, table in tables.items()}

    return read


def _value(section: Any, path: Iterable[str]) -> float | None:
    for step in (*path, "value"):
        section = section.get(step) if isinstance(section, Mapping) else None
    return None if section is None else float(section)


_REPORT = "quality"

register(
    Measure(
        "likeness",
        "Likeness",
        "How alike columns and pairs are to the table learnt from, overall; withheld rows come to about 98 %.",
        _REPORT,
        _judged("likeness", "overall"),
        side="at least",
        judged=True,
    )
)
register(
    Measure(
        "detection",
        "Detection",
        "How well a model tells made rows from those learnt from: 50 % is guessing.",
        _REPORT,
        _judged("likeness", "detection", "boosted", "fitted"),
        judged=True,
    )
)
register(
    Measure(
        "usefulness",
        "Usefulness",
        "What a model reaches on withheld rows that learnt from made ones, of what it reaches with real ones.",
        _REPORT,
        _judged("usefulness", "ratio"),
        side="at least",
        judged=True,
    )
)
register(
    Measure(
        "closeness",
        "Nearer to a learnt row",
        "Made rows that lie nearer to a row learnt from than to a withheld one: 50 % is even, and as it should be.",
        _REPORT,
        _judged("privacy", "closest", "share"),
        judged=True,
    )
)
register(
    Measure(
        "copies",
        "Exact matches",
        "Made rows that equal a row learnt from. Narrow tables have some by chance, as withheld rows have.",
        _REPORT,
        _judged("privacy", "copies", "share"),
        judged=True,
    )
)
