"""The mark of synthetic origin in pictures: written without change to the picture, read back, deterministic."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from generation.sdk import PICTURE
from generation.sdk.media import ALGORITHMIC, marked_jpeg, marked_png, pictures, read_mark


def encoded(kind: str) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 255, (20, 30, 3), np.uint8)
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, kind)
    return target.getvalue()


@pytest.mark.parametrize(("kind", "marked"), [("JPEG", marked_jpeg), ("PNG", marked_png)])
def test_a_marked_picture_decodes_to_the_same_pixels_and_says_what_it_is(kind: str, marked: object) -> None:
    picture = encoded(kind)
    with_mark = marked(picture)  # type: ignore[operator]
    assert read_mark(picture) is None
    assert read_mark(with_mark) == ALGORITHMIC
    before, after = Image.open(io.BytesIO(picture)), Image.open(io.BytesIO(with_mark))
    assert np.array_equal(np.asarray(before), np.asarray(after))
    assert "xmp" in after.info or "XML:com.adobe.xmp" in after.info


@pytest.mark.parametrize("marked", [marked_jpeg, marked_png])
def test_what_is_no_picture_is_refused(marked: object) -> None:
    with pytest.raises(ValueError, match="this is no"):
        marked(b"hello")  # type: ignore[operator]


def test_pictures_become_an_arrow_column_of_the_convention() -> None:
    column = pictures([b"a", b"b"], ["a.jpg", "b.jpg"])
    assert column.type == PICTURE
    assert column.to_pylist() == [{"bytes": b"a", "path": "a.jpg"}, {"bytes": b"b", "path": "b.jpg"}]
    assert isinstance(column, pa.StructArray)
