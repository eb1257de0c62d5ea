"""A report on drift says what moved and how far, in words that chance does not choose; sketches are read strictly."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.quality.drift import shown
from generation.quality.judge.drift import reading, reports
from generation.quality.judge.drift.sketches import sketch
from generation.quality.profile import TableProfile, finish
from tests.generation.quality.judge.people import people


def drawn(seed: int, rows: int = 2000) -> pa.Table:
    return people(rows, np.random.default_rng(seed))


def statistics(table: pa.Table) -> dict[str, Any]:
    profile = TableProfile(table.schema)
    profile.add(table)
    return finish(profile.partial())


def moved(report: dict[str, Any]) -> dict[str, str]:
    document = json.loads(json.dumps({"schema": reports.SCHEMA, "tables": {"default": report}}, allow_nan=False))
    for side in ("before", "after"):
        assert shown(document, solid=side)
    return {one["column"]: one["moved"] for one in report["columns"]}


def test_heavy_tails_are_seen_through_quantiles_where_nearly_all_rows_are_in_one_bin() -> None:
    rng = np.random.default_rng(1)
    tails = [np.exp(rng.normal(center, 2, 20_000)) for center in (8, 8, 8.7)]
    ours, same, other = (pa.table({"income": values}) for values in tails)
    assert moved(reports.of_documents(statistics(ours), sketch(same))) == {"income": "no"}
    assert moved(reports.of_documents(statistics(ours), sketch(other)))["income"] in {"little", "much"}
    assert moved(reports.of_documents(statistics(ours), statistics(other)))["income"] in {"little", "much"}


@pytest.mark.parametrize("seed", range(5))
def test_a_small_table_of_the_same_population_moved_nowhere_though_its_index_is_large(seed: int) -> None:
    report = reports.of_documents(statistics(drawn(seed, 150)), sketch(drawn(50 + seed, 150)))
    assert set(moved(report).values()) == {"no"}
    assert report["verdict"]["columns"] == "Of 7 columns none moved."


def test_values_that_go_missing_are_drift() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=2000)
    before = pa.table({"x": pa.array(values, mask=rng.random(2000) < 0.05)})
    after = pa.table({"x": pa.array(values, mask=rng.random(2000) < 0.5)})
    assert moved(reports.of_documents(statistics(before), sketch(after))) == {"x": "much"}
    assert moved(reports.of_documents(statistics(before), sketch(before))) == {"x": "no"}


def test_columns_that_cannot_be_compared_are_named() -> None:
    rows = 200
    before = pa.table(
        {
            "id": pa.array(range(rows)),
            "when": pa.array(range(rows), pa.timestamp("s")),
            "tags": pa.array([["a"]] * rows),
            "ours": pa.array(range(rows)),
            "size": pa.array(np.arange(rows) % 7),
        }
    )
    key = before.schema.field("id").with_metadata({"role": "key"})
    before = before.cast(before.schema.set(0, key))
    after = pa.table(
        {
            "id": pa.array(range(rows)),
            "when": pa.array(["noon"] * rows),
            "tags": pa.array(["a"] * rows),
            "size": pa.array(np.arange(rows) % 7).cast(pa.float64()),
            "theirs": pa.array(range(rows)),
        }
    )
    report = reports.of_tables(before, after, target="when", rng=np.random.default_rng(0))
    assert list(moved(report)) == ["size"]
    assert report["only"] == {"before": ["ours"], "after": ["theirs"]}
    assert report["not_compared"] == ["id", "when", "tags"]
    assert report["verdict"]["model"] == "Not measured: when cannot be compared, or one of the tables lacks it."


def test_tables_without_a_column_in_common_are_told_so() -> None:
    report = reports.of_tables(
        pa.table({"a": range(60)}), pa.table({"b": range(60)}), target=None, rng=np.random.default_rng(0)
    )
    assert report["columns"] == [] and all(words.startswith("Not measured") for words in report["verdict"].values())
    assert moved(report) == {}


_cells = st.one_of(
    st.lists(st.one_of(st.none(), st.floats(-1e12, 1e12), st.just(0.0)), min_size=40, max_size=40),
    st.lists(st.one_of(st.none(), st.sampled_from("abcdefghijklmno")), min_size=40, max_size=40),
    st.lists(st.one_of(st.none(), st.booleans()), min_size=40, max_size=40),
    st.lists(st.one_of(st.none(), st.datetimes()), min_size=40, max_size=40),
)


@settings(max_examples=60, deadline=None)
@given(_cells, _cells)
def test_any_two_columns_give_a_report_that_can_be_shown(ours: list[Any], theirs: list[Any]) -> None:
    before, after = (pa.table({"x": cells, "n": range(40)}) for cells in (ours, theirs))
    for report in (
        reports.of_documents(statistics(before), sketch(after)),
        reports.of_documents(sketch(before), statistics(after)),
        reports.of_tables(before, after, target="x", rng=np.random.default_rng(0)),
    ):
        moved(report)
    assert reading.read(json.dumps(sketch(after)).encode()) == sketch(after)


def a_sketch(**changed: Any) -> dict[str, Any]:
    column = {"name": "x", "kind": "number", "missing": 0, "edges": [1.5], "counts": [10, 20]} | changed
    return {"schema": "lookalike/sketch/1", "rows": 30, "columns": [column]}


def faults(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(reading.Refused) as refused:
        reading.read(document if isinstance(document, bytes) else json.dumps(document).encode())
    return [(fault.field, fault.code) for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"name": ""}, ("columns.0.name", "invalid")),
        ({"name": "a\0"}, ("columns.0.name", "invalid")),
        ({"kind": ["number"]}, ("columns.0.kind", "invalid")),
        ({"missing": -1}, ("columns.0.missing", "range")),
        ({"missing": 1.0}, ("columns.0.missing", "range")),
        ({"missing": True}, ("columns.0.missing", "range")),
        ({"missing": 5}, ("columns.0", "sum")),
        ({"edges": [2, 1], "counts": [10, 10, 10]}, ("columns.0.edges", "order")),
        ({"edges": [1e200]}, ("columns.0.edges", "invalid")),
        ({"edges": "1"}, ("columns.0.edges", "invalid")),
        ({"edges": []}, ("columns.0.counts", "sum")),
        ({"counts": [5, 25]}, ("columns.0.counts", "people")),
        ({"counts": [10, None]}, ("columns.0.counts", "invalid")),
        ({"more": 1}, ("columns.0.more", "unknown")),
    ],
)
def test_whatever_is_wrong_in_a_column_is_named_by_its_path(changed: dict[str, Any], expected: tuple[str, str]) -> None:
    assert reading.read(json.dumps(a_sketch()).encode())
    assert faults(a_sketch(**changed)) == [expected]


def test_whatever_is_wrong_with_a_sketch_is_said_at_once() -> None:
    document = a_sketch()
    document["columns"] += [{"name": "x", "kind": "category", "missing": 0, "levels": [["a", 3], ["a", 12]]}, 7]
    assert faults(document | {"rows": 0}) == [
        ("rows", "range"),
        ("columns", "twice"),
        ("columns.1.other", "required"),
        ("columns.1.levels", "twice"),
        ("columns.1.levels", "people"),
        ("columns.2", "invalid"),
    ]
    many = faults(a_sketch() | {"columns": [{}] * 900})
    assert len(many) == 41 and many[-1] == ("", "more")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"\xff",
        b'"\\ud800"',
        b"[" * 50_000,
        b"9" * 10_000,
        b'{"rows": Infinity}',
        b'{"rows": 1e999}',
        b'{"rows": 1, "rows": 2}',
    ],
)
def test_what_is_no_json_object_is_refused(text: bytes) -> None:
    assert faults(text)[0][0] == ""


def test_that_the_same_rows_lie_in_both_tables_is_told() -> None:
    ours = drawn(1)
    rng = np.random.default_rng(2)
    report = reports.of_tables(ours, ours.take(pa.array(rng.permutation(2000))), target=None, rng=rng)
    assert "the same rows lie in both tables" in report["verdict"]["together"]
    assert "cannot tell" in reports.of_tables(ours, drawn(3), target=None, rng=rng)["verdict"]["together"]
