"""What an upload lets a buyer choose from: where a setting names a column of the source, the columns there are.

A generator says so in its parameters' JSON Schema: a text whose ``format`` is ``column``.
"""

from __future__ import annotations

from typing import Any

from generation.runs.models import Source

_COLUMN = "column"


def offering(schema: dict[str, Any], source: Source | None) -> dict[str, Any]:
    """``schema`` in which every setting that names a column offers those of ``source``; without a source as it is."""
    tables = {} if source is None or source.facts is None else source.facts["tables"]
    names = list(dict.fromkeys(column["name"] for table in tables.values() for column in table["columns"]))
    offered: dict[str, Any] = _offering(schema, names) if names else schema
    return offered


def _offering(schema: Any, names: list[str]) -> Any:
    if isinstance(schema, list):
        return [_offering(one, names) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "string" and schema.get("format") == _COLUMN:
        return {**{word: value for word, value in schema.items() if word != "maxLength"}, "enum": names}
    return {word: _offering(value, names) for word, value in schema.items()}
