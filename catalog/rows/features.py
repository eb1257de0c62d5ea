"""Arrow types in the words of the ``datasets`` library, as the dataset viewer tells them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

_PICTURE = {"bytes", "path"}


def features(schema: pa.Schema) -> list[dict[str, Any]]:
    """One entry a column: its place, name and type."""
    return [
        {"feature_idx": place, "name": field.name, "type": feature(field.type, media=media(field))}
        for place, field in enumerate(schema)
    ]


def feature(type_: pa.DataType, *, media: str = "") -> dict[str, Any]:
    """A type as ``datasets`` writes it; ``media`` is the media type of a picture's column."""
    if media.startswith("image/"):
        return {"_type": "Image"}
    if pa.types.is_struct(type_):
        return {type_.field(i).name: feature(type_.field(i).type) for i in range(type_.num_fields)}
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return {"feature": feature(type_.value_type), "_type": "List"}
    if pa.types.is_fixed_size_list(type_):
        return {"feature": feature(type_.value_type), "length": type_.list_size, "_type": "List"}
    if pa.types.is_dictionary(type_):
        return feature(type_.value_type)
    return {"dtype": _words(type_), "_type": "Value"}


def media(field: pa.Field) -> str:
    """The media type that the generator gave a column of pictures or clips; empty for any other."""
    said = (field.metadata or {}).get(b"media", b"").decode()
    return said if _holds_media(field.type) else ""


def _holds_media(type_: pa.DataType) -> bool:
    if pa.types.is_struct(type_):
        return {type_.field(i).name for i in range(type_.num_fields)} == _PICTURE
    return bool(pa.types.is_binary(type_) or pa.types.is_large_binary(type_))


def _words(type_: pa.DataType) -> str:
    """``float64``, where Arrow says ``double``."""
    return {"double": "float64", "float": "float32", "halffloat": "float16", "date32[day]": "date32"}.get(
        str(type_), str(type_)
    )
