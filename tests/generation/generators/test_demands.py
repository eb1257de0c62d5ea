"""What a buyer asks of a fitted table holds on every row made, or the quote says why it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from generation.generators.tabular.fitted import generator
from generation.runner.promises import Promises
from generation.sdk import Job, Problem
from tests.data.memory import Memory, blocks, fit, job_of, with_facts

ROWS = 2_000
UNITS = 4_000


@cache
def patients() -> pa.Table:
    """Patients of a ward: dates in order, a bill that adds up, an illness that hangs on sex and age."""
    random = np.random.Generator(np.random.Philox(21))
    sex = random.choice(["F", "M"], ROWS)
    age = random.integers(18, 95, ROWS)
    ill = random.random(ROWS) < np.where((age >= 70) & (sex == "F"), 0.3, 0.04)
    came = random.integers(18_000, 19_500, ROWS)
    stays = random.geometric(0.2, ROWS)
    care = np.round(random.gamma(3, 900, ROWS) * (1 + ill), 2)
    drugs = np.round(random.gamma(2, 150, ROWS), 2)
    gone = random.random(ROWS) < 0.15
    table = pa.table(
        {
            "case": pa.array([f"C{i:05d}" for i in range(ROWS)]),
            "sex": sex,
            "age": age,
            "ill": np.where(ill, "yes", "no"),
            "ward": random.choice(["A", "B", "C", "D"], ROWS, p=[0.5, 0.3, 0.15, 0.05]),
            "came": pa.array(came.astype(np.int32)).cast(pa.date32()),
            "went": pa.array((came + stays).astype(np.int32), mask=gone).cast(pa.date32()),
            "care": care,
            "drugs": drugs,
            "bill": np.round(care + drugs, 2),
            "pregnant": (sex == "F") & (age < 45) & (random.random(ROWS) < 0.2),
        }
    )
    return with_facts(table, case="key")


def job(**parameters: Any) -> Job:
    return job_of(Memory(patients()), UNITS, **parameters)


def made(size: int = 2_000, **parameters: Any) -> pa.Table:
    asked = job(**parameters)
    assert problems(**parameters) == []
    return pa.Table.from_batches(blocks(asked, fit(asked, Memory(patients())), size))


def problems(**parameters: Any) -> list[Problem]:
    return generator.check(replace(job(**parameters), source=Memory(patients())))


def column(table: pa.Table, name: str) -> NDArray[Any]:
    return np.array(table.column(name).to_pylist())


def near(share: float, wanted: float) -> bool:
    """Within four standard deviations of a binomial share."""
    return abs(share - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / UNITS) + 1e-9


def test_shares_that_are_asked_for_come_out_and_what_hangs_on_them_follows() -> None:
    table = made(conditions=["ill = yes: 40 %", "sex = F and age >= 70: 25 %"])
    ill, old = column(table, "ill") == "yes", (column(table, "sex") == "F") & (column(table, "age") >= 70)
    assert near(ill.mean(), 0.4)
    assert near(old.mean(), 0.25)
    care = column(table, "care")
    assert care[ill].mean() > 1.5 * care[~ill].mean()


def test_what_is_fixed_holds_on_every_row() -> None:
    table = made(conditions=["sex = F and age >= 70 and ill = yes", "ward not in (C, D)", "came >= 2020-01-01"])
    assert set(column(table, "sex")) == {"F"}
    assert column(table, "age").min() >= 70
    assert set(column(table, "ill")) == {"yes"}
    assert set(column(table, "ward")) <= {"A", "B"}
    assert str(column(table, "came").min()) >= "2020-01-01"


def test_levels_are_balanced_and_a_dependence_is_taken_away() -> None:
    table = made(balance=["ward"], independent=["ill from sex"], target="ill")
    ward, ill, sex = (column(table, name) for name in ("ward", "ill", "sex"))
    assert all(near((ward == one).mean(), 0.25) for one in "ABCD")
    rates = [(ill[sex == one] == "yes").mean() for one in "FM"]
    assert abs(rates[0] - rates[1]) < 0.03
    source = patients()
    was = [(column(source, "ill")[column(source, "sex") == one] == "yes").mean() for one in "FM"]
    assert abs(was[0] - was[1]) > 0.05


RULES = [
    "age >= 21 and age <= 80",
    "came <= went",
    "ward in (A, B)",
    "if sex = M then pregnant = no",
    "if ill = yes then went is known",
    "if ward = B then care < 4000.5",
    "unique case",
    "drugs > 20",
]


def test_rules_hold_on_every_row_and_the_writer_says_so() -> None:
    table = made(rules=RULES)
    promises = Promises("default", RULES)
    for batch in table.to_batches():
        promises.check(batch)
    assert promises.finish()["rules"] == [{"rule": rule, "rows": UNITS, "held": UNITS} for rule in RULES]
    shares = [(column(table, "ward") == one).mean() for one in "AB"]
    assert shares[0] > shares[1] > 0.25, "levels that are allowed stay as frequent among themselves"
    assert (column(table, "age") == 80).mean() < 0.1, "no crowd at a border"


ANY_RULE = st.one_of(
    st.builds("age {} {}".format, st.sampled_from(["<=", ">=", "<", ">", "≠"]), st.integers(25, 85)),
    st.builds("care {} {}".format, st.sampled_from(["<=", ">="]), st.integers(500, 4000)),
    st.builds("ward not in ({})".format, st.sampled_from(["A", "B", "C"])),
    st.builds("if ward = {} then sex = {}".format, st.sampled_from("ABCD"), st.sampled_from("FM")),
    st.builds("if age >= {} then ill = {}".format, st.integers(30, 90), st.sampled_from(["yes", "no"])),
    st.builds("came >= 20{}-01-01".format, st.integers(20, 22)),
    st.sampled_from(["came < went", "drugs <= care", "if sex = F then went is missing", "went is known"]),
)


@settings(max_examples=8, deadline=None)
@given(rules=st.lists(ANY_RULE, min_size=1, max_size=3, unique_by=lambda rule: rule.split()[0] + rule[-4:]))
def test_rules_that_the_quote_accepts_hold_whatever_they_are(rules: list[str]) -> None:
    if _quarrel(rules) or problems(rules=rules):
        return
    asked = replace(job(rules=rules), units=1_000)
    promises = Promises("default", rules)
    for batch in blocks(asked, fit(asked, Memory(patients())), 1_000):
        promises.check(batch)
    assert promises.finish()


def _quarrel(rules: Sequence[str]) -> bool:
    """Rules that say different things of the same rows: what they make of each other is the writer's to refuse."""
    said = [rule.rpartition("then")[2].split()[0] for rule in rules]
    return len(set(said)) < len(said)


