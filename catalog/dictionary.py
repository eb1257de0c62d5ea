"""The data dictionary of a version: each column of each table, what it is, and what was counted of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from catalog.models import Version

_TEXT = ("table", "column", "type", "description", "role", "unit", "media")
_COUNTED = ("nulls", "distinct", "distinct_exact", "minimum", "median", "mean", "maximum")
_FIELDS = (*_TEXT, "nullable", "key", "refers_to", *_COUNTED)
#: What spreadsheets take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def entries(version: Version, statistics: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """One entry a column, in the order of the files; what was not counted is ``None``."""
    return [
        _entry(table, column, _counted(statistics, table["name"], column["name"]))
        for table in version.layout["tables"]
        for column in table["schema"]
    ]


def document(version: Version, statistics: Mapping[str, Any] | None) -> dict[str, Any]:
    """The dictionary as JSON."""
    return {
        "dataset": str(version.dataset),
        "version": version.number,
        "manifest_sha256": version.digest,
        "columns": entries(version, statistics),
    }


def as_csv(version: Version, statistics: Mapping[str, Any] | None) -> str:
    """The dictionary as CSV, that no spreadsheet takes a description of for a formula."""
    target = io.StringIO()
    writer = csv.DictWriter(target, _FIELDS, lineterminator="\r\n")
    writer.writeheader()
    for entry in entries(version, statistics):
        writer.writerow({name: _cell(name, value) for name, value in entry.items()})
    return target.getvalue()


def _entry(table: Mapping[str, Any], column: Mapping[str, Any], counted: Mapping[str, Any]) -> dict[str, Any]:
    refers = (table.get("references") or {}).get(column["name"])
    distinct = counted.get("distinct") or {}
    quantiles = dict((counted.get("quantiles") or {}).get("at", []))
    return {
        "table": table["name"],
        "column": column["name"],
        "type": column["type"],
        "description": column.get("description") or "",
        "role": column.get("role") or "",
        "unit": column.get("unit") or "",
        "media": column.get("media") or "",
        "nullable": column["nullable"],
        "key": column["name"] in table.get("key", []),
        "refers_to": ".".join(refers) if refers else "",
        "nulls": counted.get("nulls"),
        "distinct": distinct.get("value"),
        "distinct_exact": distinct.get("exact"),
        "minimum": counted.get("minimum"),
        "median": quantiles.get(0.5),
        "mean": counted.get("mean"),
        "maximum": counted.get("maximum"),
    }


def _counted(statistics: Mapping[str, Any] | None, table: str, name: str) -> Mapping[str, Any]:
    columns = (statistics or {}).get("tables", {}).get(table, {}).get("columns", [])
    return next((column for column in columns if column["name"] == name), {})


def _cell(name: str, value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}" if name in _TEXT and str(value).startswith(_FORMULA) else value
