"""What differs between two tables, or between what is known of them, is found; what does not is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv
from scipy import stats

from generation.quality.judge.drift.documents import compare_sketches
from generation.quality.judge.drift.measures import (
    corrected,
    largest_gap,
    same_levels,
    same_numbers,
    stability_index,
    transport,
)
from generation.quality.judge.drift.sketches import sketch
from generation.quality.judge.drift.tables import compare_tables, expected_failure
from generation.quality.judge.frames import frames
from generation.quality.profile import TableProfile, finish
from generation.runner.__main__ import main
from tests.generation.quality.judge.people import people


def compared(before: pa.Table, after: pa.Table, **asked: Any) -> dict[str, Any]:
    found = compare_tables(*frames(before, after), rng=np.random.default_rng(0), **asked)
    return json.loads(json.dumps(found, allow_nan=False))


def drawn(seed: int, rows: int = 2000) -> pa.Table:
    return people(rows, np.random.default_rng(seed))


def dearer(table: pa.Table) -> pa.Table:
    """Raise all incomes by a half."""
    income = pa.array(table.column("income").to_numpy() * 1.5)
    return table.set_column(table.column_names.index("income"), "income", income)


def statistics(table: pa.Table) -> dict[str, Any]:
    profile = TableProfile(table.schema)
    profile.add(table)
    return finish(profile.partial())


def changed(report: dict[str, Any]) -> list[str]:
    return [one["column"] for one in report["columns"] if one["chance"] < 0.001]


@pytest.mark.parametrize("seed", range(3))
def test_tables_of_one_population_do_not_differ(seed: int) -> None:
    report = compared(drawn(seed), drawn(100 + seed))
    assert changed(report) == []
    assert all(one["index"] < 0.1 for one in report["columns"])
    low, high = report["together"]["interval"]
    assert low < 0.52 and high > 0.48


def test_a_column_that_moved_is_named_and_the_tables_are_told_apart() -> None:
    report = compared(drawn(1), dearer(drawn(2)))
    assert changed(report) == ["income"]
    (income,) = [one for one in report["columns"] if one["column"] == "income"]
    assert income["index"] > 0.25
    assert report["together"]["interval"][0] > 0.6


def test_measures_are_those_of_scipy() -> None:
    rng = np.random.default_rng(1)
    ours, others = np.sort(rng.normal(size=300)), np.sort(rng.normal(0.3, 1, 200))
    at = np.unique(np.concatenate([ours, others]))
    below, other = (np.searchsorted(one, at, side="right") / len(one) for one in (ours, others))
    assert largest_gap(below, other) == pytest.approx(stats.ks_2samp(ours, others).statistic)
    assert transport(at, below, other) == pytest.approx(stats.wasserstein_distance(ours, others))
    assert same_numbers(0.1, 300, 200) == pytest.approx(stats.kstwobign.sf(0.1 * np.sqrt(120)))
    counts = np.array([[30.0, 40, 30], [50, 20, 40]])
    assert same_levels(*counts) == pytest.approx(stats.chi2_contingency(counts, correction=False).pvalue)
    assert stability_index(np.array([50.0, 50]), np.array([50.0, 50])) == pytest.approx(0)
    assert corrected([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def flipped(rows: int, rng: np.random.Generator, *, shift: float = 0.0, turned: bool = False) -> pa.Table:
    """Points whose class hangs on x below 1 and is a toss above."""
    x = rng.normal(shift, 1, rows)
    sure = (x < 0) != turned
    return pa.table({"x": x, "class": np.where(x > 1, rng.random(rows) < 0.5, sure).tolist()})


def test_a_model_fails_where_inputs_are_those_it_knows_least() -> None:
    rng = np.random.default_rng(2)
    before, after, same = flipped(2000, rng), flipped(2000, rng, shift=1.0), flipped(2000, rng)
    failing = compared(before, after, target="class")["model"]
    assert failing["fails"]
    assert failing["verdict"].startswith("A model of class that learns from this fails there: its error is 0.")
    assert failing["expected"]["value"] == pytest.approx(failing["there"]["value"], abs=0.06)
    assert failing["expected"]["value"] > failing["here"]["value"] + 0.1
    assert not compared(before, same, target="class")["model"]["fails"]


def test_a_dependence_that_turned_is_seen_where_the_target_is_there() -> None:
    rng = np.random.default_rng(3)
    before, after = flipped(2000, rng), flipped(2000, rng, turned=True)
    found = expected_failure(*frames(before, after), "class", rng)
    assert found is not None
    assert found["fails"]
    assert found["there"]["value"] > 0.5 > found["expected"]["value"]


def test_a_model_of_numbers_is_judged_by_its_squared_error() -> None:
    found = compared(drawn(5, 800), drawn(6, 800), target="income")["model"]
    assert found["error"] == "squared error over variance"
    assert not found["fails"]


def test_a_sketch_holds_no_extreme_and_no_value_of_few_people() -> None:
    table = drawn(7)
    towns = table.column("town").to_pylist()
    towns[:9] = ["Ys"] * 9
    income = table.column("income").to_numpy().copy()
    income[0] = 9_999_999.0
    table = table.set_column(0, "town", pa.array(towns)).set_column(3, "income", pa.array(income))
    document = sketch(table)
    assert "Ys" not in json.dumps(document) and "9999999" not in json.dumps(document)
    for column in document["columns"]:
        counts = column.get("counts") or [count for _, count in column["levels"]]
        assert min(counts) >= 10
        assert sum(counts) + column.get("other", 0) + column["missing"] == table.num_rows


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9), st.just(0.0)), max_size=200))
def test_bins_of_a_sketch_hold_ten_rows_and_all_of_them(values: list[float | None]) -> None:
    (column,) = sketch(pa.table({"x": pa.array(values, pa.float64())}))["columns"]
    assert sum(column["counts"]) + column["missing"] == len(values)
    assert len(column["counts"]) == len(column["edges"]) + 1
    assert len(column["counts"]) == 1 or min(column["counts"]) >= 10


@pytest.mark.parametrize("seed", range(4))
def test_a_sketch_differs_from_statistics_where_the_tables_do(seed: int) -> None:
    published, same, other = statistics(drawn(seed)), drawn(10 + seed), dearer(drawn(20 + seed))
    assert changed(compare_sketches(published, sketch(same))) == []
    assert changed(compare_sketches(published, sketch(other))) == ["income"]
    assert changed(compare_sketches(sketch(drawn(seed)), sketch(other))) == ["income"]


def test_columns_of_one_document_only_are_named_and_other_documents_refused() -> None:
    table = drawn(8, 300)
    report = compare_sketches(sketch(table), sketch(table.drop_columns(["age"])))
    assert report["only"] == {"before": ["age"], "after": []}
    assert all(one["distance"] == 0 and one["chance"] == 1 for one in report["columns"])
    with pytest.raises(ValueError, match="neither a sketch"):
        compare_sketches({"schema": "else"}, sketch(table))


def test_dates_and_times_are_numbered_alike_in_sketches_and_statistics() -> None:
    rng = np.random.default_rng(9)
    seconds = rng.integers(0, 80_000, 1000)
    table = pa.table(
        {
            "day": pa.array(rng.integers(0, 20_000, 1000).astype(np.int32)).cast(pa.date32()),
            "at": pa.array(seconds * 40_000_000).cast(pa.timestamp("us", tz="UTC")),
            "clock": pa.array(seconds * 1_000_000).cast(pa.time64("us")),
        }
    )
    report = compare_sketches(statistics(table), sketch(table))
    assert [one["column"] for one in report["columns"]] == ["day", "at", "clock"]
    assert all(one["distance"] < 0.05 and one["chance"] > 0.9 for one in report["columns"])


def test_the_command_sketches_a_file_and_refuses_what_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    csv.write_csv(drawn(10, 400), tmp_path / "people.csv")
    assert main(["profile", str(tmp_path / "people.csv")]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["schema"] == "lookalike/sketch/1"
    assert printed["rows"] == 400
    assert main(["profile", str(tmp_path / "people.csv"), "--out", str(tmp_path / "sketch.json")]) == 0
    assert json.loads((tmp_path / "sketch.json").read_text()) == printed
    assert main(["profile", str(tmp_path / "nobody.csv"), "--out", str(tmp_path / "sketch.json")]) == 2
    assert capsys.readouterr().err.count("\n") == 2
