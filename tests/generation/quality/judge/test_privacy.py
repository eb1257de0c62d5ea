"""Leaks that were planted are found each time, and none is found where there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from generation.quality.arrow import pc
from generation.quality.judge.frames import frames
from generation.quality.judge.privacy import Everybody, judge_privacy
from tests.generation.quality.judge.people import people

NUMBERS = ("age", "income", "rent", "savings")
Plant = Callable[[pa.Table, pa.Table, np.random.Generator], tuple[pa.Table, pa.Table]]


def judged(fitted: pa.Table, holdout: pa.Table, made: pa.Table, seed: int = 0, **asked: Any) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return judge_privacy(*frames(fitted, holdout, made), rng=rng, **{"yardsticks": False, **asked})


def drawn(seed: int, fitted: int = 2000, holdout: int = 800) -> tuple[pa.Table, pa.Table, pa.Table]:
    rng = np.random.default_rng(seed)
    return people(fitted, rng), people(holdout, rng), people(fitted, rng)


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values, table.schema.field(name).type))


def perturbed(table: pa.Table, rng: np.random.Generator, by: float = 0.02) -> pa.Table:
    """Add to every number a little of its own spread."""
    for name in ("income", "rent", "savings"):
        values = table.column(name).to_numpy()
        table = with_column(table, name, values + by * np.nanstd(values) * rng.normal(size=len(values)))
    return table


def one_in_a_hundred(fitted: pa.Table, made: pa.Table, rng: np.random.Generator) -> tuple[pa.Table, pa.Table]:
    count = made.num_rows // 100
    copied = fitted.take(rng.choice(fitted.num_rows, count, replace=False))
    return fitted, pa.concat_tables([made.slice(count), copied])


def extremes(fitted: pa.Table, made: pa.Table, rng: np.random.Generator) -> tuple[pa.Table, pa.Table]:
    for name in NUMBERS:
        values = made.column(name).to_numpy().copy()
        values[rng.integers(made.num_rows)] = pc.max(fitted.column(name)).as_py()
        made = with_column(made, name, values)
    return fitted, made


def one_salary(fitted: pa.Table, made: pa.Table, rng: np.random.Generator) -> tuple[pa.Table, pa.Table]:
    """One person earns 9,999,999, and so do twenty of the made ones."""
    income = fitted.column("income").to_numpy().copy()
    income[rng.integers(fitted.num_rows)] = 9_999_999
    others = made.column("income").to_numpy().copy()
    others[rng.choice(made.num_rows, 20, replace=False)] = 9_999_999
    return with_column(fitted, "income", income), with_column(made, "income", others)


def rare_town(fitted: pa.Table, made: pa.Table, rng: np.random.Generator) -> tuple[pa.Table, pa.Table]:
    tables = []
    for table in (fitted, made):
        towns = table.column("town").to_pylist()
        for place in rng.choice(table.num_rows, 3, replace=False):
            towns[place] = "Ys"
        tables.append(with_column(table, "town", towns))
    return tables[0], tables[1]


def a_little_of_each(fitted: pa.Table, made: pa.Table, rng: np.random.Generator) -> tuple[pa.Table, pa.Table]:
    return fitted, perturbed(fitted, rng)


LEAKS: dict[Plant, tuple[str, set[str]]] = {
    one_in_a_hundred: ("of its rows are rows of people who were learned from", {"leaks"}),
    extremes: ("the largest or smallest income", {"few_people"}),
    one_salary: ("one number of income that fewer than 10 people hold, often repeated", {"few_people"}),
    rare_town: ("one value of town that fewer than 10 people hold", {"few_people"}),
    a_little_of_each: ("nearer to rows learned from", {"leaks", "copy"}),
}


@pytest.mark.parametrize("plant", LEAKS, ids=lambda plant: plant.__name__)
@pytest.mark.parametrize("seed", range(4))
def test_a_planted_leak_is_found_each_time(plant: Plant, seed: int) -> None:
    fitted, holdout, made = drawn(seed, fitted=6000 if plant is one_in_a_hundred else 2000)
    fitted, made = plant(fitted, made, np.random.default_rng(seed))
    report = judged(fitted, holdout, made, seed)
    sentence, levels = LEAKS[plant]
    assert any(sentence in finding for finding in report["findings"]), report["findings"]
    assert report["level"] in levels
    assert sentence in report["verdict"]
    if plant is not a_little_of_each:
        assert sentence in report["refused"]


@pytest.mark.parametrize("seed", range(3))
def test_words_of_a_table_s_own_that_hit_on_names_of_few_people_are_told_and_not_refused(seed: int) -> None:
    """The made names come from the same list as the real ones, of which the generator knows nobody's."""
    rng = np.random.default_rng(seed)
    fitted, holdout, made = drawn(seed)
    tables = []
    for table in (fitted, holdout, made):
        names = [f"{first} {second}" for first, second in rng.integers(40, size=(table.num_rows, 2))]
        tables.append(table.append_column("name", pa.array(names)))
    report = judged(*tables, seed)
    assert report["memorised"]["columns"] == ["name"]
    assert (report["level"], report["refused"]) == ("few_people", None)


