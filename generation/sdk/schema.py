"""Arrow fields with the metadata that the platform shows: description, unit, role and media type."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal

import pyarrow as pa

#: A picture in the convention of the ``datasets`` library; say its media type in the field ("image/jpeg", "image/png").
PICTURE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])

Role = Literal["key", "reference", "feature", "label", "measure", "time", "place", "text", "media", "sensitive"]


def field(
    name: str,
    type_: pa.DataType,
    description: str,
    *,
    role: Role = "feature",
    unit: str | None = None,
    media: str | None = None,
    classes: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    nullable: bool = False,
) -> pa.Field:
    """Return an Arrow field described for people and programs.

    ``unit`` is the unit of the values ("EUR", "mm", "s"); ``media`` the media type of a picture or clip column.
    ``classes`` lists what a text column may hold, in the order in which programs number it; of a column of records it
    does so by the path of each member that has classes ("category", "part.kind"). The writer refuses other values.
    A column that may hold nulls must say ``nullable=True``; the writer refuses nulls elsewhere.
    """
    metadata = {"description": description, "role": role}
    if unit is not None:
        metadata["unit"] = unit
    if media is not None:
        metadata["media"] = media
    if classes is not None:
        named = classes if isinstance(classes, Mapping) else {"": classes}
        metadata["classes"] = json.dumps({path: list(names) for path, names in named.items()}, ensure_ascii=False)
    return pa.field(name, type_, nullable=nullable, metadata=metadata)
