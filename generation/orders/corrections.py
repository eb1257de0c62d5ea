"""What was understood of an upload, column by column, and what its owner corrects: what a column is, and its unit.

A generator that takes corrections says so in its parameters' JSON Schema: a list whose ``format`` is ``corrections``,
of objects with ``column``, ``made`` and ``unit``. They are made in the table of what was understood, not as a setting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from generation.runs.models import Source
from marketplace.web.problems import Fault
from marketplace.web.schema_faults import faults

_FORMAT = "corrections"
_MOST_LINES = 200  # of wider tables the form would be longer than anybody reads


@dataclass(frozen=True)
class Line:
    """One column: what was understood of it, and what was said instead; the names of the two controls."""

    name: str
    kind: str
    type: str
    missing: float
    distinct: int
    made_control: str
    unit_control: str
    made: str
    unit: str

    @property
    def different(self) -> str:
        """How many different values there are, no finer than is known of an upload: ``10 to 99``."""
        return f"{self.distinct:,} to {10 * self.distinct - 1:,}" if self.distinct else "none"


@dataclass(frozen=True)
class Corrections:
    """The columns of a source with what was said of them. ``parameter`` is empty where nothing may be said."""

    parameter: str
    schema: Mapping[str, Any]
    lines: tuple[Line, ...]
    choices: tuple[str, ...] = ()

    @property
    def rest(self) -> dict[str, Any]:
        """The schema of all other settings."""
        properties = {name: one for name, one in self.schema["properties"].items() if name != self.parameter}
        return {**self.schema, "properties": properties}

    @property
    def value(self) -> dict[str, Any]:
        """What was said, as the generator's parameter."""
        if not self.parameter:
            return {}
        said = [line for line in self.lines if line.made or line.unit]
        return {
            self.parameter: [{"column": one.name, "made": one.made or None, "unit": one.unit} for one in said],
        }

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Everything that is wrong with what was said."""
        if not self.parameter:
            return ()
        only = {self.parameter: self.schema["properties"][self.parameter]}
        value = self.value
        found = faults({**self.schema, "properties": only, "required": []}, value)
        return tuple(replace(fault, field=_named(fault.field, value[self.parameter])) for fault in found)


def corrections(
    schema: Mapping[str, Any],
    source: Source | None,
    sent: Mapping[str, str] | None,
    said: Mapping[str, Any] | None = None,
) -> Corrections:
    """What was understood of ``source`` and, where the settings of ``schema`` take that, what was ``sent`` of it.

    Where nothing was sent yet, it is what earlier parameters ``said``.
    """
    tables = {} if source is None or source.facts is None else source.facts["tables"]
    columns = [column for table in tables.values() for column in table["columns"]]
    parameter = next((name for name, one in schema["properties"].items() if one.get("format") == _FORMAT), "")
    if parameter and not 0 < len(columns) <= _MOST_LINES:
        parameter = ""
    earlier = {one["column"]: one for one in (said or {}).get(parameter, ())} if sent is None else {}
    lines = tuple(_line(number, column, sent or {}, earlier) for number, column in enumerate(columns))
    return Corrections(parameter, schema, lines, _choices(schema) if parameter else ())


def _named(field: str, said: Sequence[Mapping[str, Any]]) -> str:
    """The field of a fault by its column: ``salary, unit`` for ``columns.3.unit``."""
    steps = field.split(".")
    if len(steps) < 2 or not steps[1].isdecimal():
        return field
    return ", ".join([said[int(steps[1])]["column"], *steps[2:]])


def _line(
    number: int, column: Mapping[str, Any], sent: Mapping[str, str], earlier: Mapping[str, Mapping[str, Any]]
) -> Line:
    said = earlier.get(column["name"], {})
    made, unit = f"column-{number}-made", f"column-{number}-unit"
    return Line(
        name=column["name"],
        kind=column["kind"],
        type=column["type"],
        missing=column["missing"],
        distinct=column["distinct"],
        made_control=made,
        unit_control=unit,
        made=sent.get(made, said.get("made") or ""),
        unit=sent.get(unit, said.get("unit") or "").strip(),
    )


def _choices(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """What a column may be made to be, in the words of the generator."""
    for definition in schema.get("$defs", {}).values():
        for branch in definition.get("properties", {}).get("made", {}).get("anyOf", ()):
            if "enum" in branch:
                return tuple(branch["enum"])
    return ()
