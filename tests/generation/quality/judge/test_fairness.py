"""A bias that grew is reported with what would counter it, and none is where the tables are alike."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from generation.quality.judge.fairness import judge_fairness, rates
from generation.quality.judge.frames import frames


def applicants(rows: int, rng: np.random.Generator, *, bias: float = 0.1, women: float = 0.5) -> pa.Table:
    """Draw applicants: who is hired hangs on skill, and by ``bias`` on sex."""
    woman = rng.random(rows) < women
    skill = rng.normal(size=rows)
    hired = rng.random(rows) < np.clip(0.4 + 0.2 * skill + np.where(woman, -bias, bias), 0.02, 0.98)
    age = np.round(rng.uniform(18, 65, rows))
    region = np.array(["north", "south", "west"])[rng.integers(0, 3, rows)]
    return pa.table(
        {
            "sex": pa.array(np.where(woman, "woman", "man").tolist()),
            "age": pa.array(age),
            "region": pa.array(region.tolist()),
            "skill": pa.array(skill.round(3)),
            "hired": pa.array(hired.tolist()),
        }
    )


def judged(fitted: pa.Table, holdout: pa.Table, made: pa.Table, seed: int = 0, **asked: Any) -> dict[str, Any]:
    asked = {"target": "hired", "sensitive": ("sex", "age"), **asked}
    found = judge_fairness(*frames(fitted, holdout, made), rng=np.random.default_rng(seed), **asked)
    return json.loads(json.dumps(found, allow_nan=False))


@pytest.mark.parametrize("seed", range(5))
def test_a_table_of_the_same_population_is_as_fair(seed: int) -> None:
    rng = np.random.default_rng(seed)
    report = judged(applicants(2000, rng), applicants(1500, rng), applicants(2000, rng), seed)
    assert report["warnings"] == []
    assert report["counter"] is None
    assert report["verdict"] == "As fair as the real table by sex, age: no bias grew."


@pytest.mark.parametrize("seed", range(3))
def test_a_bias_that_grew_is_reported_and_what_counters_it_named(seed: int) -> None:
    rng = np.random.default_rng(seed)
    report = judged(applicants(2000, rng), applicants(1500, rng), applicants(2000, rng, bias=0.3), seed)
    assert any("hired is true hangs more on sex" in one for one in report["warnings"])
    assert any("demographic parity difference" in one and "by sex" in one for one in report["warnings"])
    assert not any("age" in one for one in report["warnings"])
    assert report["counter"] == {"independent": ["hired from sex"]}
    sex = report["columns"][0]
    growth = sex["measures"]["outcome_difference"]["growth"]
    assert growth["interval"][0] > 0.1 < growth["value"]
    assert {one["group"]: one["outcome"]["value"] > one["fitted"]["outcome"] for one in sex["groups"]} == {
        "man": True,
        "woman": False,
    }


def test_a_bias_that_was_taken_away_is_no_warning() -> None:
    rng = np.random.default_rng(3)
    report = judged(applicants(2000, rng, bias=0.2), applicants(1500, rng, bias=0.2), applicants(2000, rng, bias=0))
    assert report["warnings"] == []
    assert report["columns"][0]["measures"]["demographic_parity_difference"]["growth"]["interval"][1] < 0


def test_a_group_that_became_rarer_is_named_and_can_be_balanced() -> None:
    rng = np.random.default_rng(4)
    report = judged(applicants(2000, rng), applicants(1500, rng), applicants(2000, rng, women=0.3))
    assert report["warnings"] == ["Of people whose sex is woman there are fewer than in the real table."]
    assert report["counter"] == {"balance": ["sex"]}


def test_a_target_of_numbers_is_split_at_its_median_and_numbers_are_banded() -> None:
    rng = np.random.default_rng(5)
    report = judged(*(applicants(900, rng) for _ in range(3)), target="skill", sensitive=("age", "region"))
    assert report["positive"] == "skill above its median"
    assert [len(one["groups"]) for one in report["columns"]] == [4, 3]
    assert [one["group"] for one in report["columns"][0]["groups"]] == [
        "lowest quarter",
        "second quarter",
        "third quarter",
        "highest quarter",
    ]


def test_groups_of_few_people_are_left_out_and_that_is_said() -> None:
    rng = np.random.default_rng(6)
    fitted, holdout, made = (applicants(800, rng) for _ in range(3))
    sex = fitted.column("sex").to_pylist()
    sex[:3] = ["other"] * 3
    fitted = fitted.set_column(0, "sex", pa.array(sex))
    report = judged(fitted, holdout, made)
    assert "other" not in json.dumps(report)
    assert any("fewer than 50 people" in one for one in report["not_tested"])


@pytest.mark.parametrize(
    "asked", [{"target": None}, {"target": "nobody"}, {"sensitive": ()}, {"sensitive": ("hired",)}]
)
def test_where_nothing_is_named_nothing_is_judged(asked: dict[str, Any]) -> None:
    rng = np.random.default_rng(7)
    assert judged(*(applicants(300, rng) for _ in range(3)), **asked) is None


def test_rates_of_a_group_without_positives_are_zero() -> None:
    truth, chosen = np.array([True, True, False, False]), np.array([True, False, True, False])
    found = rates(truth, chosen, np.array([0, 0, 1, 1]), 2)
    assert found.selection.tolist() == [0.5, 0.5]
    assert found.true_positive.tolist() == [0.5, 0]
    assert found.false_positive.tolist() == [0, 0.5]
    assert float(found.measures()["equalized_odds_difference"]) == 0.5
