"""Kind and size of a picture are read from its first bytes, and what is no whole picture is refused."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from generation.quality.pictures import PictureHeader, picture_header
from generation.sdk.media import marked_jpeg, marked_png


def encoded(kind: str, width: int, height: int, mode: str = "RGB", **options: Any) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, kind, **options)
    return file.getvalue()


VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("PNG", {}),
    ("PNG", {"mode": "L"}),
    ("PNG", {"mode": "RGBA"}),
    ("PNG", {"mode": "P"}),
    ("JPEG", {}),
    ("JPEG", {"mode": "L"}),
    ("JPEG", {"progressive": True}),
    ("JPEG", {"restart_marker_blocks": 2, "optimize": True}),
    ("JPEG", {"exif": b"Exif\0\0" + bytes(50), "comment": b"\xff\xc0 is no frame here"}),
    ("JPEG", {"subsampling": 0, "dpi": (300, 300)}),
]


@pytest.mark.parametrize(("kind", "options"), VARIANTS)
@pytest.mark.parametrize(("width", "height"), [(1, 1), (37, 20), (256, 512)])
def test_kind_and_size_are_those_of_the_picture(kind: str, options: dict[str, Any], width: int, height: int) -> None:
    content = encoded(kind, width, height, **options)
    assert picture_header(content) == PictureHeader(f"image/{kind.lower()}", width, height)


def test_the_mark_of_origin_changes_nothing_of_it() -> None:
    assert picture_header(marked_jpeg(encoded("JPEG", 30, 20))) == PictureHeader("image/jpeg", 30, 20)
    assert picture_header(marked_png(encoded("PNG", 30, 20))) == PictureHeader("image/png", 30, 20)


def test_bytes_in_an_arrow_array_are_read_where_they_lie() -> None:
    array = pa.array([b"x", encoded("PNG", 3, 4), encoded("JPEG", 5, 6)], pa.binary())
    assert picture_header(memoryview(array[1].as_buffer())) == PictureHeader("image/png", 3, 4)
    assert picture_header(memoryview(array[2].as_buffer())) == PictureHeader("image/jpeg", 5, 6)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_that_breaks_off_anywhere_is_refused(kind: str) -> None:
    content = encoded(kind, 12, 12)
    for length in range(len(content)):
        with pytest.raises(ValueError, match=r"breaks off|neither a JPEG nor a PNG"):
            picture_header(content[:length])


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"RIFF0000WEBP", b"<svg/>", b"\x89PNG", b"\xff"])
def test_what_is_neither_jpeg_nor_png_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="neither a JPEG nor a PNG picture"):
        picture_header(content)


def test_a_jpeg_without_a_frame_is_refused() -> None:
    for body in (b"", bytes(20), b"\xff\xe0" + struct.pack(">H", 60_000) + bytes(20), b"\xff" * 40):
        with pytest.raises(ValueError, match=r"no frame header|breaks off"):
            picture_header(b"\xff\xd8" + body + b"\xff\xd9")


@given(content=st.binary(max_size=200), start=st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n"]))
@settings(max_examples=300)
def test_no_bytes_do_anything_but_be_refused_or_have_a_size(content: bytes, start: bytes) -> None:
    for end in (b"", b"\xff\xd9", b"\x00\x00\x00\x00IEND\xaeB`\x82"):
        try:
            header = picture_header(start + content + end)
        except ValueError:
            continue
        assert header.media_type in ("image/png", "image/jpeg")
