"""Values of cells as JSON: whole up to a size, then cut and said to be cut."""

from __future__ import annotations

import base64
import datetime
import json
import math
from decimal import Decimal
from typing import Any

#: Characters of JSON that a cell may have before it is cut.
LARGEST_CELL = 10_000


def cell(value: Any) -> tuple[Any, bool]:
    """The value as JSON, and whether it was cut; what is cut is the beginning of its text."""
    plain = json_value(value)
    if isinstance(plain, str):
        return (plain, False) if len(plain) <= LARGEST_CELL else (plain[:LARGEST_CELL], True)
    if not isinstance(plain, list | dict):
        return plain, False
    text = json.dumps(plain, ensure_ascii=False)
    return (plain, False) if len(text) <= LARGEST_CELL else (text[:LARGEST_CELL], True)


def json_value(value: Any) -> Any:
    """A JSON value that says the same: times as ISO 8601, bytes in base64, numbers that are none (NaN) as text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta():
            return value.total_seconds()
        case Decimal():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode()
        case list() | tuple():
            return [json_value(item) for item in value]
        case dict():
            return {str(key): json_value(item) for key, item in value.items()}
        case _:
            return str(value)