def test_relations_hold_on_every_row_unless_they_are_let_go() -> None:
    table = made()
    off = np.abs(column(table, "care") + column(table, "drugs") - column(table, "bill"))
    assert off.max() < 0.0051
    came, went = column(table, "came"), column(table, "went")
    known = np.array([one is not None for one in went])
    assert (came[known] <= went[known]).all()
    loose = made(ignore_relations=["bill = care + drugs"])
    off = np.abs(column(loose, "care") + column(loose, "drugs") - column(loose, "bill"))
    assert off.max() > 1


def test_rows_are_the_same_however_they_are_cut_into_blocks() -> None:
    asked = job(conditions=["ill = yes: 40 %"], rules=RULES[:6])
    state = fit(asked, Memory(patients()))
    whole, cut = (pa.Table.from_batches(blocks(asked, state, size)) for size in (UNITS, 700))
    assert whole.equals(cut)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"conditions": ["age >= 300: 5 %"]}, "“age >= 300: 5 %”: fewer than 10 people meet this"),
        ({"conditions": ["age >= 18: 5 %"]}, "the nearest possible rate is 100 %"),
        ({"conditions": ["ill = yes: 10 %", "ill = yes and sex = F: 30 %"]}, "beside the other conditions is 9.99 %"),
        ({"conditions": ["ill = yes: 120 %"]}, "A share is more than 100 %."),
        ({"conditions": ["case = C00001"]}, "Column “case” is not there, or is not learned."),
        ({"conditions": ["age >= care"]}, "It compares “age” with the column “care”."),
        ({"balance": ["age"]}, "Column “age” holds numbers or times, which have no levels."),
        ({"independent": ["ill"]}, "“ill” does not name two columns."),
        ({"independent": ["ill from nothing"]}, "Column “nothing” is not there"),
        ({"rules": ["age >= 50", "age <= 40"]}, "No value of “age” keeps this rule and those before it."),
        ({"rules": ["ward in (X, Y)"]}, "fewer than 10 people of the source have such a value of “ward”."),
        ({"rules": ["unique care"]}, "Column “care” (double) cannot be made anew for every row."),
        ({"rules": ["care ≠ drugs"]}, "cannot be held apart"),
    ],
)
def test_what_cannot_be_given_is_said_with_the_quote(parameters: dict[str, Any], told: str) -> None:
    (problem,) = problems(**parameters)
    assert problem.field in parameters
    assert told in problem.message
    assert problem.remedy


def test_all_that_is_wrong_is_said_at_once() -> None:
    told = problems(conditions=["ill", "x = 3"], rules=["age >=", "y > 3"], independent=["z"])
    assert [one.field for one in told] == ["conditions", "independent", "rules"]
    told = problems(conditions=["x = 3", "age >= old"], rules=["y > 3"], balance=["z"])
    assert [one.field for one in told] == ["conditions", "conditions", "balance", "rules"]


def test_the_state_says_what_the_shares_rest_on_and_tells_of_nobody() -> None:
    asked = job(conditions=["ill = yes: 40 %"], rules=["care <= 3000"])
    held = cast(dict[str, Any], fit(asked, Memory(patients()))["held"])
    assert held["coverage"]["cells"] == 2
    assert 0 < held["coverage"]["effective_rows"] < ROWS
    values = set(column(patients(), "care").tolist())
    assert not values & set(held["choices"]["care"]["levels"])
