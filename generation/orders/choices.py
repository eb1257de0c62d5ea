"""What an upload lets a buyer choose from: columns of the source, and relations that were found in it.

A generator says so in its parameters' JSON Schema: a text whose ``format`` is ``column`` or ``relation``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generation.runs.models import Source

_Choices = Mapping[str, list[str]]


def offering(schema: dict[str, Any], source: Source | None) -> dict[str, Any]:
    """``schema`` in which every setting that names a column or a relation offers those of ``source``.

    A setting whose choices there are none of is not offered. Without a source the schema is as it is.
    """
    if source is None or source.facts is None:
        return schema
    tables = source.facts["tables"].values()
    choices = {
        "column": list(dict.fromkeys(column["name"] for table in tables for column in table["columns"])),
        "relation": [relation["formula"] for table in tables for relation in table.get("relations", ())],
    }
    offered: dict[str, Any] = _offering(schema, choices)
    return offered


def _offering(schema: Any, choices: _Choices) -> Any:
    if isinstance(schema, list):
        return [_offering(one, choices) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if (found := _chosen_from(schema, choices)) is not None:
        return {**{word: value for word, value in schema.items() if word != "maxLength"}, "enum": found}
    return {
        word: _offering(value, choices)
        for word, value in schema.items()
        if not (isinstance(value, dict) and _chosen_from(value.get("items"), choices) == [])
    }


def _chosen_from(schema: Any, choices: _Choices) -> list[str] | None:
    """What a setting's value is chosen from, if it is chosen."""
    if not isinstance(schema, dict) or schema.get("type") != "string":
        return None
    return choices.get(str(schema.get("format")))
