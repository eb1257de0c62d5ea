"""What a buyer asks of a fitted table holds on every row made, or the quote says why it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from generation.generators.tabular.fitted import generator
from generation.generators.tabular.fitted.conditions import read_condition
from generation.generators.tabular.fitted.held import held_in
from generation.relations import ClockAcross, find, sample_of
from generation.runner.promises import Promises
from generation.sdk import Job, Problem
from generation.sdk.rules import rows_that_pass
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
    """To a row or two: what is asked for is dealt out, not drawn."""
    return abs(share - wanted) * UNITS <= 2


def test_shares_that_are_asked_for_come_out_and_what_hangs_on_them_follows() -> None:
    table = made(conditions=["ill = yes: 40 %", "sex = F and age >= 70: 25 %"])
    ill, old = column(table, "ill") == "yes", (column(table, "sex") == "F") & (column(table, "age") >= 70)
    assert near(ill.mean(), 0.4)
    assert near(old.mean(), 0.25)
    care = column(table, "care")
    assert care[ill].mean() > 1.5 * care[~ill].mean()


def test_a_number_of_rows_that_is_asked_for_is_that_number() -> None:
    table = made(conditions=["ill = yes: 17 rows"], rules=["if ill = yes then ward in (A, B)"])
    assert (column(table, "ill") == "yes").sum() == 17


def test_one_column_may_have_tens_of_shares() -> None:
    table = made(conditions=[f"age = {age}: 1 %" for age in range(20, 70)])
    assert all(near((column(table, "age") == age).mean(), 0.01) for age in range(20, 70))


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


def test_a_rule_that_a_key_is_known_holds_as_it_does_for_any_key() -> None:
    table = made(rules=["case is known", "if case is known then age >= 30"])
    assert len(set(column(table, "case"))) == table.num_rows and column(table, "age").min() >= 30


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


@cache
def marks() -> pa.Table:
    """Marks of two papers, their sum, and the grade that it leads to; what is in order, and a band of the lower one."""
    random = np.random.Generator(np.random.Philox(23))
    first, second, low = (random.integers(0, most, 3 * ROWS) for most in (100, 100, 60))
    return pa.table(
        {
            "first": first,
            "second": second,
            "sum": first + second,
            "grade": grades(first + second),
            "low": low,
            "high": low + random.geometric(0.05, 3 * ROWS),
            "band": [f"B{one // 10}" for one in low],
            "height": np.round(random.normal(170, 9, 3 * ROWS), 1),
        }
    )


def grades(sums: NDArray[Any]) -> NDArray[Any]:
    return np.array([f"G{one // 20}" for one in sums])


def test_what_is_looked_up_follows_what_was_put_right() -> None:
    asked = job_of(Memory(marks()), UNITS)
    table = pa.Table.from_batches(blocks(asked, fit(asked, Memory(marks())), 1_500))
    assert (column(table, "first") + column(table, "second") == column(table, "sum")).all()
    assert (column(table, "grade") == grades(column(table, "sum"))).all()
    assert (column(table, "low") <= column(table, "high")).all()
    assert (column(table, "band") == [f"B{one // 10}" for one in column(table, "low")]).all()


def test_what_is_computed_from_what_is_looked_up_follows_and_so_does_what_is_looked_up_by_that() -> None:
    random = np.random.Generator(np.random.Philox(24))
    kind, extra = random.integers(0, 30, 3 * ROWS), random.integers(0, 60, 3 * ROWS)
    fees = random.permutation(30) * 3
    total = fees[kind] + extra
    kinds = [f"kind {one}" for one in kind]
    source = pa.table({"kind": kinds, "fee": fees[kind], "extra": extra, "total": total, "band": total // 40})
    asked = job_of(Memory(source), UNITS)
    table = pa.Table.from_batches(blocks(asked, fit(asked, Memory(source)), 1_500))
    assert set(zip(column(table, "kind"), column(table, "fee"), strict=True)) <= set(
        zip(kinds, fees[kind], strict=True)
    )
    assert (column(table, "fee") + column(table, "extra") == column(table, "total")).all()
    led = set(zip(column(table, "total"), column(table, "band"), strict=True))
    assert len(led) == len(set(column(table, "total"))), "one value each time"
    assert np.mean([one // 40 == band for one, band in led]) > 0.95


def marked(**parameters: Any) -> tuple[pa.Table, list[dict[str, Any]]]:
    """Rows made of ``marks``, cut into two sizes that are the same, and what is told of relations."""
    asked = job_of(Memory(marks()), UNITS, **parameters)
    assert generator.check(replace(asked, source=Memory(marks()))) == []
    state = fit(asked, Memory(marks()))
    table, other = (pa.Table.from_batches(blocks(asked, state, size)) for size in (UNITS, 900))
    assert table.equals(other)
    promises = Promises("default", asked.params.model_dump()["rules"])
    for batch in table.to_batches():
        promises.check(batch)
    promises.finish()
    return table, cast(dict[str, Any], generator.answer_key(asked, state))["relations"]


def adds_up(table: pa.Table) -> NDArray[Any]:
    return cast(NDArray[Any], column(table, "first") + column(table, "second") == column(table, "sum"))


@pytest.mark.parametrize(
    "parameters",
    [
        {"rules": ["sum <= 120"]},
        {"rules": ["height <= 200"]},
        {"rules": ["grade in (G2, G3)"]},
        {"rules": ["first <= second", "if grade = G4 then first >= 40"]},
        {"conditions": ["grade = G3: 50 %"]},
        {"conditions": ["sum >= 140: 40 %", "grade = G2: 20 %"]},
        {"conditions": ["first >= 50: 80 %"], "rules": ["sum <= 130"]},
    ],
)
def test_what_was_found_holds_on_every_row_beside_rules_and_conditions(parameters: dict[str, Any]) -> None:
    table, told = marked(**parameters)
    assert adds_up(table).all()
    known = {grade: set(column(marks(), "sum")[column(marks(), "grade") == grade]) for grade in ("G2", "G3", "G4")}
    for grade, sums in known.items():
        assert set(column(table, "sum")[column(table, "grade") == grade]) <= sums
    assert not [one for one in told if one["kept"]]
    assert {one["formula"] for one in told if "looked_up" in one} >= {"grade follows from sum"}
    for text in parameters.get("conditions", ()):
        assert near(rows_that_pass(read_condition(text, UNITS).tests, table).mean(), read_condition(text, UNITS).share)
    assert len(set(zip(*(column(table, name) for name in table.column_names), strict=True))) > 0.98 * UNITS


def test_what_stands_in_the_way_of_a_rule_is_let_go_and_the_rows_that_keep_it_are_told() -> None:
    table, told = marked(rules=["first >= 80", "second >= 20", "sum <= 90"])
    (fate,) = [one for one in told if one["formula"] == "sum = first + second"]
    assert fate["kept"]
    assert fate["held_on"] == pytest.approx(adds_up(table).mean(), abs=0.02)
    assert (column(table, "grade") == grades(column(table, "sum"))).all(), "what is not in the way is kept"


def test_a_balanced_column_follows_from_nothing_and_the_rows_that_do_so_nevertheless_are_told() -> None:
    table, told = marked(balance=["band"])
    assert all(near((column(table, "band") == f"B{one}").mean(), 1 / 6) for one in range(6))
    (fate,) = [one for one in told if one["formula"] == "band follows from low"]
    follows = column(table, "band") == [f"B{one // 10}" for one in column(table, "low")]
    assert fate["held_on"] == pytest.approx(follows.mean(), abs=0.03)


def test_a_target_is_not_overwritten_and_its_sum_holds_all_the_same() -> None:
    table, told = marked(target="sum")
    assert adds_up(table).all()
    assert {"first = sum − second", "second = sum − first"} & {one["formula"] for one in told if not one["kept"]}


ZONES = {"NYC": 0, "CHI": -60, "DEN": -120, "LAX": -180, "DEL": 570}


def flights(seed: int = 3) -> pa.Table:
    """Flights whose local times of arrival follow from departure, minutes in the air and the airport's zone."""
    random = np.random.Generator(np.random.Philox(seed))
    to = random.choice(list(ZONES), ROWS)
    leaves, minutes = random.integers(0, 1440, ROWS), random.integers(40, 500, ROWS)
    comes = (leaves + minutes + np.array([ZONES[one] for one in to])) % 1440
    clocks = {name: one // 60 * 100 + one % 60 for name, one in (("leaves", leaves), ("comes", comes))}
    return pa.table({"to": to, "minutes": minutes, **clocks, "seats": random.integers(50, 300, ROWS)})


def test_clocks_across_zones_hold_on_every_row_by_the_code_that_says_the_zone() -> None:
    table = flights()
    asked = job_of(Memory(table), UNITS)
    state = fit(asked, Memory(table))
    (found,) = [one for one in held_in(state).relations if isinstance(one, ClockAcross)]
    assert found.formula == "comes = leaves + minutes minutes, in the zone of to"
    made = pa.Table.from_batches(blocks(asked, state, 1_300))
    leaves, comes = (column(made, name) // 100 * 60 + column(made, name) % 100 for name in ("leaves", "comes"))
    zones = np.array([ZONES[one] for one in column(made, "to")])
    assert ((leaves + column(made, "minutes") + zones - comes) % 1440 == 0).all()
    shuffled = np.random.Generator(np.random.Philox(8)).permutation(column(table, "to"))
    mixed = table.set_column(0, "to", pa.array(shuffled))
    assert not [one for one in find(sample_of(mixed, {})) if one.out == "comes" and one.inputs]


def test_a_rule_of_order_holds_where_decimals_are_as_large_as_their_type_can_be() -> None:
    random = np.random.Generator(np.random.Philox(4))
    drawn = random.integers(0, 90_000, (2, ROWS))
    low, high = np.where(random.random((2, ROWS)) < 0.3, 99_999, drawn)
    columns = {"low": low, "high": high}
    type_ = pa.decimal128(5, 2)
    table = pa.table({name: pa.array([Decimal(int(one)) / 100 for one in of], type_) for name, of in columns.items()})
    asked = job_of(Memory(table), UNITS, rules=["low < high"])
    assert generator.check(replace(asked, source=Memory(table))) == []
    promises = Promises("default", ["low < high"])
    for batch in blocks(asked, fit(asked, Memory(table))):
        promises.check(batch)
    assert promises.finish()["rules"] == [{"rule": "low < high", "rows": UNITS, "held": UNITS}]


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
        ({"conditions": ["ill = yes: 4001 rows"]}, "There are 4,000 rows in all."),
        ({"conditions": ["sex = M: 20 %"], "rules": ["sex = F"]}, "the nearest possible rate is 0 %"),
        ({"rules": ["age >= 80", "age <= drugs", "drugs <= 60"]}, "beside the rules before it, fewer than 10 people"),
        ({"rules": ["case in (C1, C2)"]}, "Column “case” is made anew"),
        ({"rules": ["case is missing"]}, "Column “case” is made anew for every row."),
        ({"rules": ["age is missing"]}, "fewer than 10 people of the source have no value of “age”."),
        ({"rules": ["age >= 200"]}, "fewer than 10 people of the source have such a value of “age”."),
        ({"conditions": ["case = C00001"]}, "Column “case” is not there, or is not learned."),
        ({"conditions": [f"age >= {i} and age < {i + 2}: 2 %" for i in range(20, 84, 2)]}, "is compared in 64 ways"),
        ({"conditions": ["age >= care"]}, "It compares “age” with the column “care”."),
        ({"balance": ["ward"], "conditions": ["ward = A: 50 %"]}, "cannot be met beside the conditions"),
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


def test_a_rule_of_missing_values_is_told_how_few_there_are() -> None:
    # a source says that none is missing where fewer than ten are
    table = patients().set_column(0, pa.field("case", pa.string(), metadata={"missing": "0"}), patients()["case"])
    (problem,) = generator.check(job_of(Memory(table), rules=["case is missing"]))
    assert "Fewer than 10 rows of the source have no value of “case”." in problem.message


def test_all_that_is_wrong_is_said_at_once() -> None:
    told = problems(conditions=["ill", "x = 3"], rules=["age >=", "y > 3"], independent=["z"])
    assert sorted(one.field for one in told) == ["conditions", "conditions", "independent", "rules", "rules"]
    told = problems(conditions=["x = 3", "age >= old"], rules=["y > 3"], balance=["z"])
    assert [one.field for one in told] == ["conditions", "conditions", "balance", "rules"]
    told = problems(rules=["y > 3", "case is missing", "unique bill", "care > 9", "care < 2"])
    assert len(told) == 4 and {one.field for one in told} == {"rules"}


def test_the_state_says_what_the_shares_rest_on_and_tells_of_nobody() -> None:
    asked = job(conditions=["ill = yes: 40 %"], rules=["care <= 3000"])
    held = cast(dict[str, Any], fit(asked, Memory(patients()))["held"])
    assert held["coverage"]["cells"] == 2
    assert 0 < held["coverage"]["effective_rows"] < ROWS
    values = set(column(patients(), "care").tolist())
    assert not values & set(held["choices"]["care"]["levels"])
