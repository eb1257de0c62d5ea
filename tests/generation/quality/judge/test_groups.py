"""Groups of people that a made table lacks are counted, and none is named that fewer than ten people make up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from generation.quality.judge.frames import frames
from generation.quality.judge.groups import judge_groups


def wards(rows: int, seed: int) -> pa.Table:
    """Patients of wards of which some are rare; a ward of the isles is a group of its own."""
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "ward": rng.choice(["A", "B", "C", "rare"], rows, p=[0.6, 0.3, 0.09, 0.01]),
            "region": rng.choice(["north", "south", "isles"], rows, p=[0.7, 0.28, 0.02]),
            "age": rng.integers(18, 91, rows),
            "cost": np.round(np.exp(rng.normal(5, 1, rows)), 2),
        }
    )


def judged(fitted: pa.Table, made: pa.Table, **options: Any) -> dict[str, Any]:
    found = judge_groups(*frames(fitted, made), named=("age",), rng=np.random.default_rng(0), **options)
    assert found is not None
    return found


def test_what_is_made_of_the_same_people_has_the_groups_that_chance_gives_it() -> None:
    found = judged(wards(8000, 1), wards(8000, 2))
    assert (found["sets"], found["sets_of"]) == (6, 6)
    assert found["missing"] == found["thin"] == []
    assert abs(found["reached"]["value"] - found["reached"]["yardsticks"]["bootstrap"]) < 0.1
    assert sum(band["groups"] for band in found["bands"]) > 20
    rarest = found["smallest"][0]
    assert rarest["people"] >= 10 and len(rarest["group"]) == len(rarest["columns"])


def test_a_group_that_was_left_out_is_named_with_how_many_should_be_there() -> None:
    made = wards(8000, 2)
    found = judged(wards(8000, 1), made.filter(pa.compute.not_equal(made.column("ward"), "rare")))
    worst = found["missing"][0]
    assert (worst["columns"], worst["group"], worst["made"]) == (["ward"], ["rare"], 0)
    assert 50 < worst["expected"] < 110
    assert "missing that should be there" in found["verdict"]


def test_a_group_of_nine_people_is_not_named_however_many_rows_they_have() -> None:
    fitted = wards(4000, 1)
    names = np.array(fitted.column("ward").to_pylist(), object)
    names[:9], names[9:69] = "nine people", "nine people with many rows"
    fitted = fitted.set_column(0, "ward", pa.array(names))
    whose = np.concatenate([np.arange(9), 9 + np.arange(60) % 9, np.arange(18, 3949)])
    assert "nine people with many rows" in str(judged(fitted, wards(4000, 2)))
    told = str(judged(fitted, wards(4000, 2), people=whose))
    assert "nine people" not in told


def test_where_other_shares_were_asked_the_expected_rows_follow_them() -> None:
    fitted, made = wards(8000, 1), wards(8000, 2)
    few = pa.compute.equal(made.column("region"), "south")
    made = pa.concat_tables([made.filter(pa.compute.invert(few)), made.filter(few).slice(0, 300)])
    south = np.array(fitted.column("region").to_pylist()) == "south"
    weights = np.where(south, 300 / south.sum(), (made.num_rows - 300) / (~south).sum())
    assert judged(fitted, made)["thin"]
    assert not judged(fitted, made, weights=weights)["thin"]


def test_a_table_without_groups_has_none_to_look_for() -> None:
    numbers = pa.table({"x": np.arange(100.0)})
    assert judge_groups(*frames(numbers, numbers), named=(), rng=np.random.default_rng(0)) is None
