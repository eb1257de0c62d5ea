"""A file's bytes depend on its rows alone; pictures lie last and plain; what a reader needs stands in the metadata."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet as pq

from generation.runner.checks import DataFault, checked
from generation.runner.layouts import faults_of, layout_json
from generation.runner.parquet import ROW_GROUP_BYTES, ROW_GROUP_ROWS, TableWriter, row_bytes
from generation.sdk import PICTURE, Layout, Table, field
from tests.generation.runner.asking import MARK

_counter = itertools.count()

SCHEMA = pa.schema(
    [
        field("photo", PICTURE, "Photo.", role="media", media="image/png", nullable=True),
        field("number", pa.int64(), "Number.", nullable=True),
        field("text", pa.string(), "Text.", nullable=True),
        field("clip", pa.large_binary(), "Clip.", role="media", media="video/mp4"),
        field("list", pa.list_(pa.struct({"a": pa.int32(), "b": pa.string()})), "List.", nullable=True),
        field("vector", pa.list_(pa.float32(), 3), "Vector.", nullable=True),
        field("flag", pa.bool_(), "Flag."),
        field("amount", pa.decimal128(9, 2), "Amount."),
        field("code", pa.binary(4), "Code."),
    ]
)


def picture(size: int = 4) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (size, size), "navy").save(file, "PNG")
    return file.getvalue()


def rows(n: int) -> pa.RecordBatch:
    rng = np.random.default_rng(7)
    photo = {"bytes": picture(), "path": "a.png"}
    columns: dict[str, Any] = {
        "photo": [photo if rng.random() < 0.8 else None for _ in range(n)],
        "number": [int(value) if value > 5 else None for value in rng.integers(0, 100, n)],
        "text": [None if i % 7 == 0 else "x" * (i % 11) for i in range(n)],
        "clip": [bytes(i % 5 + 1) for i in range(n)],
        "list": [None if i % 5 == 0 else [{"a": j, "b": "é" * j} for j in range(i % 4)] for i in range(n)],
        "vector": [None if i % 6 == 0 else rng.random(3, np.float32) for i in range(n)],
        "flag": rng.random(n) < 0.5,
        "amount": pa.array(rng.integers(0, 10**6, n)).cast(pa.decimal128(19, 0)).cast(pa.decimal128(9, 2)),
        "code": [b"%04d" % (i % 10_000) for i in range(n)],
    }
    return pa.record_batch({name: pa.array(columns[name], SCHEMA.field(name).type) for name in SCHEMA.names}, SCHEMA)


def written(folder: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema = SCHEMA) -> tuple[Path, Any, Any]:
    path = folder / f"{next(_counter)}.parquet"
    writer = TableWriter(path, schema, MARK.as_json())
    for batch in batches:
        writer.add(batch)
    file, statistics = writer.finish()
    return path, file, statistics


def groups(path: Path) -> list[int]:
    metadata = pq.read_metadata(path)
    return [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]


def cut(batch: pa.RecordBatch, places: Sequence[int]) -> list[pa.RecordBatch]:
    edges = [0, *sorted(place % (batch.num_rows + 1) for place in places), batch.num_rows]
    return [batch.slice(start, stop - start) for start, stop in itertools.pairwise(edges)]


ROWS = rows(700)


@given(places=st.lists(st.integers(0, 10**6), max_size=12), rebuilt=st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_and_statistics_do_not_depend_on_how_rows_come_in_batches(
    tmp_path: Path, places: list[int], rebuilt: bool
) -> None:
    path, file, statistics = written(tmp_path, [ROWS])
    pieces = cut(ROWS, places)
    if rebuilt:  # the same values in other buffers
        pieces = [pa.RecordBatch.from_pylist(piece.to_pylist(), SCHEMA) for piece in pieces]
    other_path, other, other_statistics = written(tmp_path, pieces)
    assert other == file | {"path": str(other_path)}
    assert other_path.read_bytes() == path.read_bytes()
    assert other_statistics == statistics


def test_row_groups_have_so_many_rows_whatever_the_batches(tmp_path: Path) -> None:
    n = 2 * ROW_GROUP_ROWS + 345
    schema = pa.schema([field("n", pa.int64(), "N.")])
    batch = pa.record_batch({"n": np.arange(n)}, schema)
    digests = set()
    for size in (n, ROW_GROUP_ROWS, 7_000, 999):
        path, file, _ = written(tmp_path, cut(batch, range(size, n, size)), schema)
        assert groups(path) == [ROW_GROUP_ROWS, ROW_GROUP_ROWS, 345]
        digests.add(file["sha256"])
    assert len(digests) == 1
    assert pq.read_table(path)["n"].to_pylist() == list(range(n))


def test_row_groups_are_cut_by_bytes_too_and_a_row_is_never_split(tmp_path: Path) -> None:
    schema = pa.schema([field("clip", pa.large_binary(), "Clip.", role="media", media="video/mp4")])
    sizes = [6 << 20] * 5 + [ROW_GROUP_BYTES + 1, 1, 1]
    batch = pa.record_batch({"clip": pa.array([bytes(size) for size in sizes], pa.large_binary())}, schema)
    for batches in ([batch], cut(batch, range(len(sizes)))):
        path, _, _ = written(tmp_path, batches, schema)
        assert groups(path) == [2, 2, 1, 1, 2]


def test_a_table_without_rows_is_a_file_too(tmp_path: Path) -> None:
    for batches in ([], [ROWS.slice(0, 0)]):
        path, file, statistics = written(tmp_path, batches)
        assert (file["rows"], groups(path), statistics["rows"]) == (0, [], 0)
        assert pq.read_table(path).num_rows == 0


@given(places=st.tuples(st.integers(0, 700), st.integers(0, 700)))
@settings(max_examples=30)
def test_the_size_of_a_row_does_not_depend_on_its_batch(places: tuple[int, int]) -> None:
    start, stop = sorted(places)
    part = ROWS.slice(start, stop - start)
    assert row_bytes(part).tolist() == row_bytes(ROWS)[start:stop].tolist()
    again = pa.RecordBatch.from_pylist(part.to_pylist(), SCHEMA)
    assert row_bytes(again).tolist() == row_bytes(part).tolist()


def test_digests_size_and_rows_are_those_of_the_file(tmp_path: Path) -> None:
    path, file, _ = written(tmp_path, [ROWS])
    content = path.read_bytes()
    assert file == {
        "path": str(path),
        "rows": 700,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
    }


def test_what_was_written_is_what_is_read(tmp_path: Path) -> None:
    path, _, _ = written(tmp_path, [ROWS])
    read = pq.read_table(path)
    assert read.select(SCHEMA.names).to_pylist() == ROWS.to_pylist()
    for given_field in SCHEMA:
        stored = read.schema.field(given_field.name)
        assert stored.type == given_field.type
        assert {key: stored.metadata[key] for key in given_field.metadata} == given_field.metadata


def columns_of(path: Path) -> dict[str, list[Any]]:
    """The column chunks of every row group by the name of their column."""
    metadata = pq.read_metadata(path)
    found: dict[str, list[Any]] = {}
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(number)
            found.setdefault(chunk.path_in_schema.partition(".")[0], []).append(chunk)
    return found


def test_media_lie_last_uncompressed_and_without_dictionary_and_all_else_is_compressed(tmp_path: Path) -> None:
    path, _, _ = written(tmp_path, [ROWS])
    assert pq.read_schema(path).names == [
        *("number", "text", "list", "vector", "flag", "amount", "code"),
        *("photo", "clip"),
    ]
    for name, chunks in columns_of(path).items():
        for chunk in chunks:
            if name in ("photo", "clip"):
                assert chunk.compression == "UNCOMPRESSED"
                assert not chunk.has_dictionary_page
                assert "RLE_DICTIONARY" not in chunk.encodings
                assert chunk.statistics is None
            else:
                assert chunk.compression == "ZSTD"
                assert chunk.statistics is not None
    media = [chunk for name in ("photo", "clip") for chunk in columns_of(path)[name]]
    others = [chunk for name, chunks in columns_of(path).items() if name not in ("photo", "clip") for chunk in chunks]
    assert min(_start(chunk) for chunk in media) > max(_start(chunk) for chunk in others)


def test_a_column_whose_values_seldom_repeat_is_stored_without_a_dictionary(tmp_path: Path) -> None:
    path, _, _ = written(tmp_path, [ROWS])
    dictionaries = {name: {chunk.has_dictionary_page for chunk in chunks} for name, chunks in columns_of(path).items()}
    assert dictionaries["amount"] == {False}  # 700 of a million
    assert dictionaries["text"] == dictionaries["code"] == {True}


def _start(chunk: Any) -> int:
    start: int = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
    return start


def test_every_column_has_a_page_index(tmp_path: Path) -> None:
    path, _, _ = written(tmp_path, [ROWS])
    for name, chunks in columns_of(path).items():
        for chunk in chunks:
            assert chunk.has_offset_index
            assert chunk.has_column_index or name in ("photo", "clip")


def test_the_metadata_tell_datasets_which_columns_are_pictures_and_everybody_that_all_is_synthetic(
    tmp_path: Path,
) -> None:
    path, _, _ = written(tmp_path, [ROWS])
    metadata = pq.read_schema(path).metadata
    assert json.loads(metadata[b"huggingface"]) == {"info": {"features": {"photo": {"_type": "Image"}}}}
    assert json.loads(metadata[b"lookalike"]) == MARK.as_json()
    assert set(pq.read_metadata(path).metadata) == {b"huggingface", b"lookalike", b"ARROW:schema"}
    # `datasets` compares the field with its own feature, whose parts may all be missing.
    assert pq.read_schema(path).field("photo") == pa.field("photo", PICTURE)


def test_a_table_without_pictures_says_nothing_to_datasets(tmp_path: Path) -> None:
    schema = pa.schema([field("n", pa.int64(), "N.")])
    path, _, _ = written(tmp_path, [pa.record_batch({"n": [1]}, schema)], schema)
    assert b"huggingface" not in pq.read_schema(path).metadata
    assert not pq.read_schema(path).field("n").nullable


def test_no_file_tells_when_or_where_it_was_made(tmp_path: Path) -> None:
    path, _, _ = written(tmp_path, [ROWS])
    metadata = pq.read_metadata(path)
    assert metadata.created_by == f"parquet-cpp-arrow version {pa.__version__}"
    assert str(tmp_path).encode() not in path.read_bytes()


def test_discarding_leaves_no_file(tmp_path: Path) -> None:
    writer = TableWriter(tmp_path / "a.parquet", SCHEMA, MARK.as_json())
    writer.add(ROWS)
    writer.discard()
    assert list(tmp_path.iterdir()) == []


def replaced(name: str, array: Any, schema: pa.Schema = SCHEMA) -> pa.RecordBatch:
    batch = ROWS.slice(0, 2)
    columns = {other: batch.column(other) for other in batch.schema.names}
    return pa.record_batch(
        {**columns, name: array}, pa.schema([pa.field(k, v.type) for k, v in {**columns, name: array}.items()])
    )


def photos(*contents: bytes | None) -> pa.Array:
    return pa.array([{"bytes": content, "path": None} for content in contents], PICTURE)


JPEG = b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x08\x00\x08" + bytes(10) + b"\xff\xd9"
FLAT = picture()[:20] + bytes(4) + picture()[24:]
SPLIT = pa.array([b"\xff", b"a"]).cast(pa.binary()).view(pa.string())
REFUSED = {
    "missing": (ROWS.slice(0, 2).drop_columns(["flag"]), "column flag is missing"),
    "extra": (replaced("more", pa.array([1, 2])), "column more is not in the layout"),
    "order": (ROWS.slice(0, 2).select(SCHEMA.names[::-1]), "the columns come in the order code, amount"),
    "type": (replaced("flag", pa.array([1, 0])), "column flag is int64, the layout says bool"),
    "dictionary": (replaced("text", pa.array(["a", "b"]).dictionary_encode()), "column text is dictionary"),
    "null": (replaced("flag", pa.array([True, None])), "column flag: 1 nulls where none is allowed"),
    "text": (replaced("text", SPLIT), "not valid Arrow: .*UTF8"),
    "no picture": (replaced("photo", photos(picture(), b"GIF89a")), "column photo, row 1: these bytes are neither"),
    "empty picture": (replaced("photo", photos(b"", picture())), "column photo, row 0: these bytes are neither"),
    "no bytes": (replaced("photo", photos(picture(), None)), "column photo, row 1: there are no bytes"),
    "other kind": (replaced("photo", photos(JPEG, picture())), "row 0: it is image/jpeg, the layout says image/png"),
    "no width": (replaced("photo", photos(picture(), FLAT)), "row 1: 4 × 0 pixels are not a picture"),
    "too wide": (
        replaced("photo", photos(picture(), picture()[:16] + b"\x7f" + picture()[17:])),
        "row 1: [0-9]+ × 4 pixels are not a picture",
    ),
    "cut short": (replaced("photo", photos(picture()[:-1], picture())), "row 0: the PNG picture breaks off"),
    "empty clip": (replaced("clip", pa.array([b"", b"x"], pa.large_binary())), "column clip, row 0: there are no byt"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_batch_that_is_not_what_the_layout_promised_is_refused_by_table_and_column(what: str) -> None:
    batch, told = REFUSED[what]
    with pytest.raises(DataFault, match=f"^table things: .*{told}"):
        checked(batch, SCHEMA, "things")


def test_all_that_is_wrong_with_a_batch_is_told_at_once() -> None:
    schema = pa.schema([pa.field(name, pa.int64(), nullable=False) for name in "abc"])
    batch = pa.record_batch({name: pa.array([None, 1], pa.int64()) for name in "abc"})
    with pytest.raises(DataFault, match=r"column a: 1 nulls .*column b: 1 nulls .*column c: 1 nulls"):
        checked(batch, schema, "things")
    many = pa.schema([pa.field(str(number), pa.int64()) for number in range(14)])
    with pytest.raises(DataFault, match="and 4 more"):
        checked(pa.record_batch({}), many, "things")


@pytest.mark.parametrize(
    ("type_", "value", "path"),
    [
        (pa.struct([pa.field("a", pa.int64(), nullable=False)]), {"a": None}, "x.a"),
        (pa.list_(pa.field("element", pa.int64(), nullable=False)), [1, None], r"x\[\]"),
        (pa.list_(pa.field("element", pa.int64(), nullable=False), 2), [1, None], r"x\[\]"),
        (pa.large_list(pa.struct([pa.field("a", pa.string(), nullable=False)])), [{"a": None}], r"x\[\].a"),
    ],
)
def test_nulls_are_found_within_columns_too_but_not_below_a_null_that_is_allowed(
    type_: pa.DataType, value: Any, path: str
) -> None:
    schema = pa.schema([pa.field("x", type_)])
    allowed = pa.record_batch({"x": pa.array([None], type_)}, schema)
    assert checked(allowed, schema, "things").to_pylist() == [{"x": None}]
    loose = pa.RecordBatch.from_arrays([pa.array([None, value], type_)], schema=schema)
    with pytest.raises(DataFault, match=f"column {path}: 1 nulls"):
        checked(loose, schema, "things")


def test_a_good_batch_passes_as_it_is() -> None:
    assert checked(ROWS, SCHEMA, "things").equals(ROWS)
    assert checked(ROWS.slice(3, 5), SCHEMA, "things").schema.equals(SCHEMA, check_metadata=True)


def test_a_text_that_is_none_of_its_classes_is_refused_wherever_it_stands() -> None:
    kinds = pa.list_(pa.struct([pa.field("kind", pa.string())]))
    schema = pa.schema(
        [
            field("verdict", pa.string(), "Verdict.", classes=("pass", "reject"), nullable=True),
            field("objects", kinds, "Objects.", classes={"kind": ("dent", "hole")}),
        ]
    )

    def rows(verdict: str | None, kind: str) -> pa.RecordBatch:
        return pa.record_batch(
            {"verdict": pa.array([verdict], pa.string()), "objects": pa.array([[{"kind": kind}]], kinds)}
        )

    assert checked(rows("pass", "hole"), schema, "things").num_rows == 1
    assert checked(rows(None, "dent"), schema, "things").num_rows == 1
    with pytest.raises(DataFault, match="column verdict: 'maybe' is none of its classes pass, reject"):
        checked(rows("maybe", "hole"), schema, "things")
    with pytest.raises(DataFault, match=r"column objects\.kind: 'rust' is none of its classes dent, hole"):
        checked(rows("pass", "rust"), schema, "things")


def test_classes_are_told_in_the_layout_and_only_texts_have_some() -> None:
    schema = pa.schema([field("verdict", pa.string(), "Verdict.", classes=("pass", "reject"))])
    told = layout_json(Layout("row", 1, (Table("default", schema),)))
    assert told["tables"][0]["schema"][0]["classes"] == {"": ["pass", "reject"]}
    wrong = pa.schema(
        [
            field("number", pa.int64(), "Number.", classes=("one",)),
            field("twice", pa.string(), "Twice.", classes=("one", "one")),
            field("nothing", pa.struct({"a": pa.string()}), "Nothing.", classes={"b": ("one",)}),
        ]
    )
    faults = faults_of(Layout("row", 1, (Table("default", wrong),)))
    assert [fault.partition(":")[2].partition(":")[0] for fault in faults] == [
        " column 'number'",
        " column 'twice'",
        " column 'nothing'",
    ]
