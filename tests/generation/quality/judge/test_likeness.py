"""Likeness is what SDMetrics says of the same tables, and stands beside what hold-out, copy and chance would score."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from generation.quality.judge.frames import Frame, frames
from generation.quality.judge.likeness import PAIRS, compare_pairs, coverage, judge_likeness, overall, shape
from tests.reference.expected import expected

TABLES, SAID = expected("sdmetrics")
CASES = {"people": ("likeness.real", "likeness.made"), "odd": ("likeness.odd_real", "likeness.odd_made")}
CLOSE = 1e-6


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[Frame, Frame, Any]:
    real, made = frames(*(TABLES[name] for name in CASES[request.param]))
    return real, made, SAID[request.param]


def judged(real: pa.Table, holdout: pa.Table, made: pa.Table) -> dict[str, Any]:
    found = judge_likeness(*frames(real, holdout, made), rng=np.random.default_rng(1))
    return json.loads(json.dumps(found, allow_nan=False))


def test_shapes_of_columns_are_those_of_sdmetrics(case: tuple[Frame, Frame, Any]) -> None:
    real, made, said = case
    ours = {name: shape(real.column(name), made.column(name)) for name in real.names}
    assert ours == pytest.approx(said_of(said["shapes"]), abs=CLOSE, nan_ok=True)


def test_scores_of_pairs_are_those_of_sdmetrics_and_the_same_pairs_count(case: tuple[Frame, Frame, Any]) -> None:
    real, made, said = case
    pairs = compare_pairs(real, made)
    assert {pair.columns: pair.score for pair in pairs} == pytest.approx(said_of(said["pairs"]), abs=CLOSE, nan_ok=True)
    scored = [list(pair.columns) for pair in pairs if pair.counted and not np.isnan(pair.score)]
    assert scored == said["counted"]
    associations = said_of(said["associations"])
    assert {pair.columns: pair.real for pair in pairs if pair.columns in associations} == pytest.approx(
        associations, abs=CLOSE, nan_ok=True
    )


def test_the_overall_score_is_that_of_sdmetrics_quality_report(case: tuple[Frame, Frame, Any]) -> None:
    real, made, said = case
    assert overall(real, made) == pytest.approx(said["overall"], abs=CLOSE)


def test_coverage_of_categories_is_that_of_sdmetrics(case: tuple[Frame, Frame, Any]) -> None:
    real, made, said = case
    ours = {name: coverage(real.column(name), made.column(name))[0] for name in said["coverage"]}
    assert ours == pytest.approx(said["coverage"], abs=CLOSE)


def said_of(rows: list[list[Any]]) -> dict[Any, float]:
    """What was said of columns or of pairs, NaN where it could not be measured."""
    return {
        (names[0] if len(names) == 1 else tuple(names)): float("nan") if score is None else score
        for *names, score in rows
    }


def test_a_report_tells_of_every_column_and_pair_beside_its_yardsticks() -> None:
    real, made = TABLES["likeness.real"], TABLES["likeness.made"]
    found = judged(real.slice(0, 350), real.slice(350), made)
    assert [column["name"] for column in found["columns"]] == real.column_names
    assert len(found["pairs"]) == found["pairs_of"] == 36
    for name in ("overall", "shapes", "trends", "correlations", "missing_together"):
        figure = found[name]
        assert 0 <= figure["value"] <= 1
        assert figure["yardsticks"]["copy"] == 1
    assert found["trends"]["yardsticks"]["independent"] < found["trends"]["yardsticks"]["holdout"]
    job = next(column for column in found["columns"] if column["name"] == "job")
    assert job["missing"]["made"] == pytest.approx(made["job"].null_count / made.num_rows, abs=CLOSE)


def test_a_copy_scores_one_everywhere() -> None:
    real = TABLES["likeness.real"]
    found = judged(real, real, real)
    assert {found[name]["value"] for name in ("overall", "shapes", "trends", "correlations", "missing_together")} == {1}
    assert all(column["shape"]["value"] == 1 for column in found["columns"])


def test_what_cannot_be_measured_says_so() -> None:
    real, made = TABLES["likeness.odd_real"], TABLES["likeness.odd_made"]
    found = judged(real, real, made)
    empty = next(column for column in found["columns"] if column["name"] == "empty")
    assert empty["shape"]["value"] is None
    assert empty["shape"]["why"]
    alone = judged(real.select(["letters"]), real.select(["letters"]), made.select(["letters"]))
    assert alone["trends"]["value"] is None
    assert alone["overall"]["value"] == alone["shapes"]["value"]


def test_cells_that_are_missing_together_must_be_missing_together_in_what_is_made() -> None:
    gaps = np.arange(400) % 4 == 0
    real = pa.table({name: pa.array(np.arange(400.0), mask=gaps) for name in "ab"})
    apart = pa.table({"a": real["a"], "b": pa.array(np.arange(400.0), mask=np.roll(gaps, 1))})
    found = judged(real, real, apart)
    assert found["missing_together"]["value"] == pytest.approx(0.5)
    assert found["missing_together"]["yardsticks"]["holdout"] == 1


def test_how_far_a_range_is_reached_does_not_depend_on_one_person() -> None:
    salaries = np.linspace(1_000, 5_000, 500)
    rich = np.where(np.arange(500) == 17, 9_999_999.0, salaries)
    made = pa.table({"salary": np.linspace(1_100, 3_000, 400)})
    plain, with_one = (judged(pa.table({"salary": real}), made, made)["columns"][0] for real in (salaries, rich))
    assert plain["coverage"]["value"] == pytest.approx(with_one["coverage"]["value"], abs=0.01)
    assert plain["coverage"]["value"] < 0.6


def test_of_many_pairs_a_stated_number_is_looked_at() -> None:
    rng = np.random.default_rng(5)
    wide = pa.table({f"c{number}": rng.normal(size=40) for number in range(70)})
    found = judged(wide, wide, wide)
    assert (len(found["pairs"]), found["pairs_of"]) == (PAIRS, 70 * 69 // 2)


def test_a_range_too_narrow_to_be_cut_is_compared_all_the_same() -> None:
    narrow = pa.table({"n": [1e16, 1e16 + 2] * 20, "c": ["a", "b"] * 20})
    (pair,) = judged(narrow, narrow, narrow)["pairs"]
    assert (pair["value"], pair["fitted"]) == (1, 1)


def test_a_range_ends_where_ten_people_lie_beyond_it_and_not_ten_rows_of_one() -> None:
    values = np.concatenate([np.arange(100.0), np.full(60, 1000.0)])
    whose = np.concatenate([np.arange(100), np.full(60, 100)])
    real, made = frames(pa.table({"x": values}), pa.table({"x": np.arange(10.0, 91.0)}))
    assert coverage(real.columns[0], made.columns[0])[0] == pytest.approx(80 / 990)
    assert coverage(real.columns[0], made.columns[0], whose)[0] == 1.0
