"""The columns of a configuration as ``datasets`` describes them, so that classes arrive with their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.column_types import PICTURE, ColumnType, ListOf, Record, Scalar, parse

#: Arrow's words where ``datasets`` has others.
_DTYPES = {"halffloat": "float16", "float": "float32", "double": "float64", "date32[day]": "date32"}
_MEDIA = {"image": "image", "audio": "audio", "video": "video"}

Classes = Mapping[str, Sequence[str]]


def features(schema: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]] | None:
    """The columns of ``schema`` (of a layout) in the words of a card; None where no column has named classes.

    Without names there is nothing to say that the files do not say themselves.
    """
    if not any(column.get("classes") for column in schema):
        return None
    return [{"name": column["name"], **_column(column)} for column in schema]


def _column(column: Mapping[str, Any]) -> dict[str, Any]:
    type_ = parse(column["type"])
    media = _MEDIA.get((column.get("media") or "").partition("/")[0])
    if media and type_ == PICTURE:
        return {"dtype": media}
    return _described(type_, column.get("classes") or {}, "")


def _described(type_: ColumnType, classes: Classes, path: str) -> dict[str, Any]:
    match type_:
        case Scalar("string" | "large_string") if path in classes:
            names = {str(number): name for number, name in enumerate(classes[path])}
            return {"dtype": {"class_label": {"names": names}}}
        case Scalar(name):
            return {"dtype": _DTYPES.get(name, name)}
        case ListOf(item, length, large):
            inner = _described(item, classes, path)
            if list(inner) in (["dtype"], ["struct"]) and not isinstance(inner.get("dtype"), dict):
                inner = next(iter(inner.values()))
            return {"large_list" if large else "list": inner, **({"length": length} if length else {})}
        case Record(members):
            inside = {name: f"{path}.{name}".strip(".") for name in members}
            return {"struct": [{"name": name, **_described(of, classes, inside[name])} for name, of in members.items()]}