def test_a_value_of_many_rows_of_one_person_is_one_of_few_people() -> None:
    fitted, holdout, made = drawn(9)
    fitted, made = rare_town(fitted, made, np.random.default_rng(9))
    often = pa.concat_tables([fitted, *[fitted.filter(pc.equal(fitted.column("town"), "Ys"))] * 5])
    whose = np.concatenate([np.arange(fitted.num_rows), np.full(often.num_rows - fitted.num_rows, fitted.num_rows)])
    tables = frames(often, holdout, made)
    rng = np.random.default_rng(9)
    assert judge_privacy(*tables, yardsticks=False, rng=rng)["refused"] is None
    everybody = Everybody(tables[0], people=whose)
    assert "town" in judge_privacy(*tables, everybody=everybody, yardsticks=False, rng=rng)["refused"]


@pytest.mark.parametrize("seed", range(20))
def test_people_of_the_same_population_are_no_leak(seed: int) -> None:
    report = judged(*drawn(100 + seed, fitted=1500), seed)
    assert report["findings"] == []
    assert report["level"] == "holdout"
    assert report["refused"] is None


@pytest.mark.parametrize("seed", range(3))
def test_a_copy_is_refused_and_so_is_one_with_every_number_changed_a_little(seed: int) -> None:
    fitted, holdout, _ = drawn(seed)
    rng = np.random.default_rng(seed)
    for copy in (fitted, fitted.take(rng.permutation(fitted.num_rows)), perturbed(fitted, rng, by=0.001)):
        report = judged(fitted, holdout, copy, seed)
        assert report["level"] == "copy"
        assert "must not be published" in report["refused"]


def test_each_attack_catches_a_copy_and_stands_beside_its_yardsticks() -> None:
    report = judged(*drawn(7, fitted=4000, holdout=3000), yardsticks=True)
    names = [attack["attack"] for attack in report["attacks"]]
    assert set(names) == {
        "copied_rows",
        "near_matches",
        "own_values",
        "singling_out_univariate",
        "singling_out_multivariate",
        "inference",
        "linkability",
        "membership",
        "membership_surest",
    }
    assert names.count("inference") == 7
    for attack in report["attacks"]:
        figure = attack["risk"]
        assert figure["yardsticks"]["copy"] > 0.3, attack
        assert abs(figure["yardsticks"]["holdout"]) < 0.35, attack
        assert figure["interval"][0] <= figure["value"] <= figure["interval"][1]
        assert min(attack["attacks"]["tried"], attack["control"]["tried"]) >= 3000 or "only" in figure["why"]
    assert report["closest"]["share"]["interval"][0] < 0.5 < report["closest"]["share"]["interval"][1]
    assert report["closest"]["share"]["yardsticks"]["copy"] > 0.85
    assert report["copies"]["share"]["yardsticks"] == {"holdout": 0.0, "copy": 1.0, "independent": 0.0}
    assert report["membership_area"]["yardsticks"]["copy"] == 1.0


def test_the_same_tables_and_seed_give_the_same_report() -> None:
    tables = drawn(3, fitted=600, holdout=200)
    assert judged(*tables) == judged(*tables)


def test_named_secrets_are_guessed_and_what_was_not_tried_is_named() -> None:
    report = judged(*drawn(4, fitted=600, holdout=200), secrets=("income", "smokes"))
    assert [one["column"] for one in report["attacks"] if one["attack"] == "inference"] == ["income", "smokes"]
    assert "Nobody tried to guess town, sex, age, rent, savings from the other columns." in report["not_tested"]
    assert any("Only 200 rows were withheld" in sentence for sentence in report["not_tested"])


def test_levels_that_anybody_may_know_are_no_leak() -> None:
    fitted, holdout, made = drawn(5)
    fitted, made = rare_town(fitted, made, np.random.default_rng(5))
    assert judged(fitted, holdout, made)["memorised"]["columns"] == ["town"]
    assert judged(fitted, holdout, made, public=("town",))["level"] == "holdout"


def test_a_value_that_ten_people_hold_is_none_of_few_in_a_sample_of_them() -> None:
    fitted, holdout, made = drawn(6)
    fitted, made = rare_town(fitted, made, np.random.default_rng(6))
    *tables, everybody = frames(fitted, holdout, made, pa.concat_tables([fitted] * 4))
    report = judge_privacy(*tables, everybody=Everybody(everybody), yardsticks=False, rng=np.random.default_rng(6))
    assert report["level"] == "holdout"


@pytest.mark.parametrize("rows", [(10, 400, 400), (400, 10, 400), (400, 400, 0)])
def test_few_rows_are_said_to_be_too_few(rows: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    report = judged(*(people(number, rng) for number in rows))
    assert report["level"] == "unmeasured"
    assert "not measured" in report["verdict"]


@pytest.mark.parametrize("holdout", [0, 1, 49])
def test_a_copy_is_refused_however_few_rows_were_withheld(holdout: int) -> None:
    fitted, _, fresh = drawn(11, 450, 450)
    held = drawn(12)[1].slice(0, holdout)
    assert judged(fitted, held, fitted)["refused"]
    assert judged(fitted, held, fitted.slice(0, 20))["refused"]
    assert judged(fitted, held, fresh)["refused"] is None


def test_odd_columns_are_attacked_without_a_fault() -> None:
    def odd(rows: int) -> pa.Table:
        return pa.table(
            {
                "nothing": pa.nulls(rows, pa.float64()),
                "always": pa.array([1] * rows),
                "word": pa.array(["a"] * rows),
                "unknown": pa.nulls(rows, pa.string()),
            }
        )

    report = judged(odd(200), odd(100), odd(150))
    assert report["level"] == "holdout"
    assert judged(odd(200).select(["word"]), odd(100), odd(150))["level"] == "holdout"
