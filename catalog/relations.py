"""How the tables of a version refer to each other, as a drawing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ROW = 22
_HEAD = 30
_GAP = 14


@dataclass(frozen=True)
class Box:
    """A table: its name, the columns that take part, and where it stands; ``right`` is referred to."""

    name: str
    columns: list[tuple[str, int]]
    top: int
    height: int
    right: bool


@dataclass(frozen=True)
class Line:
    """A reference, from the height of a column on the left to that of one on the right; and in words."""

    start: int
    end: int
    words: str


@dataclass(frozen=True)
class Drawing:
    """Tables that refer on the left, those that are referred to on the right."""

    boxes: list[Box]
    lines: list[Line]
    height: int


def drawing(layout: Mapping[str, Any]) -> Drawing | None:
    """The relations of a layout; ``None`` where no table refers to another."""
    references = [
        (table["name"], column, target, target_column)
        for table in layout["tables"]
        for column, (target, target_column) in (table.get("references") or {}).items()
    ]
    if not references:
        return None
    left: dict[str, list[str]] = {}
    right: dict[str, list[str]] = {}
    for table, column, target, target_column in references:
        left.setdefault(table, []).append(column)
        known = right.setdefault(target, [])
        if target_column not in known:
            known.append(target_column)
    boxes = _stacked(left, right=False) + _stacked(right, right=True)
    at = {(box.right, box.name, column): y for box in boxes for column, y in box.columns}
    lines = [
        Line(at[False, table, column], at[True, target, to], f"{table}.{column} refers to {target}.{to}")
        for table, column, target, to in references
    ]
    return Drawing(boxes, lines, max(box.top + box.height for box in boxes) + 2)


def _stacked(tables: Mapping[str, list[str]], *, right: bool) -> list[Box]:
    boxes: list[Box] = []
    top = 1
    for name, columns in tables.items():
        placed = [(column, top + _HEAD + place * _ROW + _ROW // 2) for place, column in enumerate(columns)]
        boxes.append(Box(name, placed, top, _HEAD + len(columns) * _ROW + 6, right))
        top += boxes[-1].height + _GAP
    return boxes
