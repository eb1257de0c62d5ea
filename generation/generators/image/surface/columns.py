"""The Arrow shape of labelled defects, shared by the generators that picture surfaces."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from generation.generators.image.surface.scene import Found

OBJECT = pa.struct(
    [
        pa.field("category", pa.string(), nullable=False),
        pa.field("bbox", pa.list_(pa.field("item", pa.int32(), nullable=False)), nullable=False),
        pa.field("area", pa.int32(), nullable=False),
        pa.field("severity", pa.float32(), nullable=False),
        pa.field("segmentation", pa.list_(pa.field("item", pa.int32(), nullable=False)), nullable=False),
    ]
)
OBJECTS = pa.list_(pa.field("item", OBJECT, nullable=False))

OBJECTS_DESCRIPTION = (
    "Defects in the picture: category; bbox as x, y, width, height in pixels; area in pixels; severity from 0 to 1; "
    "segmentation as COCO's uncompressed run lengths, column by column, for a picture of the stated size."
)


def objects(found: Sequence[Sequence[Found]]) -> pa.Array:
    """The defects of several pictures as an array of ``OBJECTS``."""
    rows = [
        [
            {
                "category": one.category,
                "bbox": list(one.box),
                "area": one.area,
                "severity": one.severity,
                "segmentation": one.runs,
            }
            for one in picture
        ]
        for picture in found
    ]
    return pa.array(rows, OBJECTS)
