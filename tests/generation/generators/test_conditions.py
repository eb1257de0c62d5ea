"""Conditions are met by weighing cells; what cannot be met is said with the nearest rate that can."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.generators.tabular.fitted.conditions import (
    Cells,
    Demands,
    Impossible,
    Parts,
    Wishes,
    cells_of,
    classes_of,
    demands,
    effective_rows,
    faults_of,
    impossible,
    parts_of,
    rake,
    read_condition,
    read_pair,
)
from generation.generators.tabular.fitted.privacy import People
from generation.sdk.rules import NotUnderstood

ROWS = 4_000


def table(seed: int = 1) -> pa.Table:
    random = np.random.Generator(np.random.Philox(seed))
    sex = random.choice(["F", "M"], ROWS)
    age = random.integers(18, 95, ROWS)
    ill = random.random(ROWS) < np.where((age > 70) & (sex == "F"), 0.3, 0.02)
    pay = np.where(random.random(ROWS) < np.where(sex == "F", 0.15, 0.4), "high", "low")
    gone = random.random(ROWS) < 0.1
    return pa.table({"sex": pa.array(sex, mask=gone), "age": age, "ill": np.where(ill, "yes", "no"), "pay": pay})


def cut(rows: pa.Table, wishes: Wishes) -> tuple[list[Parts], Cells, Demands]:
    parts = []
    for name in wishes.columns:
        levels = None
        if name in wishes.by_level:
            array = rows.column(name)
            text = pa.types.is_string(array.type)
            levels = (
                array.combine_chunks().dictionary_encode("encode").indices.to_numpy().astype(np.int64)
                if text
                else classes_of(array.to_numpy().astype(float))
            )
        parts.append(parts_of(wishes.tests_of(name), rows.column(name), levels))
    cells = cells_of(parts, People())
    return parts, cells, demands(wishes, parts, cells)


def wishes(*conditions: str, **more: Any) -> Wishes:
    return Wishes(tuple(read_condition(one, 100) for one in conditions), **more)


def test_a_condition_is_read_with_or_without_a_share() -> None:
    assert read_condition("ill = yes: 20 %", 100).share == pytest.approx(0.2)
    assert read_condition("at = 14:01 and age >= 70 : 0.5%", 100).share == pytest.approx(0.005)
    assert read_condition("ill = yes: 20 rows", 100).share == pytest.approx(0.2)
    fixed = read_condition("sex = F and age >= 70", 100)
    assert (fixed.share, len(fixed.tests)) == (1.0, 2)
    assert read_pair('pay from "sex"') == ("pay", "sex")
    assert read_pair('pay from "a from b"') == ("pay", "a from b")
    assert read_pair('"pay from ""work""" from "a from b"') == ('pay from "work"', "a from b")
    for text in ("ill: 20 %", "ill = yes: 120 %"):
        with pytest.raises(NotUnderstood):
            read_condition(text, 100)
    with pytest.raises(NotUnderstood):
        read_pair("pay")
    assert [one.message for one in faults_of(read_condition("sex = pay", 100), table().schema)] == [
        "It compares “sex” with the column “pay”."
    ]


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("income from sex", ("income", "sex")),
        ('"years of school" from sex', ("years of school", "sex")),
        ('"from x to y" from "said ""yes"""', ("from x to y", 'said "yes"')),
        ('from from "it\'s"', ("from", "it's")),
    ],
)
def test_two_columns_are_read_whatever_their_names_are(text: str, pair: tuple[str, str]) -> None:
    assert read_pair(text) == pair


@pytest.mark.parametrize("text", ["income", "income from income", "years of school from sex", 'income from "sex'])
def test_a_line_that_does_not_name_two_columns_is_told_how_to(text: str) -> None:
    with pytest.raises(NotUnderstood, match="does not name two columns") as told:
        read_pair(text)
    assert "double quotes" in told.value.remedy


