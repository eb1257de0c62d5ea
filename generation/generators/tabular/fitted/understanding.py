"""What becomes of each column of a source, known from its facts before anything is learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from generation.generators.tabular.fitted.arrow import ArrowField, ArrowType
from generation.sdk import TableFacts

Fate = Literal["learned", "key", "empty", "dropped"]

#: Longer text that is learnt by choice: others are made up in its place.
PROSE = "prose"
_ROLES = {"key": "key", PROSE: "text", "date": "time", "datetime": "time", "time": "time"}


@dataclass(frozen=True)
class ColumnPlan:
    """One column: its Arrow type, its kind, what becomes of it, and a warning for its owner if that is not obvious.

    ``decimals`` are those of its numbers, ``None`` where unknown. ``nullable`` tells whether made values may be
    missing, ``public`` whether all levels may be named.
    """

    name: str
    type: ArrowType
    kind: str
    fate: Fate
    nullable: bool
    decimals: int | None = None
    warning: str | None = None
    public: bool = False


def understood(facts: TableFacts, include: Sequence[str] = (), identifier: str | None = None) -> list[ColumnPlan]:
    """Return the plan of each column in the source's order; with ``include``, of those columns only."""
    return [_plan(field, identifier) for field in facts.schema if not include or field.name in include]


def _plan(field: ArrowField, identifier: str | None) -> ColumnPlan:
    metadata = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    kind = metadata.get("kind") or _kind_of(field.type)
    decimals = metadata.get("decimals")
    fate, warning = _fate(field.name, kind, identifier)
    missing = float(metadata.get("missing", "1")) > 0
    return ColumnPlan(
        name=field.name,
        type=field.type,
        kind=kind,
        fate=fate,
        nullable=fate == "empty" or (fate == "learned" and (missing or identifier is not None)),
        decimals=int(decimals) if decimals is not None else None,
        warning=warning,
    )


def _fate(name: str, kind: str, identifier: str | None) -> tuple[Fate, str | None]:
    if name == identifier:
        return "key", "Tells people apart: made anew, a new person for every row."
    if kind == "key":
        return "key", "Made anew: every row gets a key that the source does not have."
    if kind == "text":
        return "dropped", "Free text, or values that hardly anybody shares: left out."
    if kind == PROSE:
        return "learned", "Free text: others are made up, of words that ten and more texts have in that order."
    if kind == "empty":
        return "empty", "Too few values to learn from: comes out empty."
    return "learned", None


def _kind_of(type_: ArrowType) -> str:
    """The kind of a column whose source says nothing but its type."""
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_date(type_):
        return "date"
    if pa.types.is_timestamp(type_):
        return "datetime"
    if pa.types.is_time(type_):
        return "time"
    return "category" if pa.types.is_string(type_) else "number"


def output_field(plan: ColumnPlan) -> ArrowField:
    """Return the Arrow field of a column that will be made."""
    description = f"Follows the source's column of the same name ({plan.kind})."
    role = "key" if plan.fate == "key" else _ROLES.get(plan.kind, "feature")
    return pa.field(plan.name, plan.type, plan.nullable, {"description": description, "role": role})
