"""What a generator prepares comes back as it was, from files that are Arrow, npy or JSON and never run code."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from generation.runner import Runner, state
from generation.sdk import Json, State
from tests.generation.runner.asking import CLINIC, CROOK, MARK, a_job, all_blocks

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
DTYPES = st.one_of(
    arrays.boolean_dtypes(),
    arrays.integer_dtypes(),
    arrays.unsigned_integer_dtypes(),
    arrays.floating_dtypes(),
    arrays.complex_number_dtypes(),
    arrays.datetime64_dtypes(),
    arrays.timedelta64_dtypes(),
    arrays.byte_string_dtypes(max_len=4),
    arrays.unicode_string_dtypes(max_len=4),
)
WORDS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,20}", fullmatch=True)


def round_trip(members: State) -> State:
    with tempfile.TemporaryDirectory() as folder:
        for name, file in state.file_names(members):
            with (Path(folder) / file).open("wb") as into:
                state.write(members[name], into)
        read = dict(state.load(Path(folder)))
        return {name: value.combine_chunks() if isinstance(value, pa.Table) else value for name, value in read.items()}


@given(members=st.dictionaries(WORDS, JSON, max_size=4))
@settings(max_examples=60)
def test_json_comes_back_as_it_was(members: dict[str, Json]) -> None:
    assert round_trip(members) == members


@given(array=arrays.arrays(DTYPES, arrays.array_shapes(min_dims=0, min_side=0, max_side=4)))
@settings(max_examples=80)
def test_an_array_comes_back_with_its_type_its_shape_and_its_bytes_and_cannot_be_changed(array: Any) -> None:
    read = round_trip({"a": array})["a"]
    assert isinstance(read, np.ndarray)
    assert (read.dtype, read.shape, read.tobytes()) == (array.dtype, array.shape, array.tobytes())
    with pytest.raises(ValueError, match="read-only"):
        read[...] = array


def test_an_array_that_lies_otherwise_in_memory_comes_back_with_the_same_values() -> None:
    array = np.arange(24).reshape(2, 3, 4)
    for other in (np.asfortranarray(array), array.T, array[:, ::-1, ::2]):
        assert np.array_equal(round_trip({"a": other})["a"], other)


def test_large_members_come_back_too_and_are_read_only() -> None:
    numbers = np.arange(1 << 18, dtype=np.float64)
    read = round_trip({"a": numbers, "b": pa.table({"n": numbers})})
    assert np.array_equal(read["a"], numbers)
    assert read["b"] == pa.table({"n": numbers})
    with pytest.raises(ValueError, match="read-only"):
        read["a"][0] = 1


@pytest.mark.parametrize(
    "table",
    [
        pa.table({}),
        pa.table({"a": pa.array([], pa.string())}),
        pa.table({"a": pa.chunked_array([[1, None], [3]]), "b": [["x"], None, []]}),
        pa.table({"a": pa.array(["x", "y", "x"]).dictionary_encode()}),
        pa.table({"a": [1]}, schema=pa.schema([pa.field("a", pa.int8(), metadata={"k": "v"})], metadata={"m": "n"})),
    ],
)
def test_a_table_comes_back_with_its_schema_and_rows(table: pa.Table) -> None:
    read = round_trip({"t": table})["t"]
    assert read.schema.equals(table.schema, check_metadata=True)
    assert read == table.combine_chunks()


def test_members_are_files_of_three_kinds_in_order_of_name() -> None:
    members = {"b": np.zeros(2), "a": pa.table({"x": [1]}), "c-1": {"y": None}, "2020": "text"}
    assert list(state.file_names(members)) == [
        ("2020", "2020.json"),
        ("a", "a.arrow"),
        ("b", "b.npy"),
        ("c-1", "c-1.json"),
    ]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "a.b", "a b", "-a", "é", "a\n", "a" * 101, 7])
def test_a_name_that_is_no_word_is_refused(name: Any) -> None:
    with pytest.raises(TypeError, match="named by words"):
        list(state.file_names({name: 1}))


@pytest.mark.parametrize("value", [np.array([object()]), {1, 2}, float("nan"), b"bytes", object(), {"a": {1}}])
def test_what_no_format_holds_is_refused_and_never_pickled(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        round_trip({"a": value})


def test_an_array_of_objects_is_not_read_back(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"code": "that runs"}]), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        state.load(tmp_path)


def test_other_files_in_the_folder_are_no_part_of_the_state(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("1")
    for name in ("b.pickle", "c.json.tmp", ".d.json", "e"):
        (tmp_path / name).write_bytes(b"nothing")
    assert dict(state.load(tmp_path)) == {"a": 1}


def test_a_generator_gets_back_in_another_process_what_it_prepared(tmp_path: Path) -> None:
    job = a_job(CROOK, way="rich state")
    with Runner(CROOK, scratch=tmp_path) as runner:
        files = runner.prepare(job, None, tmp_path / "state")
    with Runner(CROOK, scratch=tmp_path) as runner:
        told = runner.answer_key(job, tmp_path / "state")
    assert [file.name for file in files] == [
        "2020-large.arrow",
        "columns.npy",
        "nothing.json",
        "scalar.npy",
        "share.json",
        "towns.arrow",
        "weights.npy",
    ]
    assert told == {
        "2020-large": ["text: string", 70_000, "xxx"],
        "scalar": ["float64", [], 2.5, False],
        "columns": ["int64", [2, 3], [[0, 1, 2], [3, 4, 5]], False],
        "nothing": ["None"],
    }


def test_the_files_that_were_told_are_the_files_that_are_there(tmp_path: Path) -> None:
    import hashlib

    with Runner(CLINIC, scratch=tmp_path) as runner:
        files = runner.prepare(a_job(), None, tmp_path / "state")
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == [file.name for file in files]
    for file in files:
        content = file.path.read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.bytes, file.sha256)
    assert json.loads((tmp_path / "state" / "share.json").read_text()) == 0.25


def test_a_warm_runner_notices_that_the_state_in_a_folder_is_another(tmp_path: Path) -> None:
    job = a_job()
    folder = tmp_path / "state"
    with Runner(CLINIC, scratch=tmp_path) as runner:
        runner.prepare(job, None, folder)
        assert runner.answer_key(job, folder) == {"smokers": 0.25}
        (folder / "share.json").write_text("0.75")
        assert runner.answer_key(job, folder) == {"smokers": 0.75}
        (tmp_path / "out").mkdir()
        assert runner.shard(job, all_blocks(job), folder, tmp_path / "out", MARK).files