@settings(max_examples=40, deadline=None)
@given(ill=st.floats(0.01, 0.9), women=st.floats(0.2, 0.7))
def test_several_shares_hold_at_once_and_odds_within_stay(ill: float, women: float) -> None:
    wanted = wishes(f"ill = yes: {100 * ill:.4f} %", f"sex = F: {100 * women:.4f} %")
    _, cells, asked = cut(table(), wanted)
    raked, missed = rake(cells.shares, asked)
    assert missed < 1e-6
    assert raked.sum() == pytest.approx(1)
    assert raked[asked.masks[0]].sum() == pytest.approx(ill, abs=1e-5)
    assert raked[asked.masks[1]].sum() == pytest.approx(women, abs=1e-5)
    assert impossible(cells, asked) == []
    was, now = (_odds(asked, one) for one in (cells.shares, raked))
    assert now == pytest.approx(was, rel=1e-3), "raking keeps the odds ratio"


def _odds(asked: Demands, shares: np.ndarray) -> float:
    a, b = asked.masks
    return (shares[a & b].sum() * shares[~a & ~b].sum()) / (shares[a & ~b].sum() * shares[~a & b].sum())


def test_several_columns_are_fixed_together() -> None:
    _, cells, asked = cut(table(), wishes("sex = F and age >= 70 and ill = yes"))
    raked, missed = rake(cells.shares, asked)
    assert missed < 1e-9
    assert (raked > 0).sum() == 1


def test_an_impossible_condition_is_named_with_the_nearest_rate() -> None:
    rows = table()
    none = wishes("age >= 200: 10 %")
    _, cells, asked = cut(rows, none)
    assert impossible(cells, asked) == [Impossible(0, 0.0)]
    everyone = wishes("age >= 18: 10 %")
    _, cells, asked = cut(rows, everyone)
    assert impossible(cells, asked) == [Impossible(0, 1.0)]
    both = wishes("age >= 70: 20 %", "age >= 80: 50 %")
    _, cells, asked = cut(rows, both)
    (told,) = impossible(cells, asked)
    assert told.number == 1
    assert told.nearest == pytest.approx(0.2, abs=0.002)


def test_cells_of_fewer_than_ten_people_are_left_out() -> None:
    rows = pa.table({"a": ["x"] * 90 + ["y"] * 9 + ["z"] * 12})
    parts = [parts_of(read_condition("a in (y, z)", 100).tests, rows.column("a"), np.repeat([0, 1, 2], [90, 9, 12]))]
    cells = cells_of(parts, People())
    assert sorted(np.round(cells.shares * 102).tolist()) == [12, 90]
    assert cells.left_out == pytest.approx(9 / 111)
    same = np.concatenate([np.arange(99), np.full(12, 99)])
    assert len(cells_of(parts, People(same)).codes) == 1, "twelve rows of one person are one person"


def test_levels_are_balanced_and_a_target_is_untied_from_a_sensitive_column() -> None:
    rows = table()
    wanted = wishes(balance=("sex",), independent=(("pay", "sex"),))
    _, cells, asked = cut(rows, wanted)
    raked, missed = rake(cells.shares, asked)
    assert missed < 1e-6
    (sex,), ((pay, again),) = asked.balanced, asked.independent
    assert np.array_equal(sex, again)
    by_sex = np.bincount(sex, raked)
    assert by_sex == pytest.approx(1 / len(by_sex), abs=1e-6)
    rates = [raked[(sex == one) & (pay == 0)].sum() / by_sex[one] for one in range(len(by_sex))]
    assert max(rates) - min(rates) < 1e-5
    assert 0 < effective_rows(ROWS, cells.shares, raked) < ROWS


def test_numbers_are_cut_into_classes_and_rare_levels_into_one() -> None:
    random = np.random.Generator(np.random.Philox(3))
    numbers = np.append(random.normal(size=1000), [np.nan])
    classes = classes_of(numbers)
    assert classes[-1] == 0
    assert np.bincount(classes[:-1])[1:].tolist() == [100] * 10
    levels = np.concatenate([np.repeat(np.arange(100), 5), np.repeat(np.arange(100, 120), 50)])
    cut_up = parts_of([], pa.array(levels), levels)
    assert len(cut_up) == 61
