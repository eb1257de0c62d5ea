"""What is drawn over a picture: the boxes, areas and names of its objects, as SVG; nothing is drawn that is not told.

A column holds objects when it is a list of records with a ``category`` and a ``bbox`` of x, y, width and height in
pixels. A ``segmentation`` of uncompressed COCO run lengths (column by column, the first run outside) gives the area.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SIDES = 4
_KINDS = 5
_NAME_SHOWN = 40
_SHOWN_APART = frozenset({"category", "bbox", "segmentation"})


@dataclass(frozen=True)
class Drawn:
    """An object: its class and the class's colour (1 to 5, 0 beyond), its box, and the path of its area."""

    name: str
    kind: int
    box: tuple[float, float, float, float]
    area: str
    attributes: Sequence[tuple[str, Any]]

    @property
    def text_y(self) -> float:
        """Where its name stands: above the box, or in it at the upper edge of the picture."""
        return self.box[1] - 4 if self.box[1] > 16 else self.box[1] + 16


@dataclass(frozen=True)
class Size:
    """Width and height of a picture in pixels."""

    width: int
    height: int


def objects_column(columns: Iterable[Mapping[str, Any]]) -> str:
    """The name of the column that holds the objects of a picture; empty if none does."""
    for column in columns:
        type_ = column["type"]
        if type_.startswith(("list<", "large_list<")) and "category: " in type_ and "bbox: " in type_:
            return str(column["name"])
    return ""


def drawn(objects: Any, size: Size | None, classes: Sequence[str]) -> list[Drawn]:
    """The objects of a row, those of a shape that can be drawn; ``classes`` in their order give the colours."""
    if not isinstance(objects, list):
        return []
    return [found for each in objects if (found := _drawn(each, size, classes)) is not None]


def classes_of(statistics: Mapping[str, Any] | None, column: str) -> list[str]:
    """The classes of all objects of a configuration, the most frequent first, as they were counted."""
    for counted in (statistics or {}).get("columns", []):
        if counted["name"] == column:
            values = _part(_part(counted, "element"), "category").get("values") or []
            return [str(one["value"]) for one in values]
    return []


def size_of(statistics: Mapping[str, Any] | None, column: str) -> Size | None:
    """Width and height of the pictures of a column, if all have the same."""
    for counted in (statistics or {}).get("columns", []):
        if counted["name"] == column:
            width, height = _part(counted, "width"), _part(counted, "height")
            if width and all(part.get("minimum") == part.get("maximum") for part in (width, height)):
                return Size(int(width["minimum"]), int(height["minimum"]))
    return None


def _part(counted: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next((part for part in counted.get("parts", []) if part["name"] == name), {})


def _drawn(found: Any, size: Size | None, classes: Sequence[str]) -> Drawn | None:
    if not isinstance(found, Mapping) or "category" not in found:
        return None
    box = found.get("bbox")
    if not isinstance(box, list) or len(box) != _SIDES or not all(isinstance(side, int | float) for side in box):
        return None
    name = str(found["category"])[:_NAME_SHOWN]
    place = classes.index(name) + 1 if name in classes else 0
    runs = found.get("segmentation")
    area = _path(runs, size) if size is not None and isinstance(runs, list) else ""
    attributes = [(key, value) for key, value in found.items() if key not in _SHOWN_APART]
    x, y, width, height = (float(side) for side in box)
    return Drawn(name, place if place <= _KINDS else 0, (x, y, width, height), area, attributes)


def _path(runs: Sequence[Any], size: Size) -> str:
    """The area as upright bars, one for each run in each column of pixels; empty for runs of another picture."""
    if not all(isinstance(run, int) and run >= 0 for run in runs) or sum(runs) > size.width * size.height:
        return ""
    bars = []
    at = 0
    for number, run in enumerate(runs):
        end = at + run
        while number % 2 and at < end:
            x, y = divmod(at, size.height)
            tall = min(end - at, size.height - y)
            bars.append(f"M{x} {y}v{tall}h1v-{tall}z")
            at += tall
        at = end
    return "".join(bars)
