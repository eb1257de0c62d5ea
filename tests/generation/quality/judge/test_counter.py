"""What is proposed against a bias that grew is taken by the generator as it is written, and tells of nobody."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from generation.generators.tabular.fitted import generator
from generation.generators.tabular.fitted.conditions import read_pair
from generation.quality.judge.counter import Grown, counter, pair_line
from generation.quality.judge.fairness import judge_fairness
from generation.quality.judge.frames import frames
from generation.sdk.rules import rows_that_pass
from generation.sdk.rules.language import read_tests
from tests.data.memory import Memory, job_of, made_from

ODD = ("pay from work", 'the "old" one', '"sex"', "'sex'", "from", "is", "34", "a: 20 %", "pay, net", "Größe", "a  b")


def borrowers(rows: int, seed: int, *, youngest: int = 20, age: str = "age") -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            age: rng.integers(youngest, 80, rows),
            "paid": np.where(rng.random(rows) < 0.3, "yes", "no"),
            "skill": rng.normal(size=rows),
        }
    )


def proposed(fitted: pa.Table, made: pa.Table, column: str, band: str, **more: Any) -> dict[str, list[str]] | None:
    grown = [Grown(column, "", rarer=band)]
    return counter("paid", grown, *frames(fitted, made), **more)


@pytest.mark.parametrize("age", ["age", "years, in full", "34"])
def test_for_bands_of_a_number_shares_are_proposed_that_the_generator_takes_and_keeps(age: str) -> None:
    fitted, made = borrowers(3000, 1, age=age), borrowers(3000, 3, youngest=35, age=age)
    found = judge_fairness(
        *frames(fitted, borrowers(900, 2, age=age), made),
        target="paid",
        sensitive=[age],
        rng=np.random.default_rng(1),
    )
    assert found is not None
    (line,) = found["counter"]["conditions"]
    assert set(found["counter"]) == {"conditions"} and line.endswith(" %")
    assert generator.check(job_of(Memory(fitted), 500, target="paid", **found["counter"])) == []
    tests = read_tests(line[: line.rindex(":")])
    shares = [
        rows_that_pass(tests, table).mean() for table in (fitted, made, made_from(fitted, 2000, **found["counter"]))
    ]
    assert shares[1] < 0.05 < 0.2 < shares[0] and abs(shares[0] - shares[2]) < 0.002


@pytest.mark.parametrize("band", ["second quarter", "highest quarter", "missing"])
def test_every_band_has_a_line_that_is_read(band: str) -> None:
    fitted = borrowers(3000, 1)
    some = pa.array(fitted.column("age"), mask=np.random.default_rng(1).random(3000) < 0.1)
    fitted = fitted.set_column(0, "age", some)
    found = proposed(fitted, fitted, "age", band)
    assert found is not None and len(found["conditions"]) == 1
    assert generator.check(job_of(Memory(fitted), 500, **found)) == []


def test_an_edge_of_a_band_is_a_number_that_ten_people_hold_or_nobody() -> None:
    rng = np.random.default_rng(1)
    table = pa.table({"age": 2 * rng.permutation(2000), "paid": ["yes"] * 2000})
    values = set(table.column("age").to_pylist())
    for people in (None, np.arange(2000)):
        for band in ("lowest quarter", "second quarter", "third quarter", "highest quarter"):
            found = proposed(table, table, "age", band, people=people)
            assert found is not None
            tests = read_tests(found["conditions"][0].rsplit(":", 1)[0])
            assert not values & {float(test.other.text) for test in tests}  # type: ignore[union-attr]
    often = pa.table({"age": np.repeat(np.arange(21), 100), "paid": ["yes"] * 2100})
    whole, between = (
        proposed(often, often, "age", "lowest quarter", people=people)
        for people in (np.arange(2100), np.repeat(np.arange(21), 100))
    )
    assert whole == {"conditions": ["age <= 5: 28.6 %"]}
    assert between == {"conditions": ["age <= 5.5: 28.6 %"]}, "each of these ages is one person's"


def test_levels_are_balanced_and_nothing_is_asked_of_times_or_of_what_came_out_empty() -> None:
    days = pa.array(np.arange(2000, dtype=np.int32)).cast(pa.date32())
    table = pa.table({"born": days, "group": ["a", "b"] * 1000, "ill": [True, False] * 1000, "paid": ["yes"] * 2000})
    assert proposed(table, table, "group", "a") == {"balance": ["group"]}
    assert proposed(table, table, "ill", "true") == {"balance": ["ill"]}
    assert proposed(table, table, "born", "lowest quarter") is None
    empty = table.set_column(1, "group", pa.nulls(2000, pa.string()))
    assert proposed(table, empty, "group", "a") is None


@pytest.mark.parametrize("name", ODD)
def test_names_are_written_so_that_they_are_read_back(name: str) -> None:
    assert read_pair(pair_line(name, "x")) == (name, "x")
    assert read_pair(pair_line("x", name)) == ("x", name)
    table = borrowers(3000, 1).rename_columns([name, "paid", "skill"])
    found = proposed(table, table, name, "third quarter")
    assert found is not None
    asked = {**found, "independent": [pair_line("paid", name)]}
    assert generator.check(job_of(Memory(table), 500, **asked)) == []
