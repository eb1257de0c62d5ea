"""What parsing said of a source, read back into the sdk's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from generation.sdk import SourceFacts, TableFacts

_ZONED = re.compile(r"timestamp\[(s|ms|us|ns), tz=(.+)\]")
_DECIMAL = re.compile(r"decimal128\((\d+), (\d+)\)")


def facts_from_json(value: Mapping[str, Any]) -> SourceFacts:
    """Return the facts of the rows that fitting may see: those held out are counted apart.

    ``value`` is the answer of ``generation.runner.parse``. Raises ``ValueError`` for a type that sources do not have.
    """
    tables = {
        name: TableFacts(
            pa.schema([_field(column) for column in table["columns"]]),
            table["rows"] - table.get("holdout_rows", 0),
            formulas(table),
            table.get("holdout_rows", 0),
        )
        for name, table in value["tables"].items()
    }
    return SourceFacts(tables, value["bytes"])


def formulas(table: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the formulas of the relations that parsing found, ``None`` if it did not look for any."""
    found = table.get("relations")
    return None if found is None else tuple(one["formula"] for one in found)


def _field(column: Mapping[str, Any]) -> pa.Field:
    metadata = {key: str(value) for key, value in column.items() if key not in ("name", "type") and value is not None}
    return pa.field(column["name"], _type(column["type"]), metadata=metadata)


def _type(text: str) -> pa.DataType:
    if zoned := _ZONED.fullmatch(text):
        return pa.timestamp(zoned[1], tz=zoned[2])
    if decimal := _DECIMAL.fullmatch(text):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    return pa.type_for_alias(text)
