"""Previews and the pages that show them take whatever columns a generator makes."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog import previews
from catalog.pages import sheets

PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
BYTES = {"bytes": b"<svg/>", "path": "a"}


def preview_of(media: str, picture: pa.Array, **columns: pa.Array) -> dict[str, Any]:
    fields = [pa.field("image", picture.type, metadata={"media": media})]
    fields += [pa.field(name, array.type) for name, array in columns.items()]
    target = io.BytesIO()
    pq.write_table(pa.table([picture, *columns.values()], schema=pa.schema(fields)), target)
    table = previews.table(pq.ParquetFile(target), "default", "train", 10, lambda content, media: "ab" * 32)
    return {"tables": [json.loads(json.dumps(table))]}


@pytest.mark.parametrize("media", ["image/svg+xml", "image/svg", "text/html", "video/mp4"])
def test_only_pictures_of_pixels_are_served_under_our_name(media: str) -> None:
    preview = preview_of(media, pa.array([BYTES], PICTURE))
    assert "picture" not in preview["tables"][0]["rows"][0][0]
    assert list(sheets(preview, None)[0].gallery) == []


def test_a_picture_is_shown_whether_its_column_is_a_struct_or_bytes() -> None:
    for picture in (pa.array([BYTES], PICTURE), pa.array([BYTES["bytes"]], pa.binary())):
        shots = sheets(preview_of("image/png", picture), None)[0].gallery
        assert [shot.picture for shot in shots] == ["ab" * 32]


def test_a_struct_that_only_looks_like_a_picture_is_none() -> None:
    forged = pa.array([{"picture": "../../accounts/logout/"}])
    assert list(sheets(preview_of("image/svg+xml", forged), None)[0].gallery) == []


@pytest.mark.parametrize("objects", [7, "a dent", [1, 2], [{"size": 1}], {"category": "dent"}, None])
def test_a_column_called_objects_may_hold_anything(objects: Any) -> None:
    preview = preview_of("image/png", pa.array([BYTES], PICTURE), objects=pa.array([objects]))
    shots = sheets(preview, None)[0].gallery
    assert [shot.picture for shot in shots] == ["ab" * 32]


def test_a_picture_is_captioned_by_the_classes_of_its_objects() -> None:
    found = [{"category": "dent"}, {"category": "dent"}, {"category": "hole"}]
    preview = preview_of("image/png", pa.array([BYTES], PICTURE), objects=pa.array([found]))
    assert sheets(preview, None)[0].gallery[0].caption == "dent ×2, hole"
