"""What was computed by ``make reference`` as a test reads it, and whether it was of the same tables."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.reference.inputs import inputs

EXPECTED = Path(__file__).parent / "expected"


def expected(tool: str) -> tuple[dict[str, pa.Table], Any]:
    """Return the tables that the tool was given and what it said of them.

    Raises AssertionError when the tables are no longer those that it was given.
    """
    found = json.loads((EXPECTED / f"{tool}.json").read_text())
    tables = {name: table for name, table in inputs().items() if name in found["inputs"]}
    assert {name: digest(table) for name, table in tables.items()} == found["inputs"], (
        f"The inputs of {tool} are others than those it was given. Run: make reference"
    )
    return tables, found["values"]


def digest(table: pa.Table) -> str:
    """The SHA-256 of a table's types and values."""
    told = json.dumps([str(table.schema.remove_metadata()), table.to_pylist()], default=str)
    return hashlib.sha256(told.encode()).hexdigest()
