"""Columns carry what people and programs need to know of them."""

from __future__ import annotations

import pyarrow as pa

from generation.sdk import PICTURE, field


def test_a_field_carries_its_description_and_role_and_only_what_was_said() -> None:
    plain = field("age", pa.int32(), "Age in full years.")
    assert (plain.name, plain.type, plain.nullable) == ("age", pa.int32(), False)
    assert plain.metadata == {b"description": b"Age in full years.", b"role": b"feature"}


def test_unit_media_type_and_nulls_are_said_where_they_are_meant() -> None:
    height = field("height", pa.float64(), "Höhe.", unit="mm", role="measure", nullable=True)
    assert height.nullable
    assert height.metadata == {b"description": "Höhe.".encode(), b"role": b"measure", b"unit": b"mm"}
    picture = field("photo", PICTURE, "Photo.", role="media", media="image/png")
    assert picture.metadata[b"media"] == b"image/png"


def test_what_a_field_carries_survives_a_file() -> None:
    schema = pa.schema([field("height", pa.float64(), "Height.", unit="mm")])
    read = pa.ipc.read_schema(pa.py_buffer(schema.serialize()))
    assert read.field("height").equals(schema.field("height"), check_metadata=True)


def test_a_picture_is_what_the_datasets_library_calls_one() -> None:
    assert pa.struct({"bytes": pa.binary(), "path": pa.string()}) == PICTURE


def test_classes_are_named_for_a_column_or_for_members_of_its_records() -> None:
    alone = field("verdict", pa.string(), "Verdict.", classes=("pass", "reject"))
    assert alone.metadata[b"classes"] == b'{"": ["pass", "reject"]}'
    within = field("objects", pa.list_(pa.struct({"kind": pa.string()})), "Objects.", classes={"kind": ["hole"]})
    assert within.metadata[b"classes"] == b'{"kind": ["hole"]}'
