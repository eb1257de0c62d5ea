"""A bias that grew is reported with what would counter it, and none is where the tables are alike."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from generation.generators.tabular.fitted.conditions import read_pair
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
    assert report["verdict"].startswith("As fair as the real table by sex, age: no bias grew.")
    (kept,) = report["kept"]
    assert "By sex, both are uneven: hired is true in" in kept and "“hired from sex”" in kept


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


def test_how_far_groups_lie_apart_is_told_of_the_same_two_in_both_tables() -> None:
    def table(rows: int, seed: int, hired: dict[str, float]) -> pa.Table:
        rng = np.random.default_rng(seed)
        region = rng.choice(list(hired), rows)
        yes = rng.random(rows) < np.array([hired[one] for one in region])
        return pa.table({"region": region, "hired": np.where(yes, "yes", "no"), "skill": rng.normal(size=rows)})

    real, other = {"north": 0.1, "south": 0.5, "west": 0.3}, {"north": 0.3, "south": 0.4, "west": 0.75}
    report = judged(table(3000, 1, real), table(900, 2, real), table(3000, 3, other), sensitive=("region",))
    gap = report["columns"][0]["measures"]["outcome_difference"]
    fitted = {one["group"]: one["fitted"]["outcome"] for one in report["columns"][0]["groups"]}
    assert gap["real"] == pytest.approx(fitted["west"] - fitted["north"], abs=2e-6)
    assert gap["growth"]["value"] == pytest.approx(gap["made"] - gap["real"], abs=2e-6)
    (told,) = (one for one in report["warnings"] if "hangs more on" in one)
    assert f"between north and west it differs by {gap['made']:.1%} instead of {gap['real']:.1%}" in told
    assert gap["growth"]["value"] > 0.05


def test_what_counters_a_bias_is_written_so_that_it_can_be_ordered_whatever_the_columns_are_called() -> None:
    rng = np.random.default_rng(0)
    tables = [applicants(2000, rng), applicants(1500, rng), applicants(2000, rng, bias=0.3)]
    names = {"hired": "got hired", "sex": 'said "sex"'}
    renamed = [one.rename_columns([names.get(name, name) for name in one.column_names]) for one in tables]
    report = judged(*renamed, target="got hired", sensitive=('said "sex"',))
    (line,) = report["counter"]["independent"]
    assert read_pair(line) == ("got hired", 'said "sex"')


def test_where_no_group_is_favoured_none_is_told() -> None:
    rng = np.random.default_rng(9)
    report = judged(*(applicants(rows, rng, bias=0.0) for rows in (2000, 1500, 2000)))
    assert report["kept"] == []
    assert report["verdict"] == "As fair as the real table by sex, age: no bias grew."


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
    assert any("fewer than 10 people, 50 rows" in one for one in report["not_tested"])


def test_neither_a_group_nor_an_outcome_of_nine_people_is_named_however_many_rows_they_have() -> None:
    rng = np.random.default_rng(8)
    tables = [applicants(rows, rng) for rows in (900, 700, 900)]
    for place, few in enumerate((90, 60)):
        for name in ("region", "hired"):
            values = ["of nine people"] * few + [str(one) for one in tables[place].column(name).to_pylist()[few:]]
            tables[place] = _with(tables[place], name, values)
    tables[2] = _with(tables[2], "hired", [str(one) for one in tables[2].column("hired").to_pylist()])
    whose = np.concatenate([np.arange(90) % 9, 9 + np.arange(810)])
    told = judged(*tables, sensitive=("region",))
    assert told["positive"] == "hired is of nine people" and "of nine people" in json.dumps(told["columns"])
    told = judged(*tables, sensitive=("region",), people=whose)
    assert {group["group"] for group in told["columns"][0]["groups"]} == {"north", "south", "west"}
    assert "of nine people" not in json.dumps(told)


def _with(table: pa.Table, name: str, values: list[str]) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values))


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
