"""YAML for programs, one line a key: its values are JSON, which is YAML too and says exactly what is text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

#: What YAML does not print, or takes for the end of a line, and JSON leaves as it is.
_UNPRINTED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def dumps(values: Mapping[str, Any]) -> str:
    """``values`` as lines ``key: value``."""
    return "".join(f"{key}: {_value(value)}\n" for key, value in values.items())


def loads(text: str) -> dict[str, Any]:
    """What ``dumps`` wrote, read back."""
    lines = text.removesuffix("\n").split("\n")
    return {key: json.loads(value) for key, _, value in (line.partition(": ") for line in lines)}


def _value(value: Any) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return _UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", written)
