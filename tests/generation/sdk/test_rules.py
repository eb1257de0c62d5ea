"""Rules are read as people write them, say what is wrong with them, and hold or do not hold on each row."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.sdk.rules import NotUnderstood, faults_in, read_rule, read_tests, rows_that_keep, rows_that_pass

ROWS = pa.table(
    {
        "age": [17, 40, None, 90],
        "limit": [18.0, 39.5, 1.0, None],
        "sex": ["M", "F", None, "F"],
        "pregnant": [False, True, None, False],
        "Birth place": ["Graz", "Linz", 'the "Alm"', ""],
        "came": [date(2024, 2, 29), date(2024, 3, 1), None, date(2024, 3, 3)],
        "went": [date(2024, 2, 28), date(2024, 3, 1), date(2024, 1, 1), None],
        "F": ["F", "F", "M", "M"],
    }
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("age >= 18", [False, True, True, True]),
        ("age>=18 and age ≤ 89", [False, True, True, False]),
        ("age <= limit", [True, False, True, True]),
        ("came <= went", [False, True, True, True]),
        ("came >= 2024-03-01", [False, True, True, True]),
        ("sex in (F, 'D')", [False, True, True, True]),
        ("sex = 'F'", [False, True, True, True]),
        ("sex = F", [False, True, True, False]),
        ("if sex = M then pregnant = no", [True, True, True, True]),
        ("if sex = 'F' then pregnant = yes", [True, True, True, False]),
        ("if sex is missing then age is missing", [True, True, True, True]),
        ("if age > 80 then went is known and limit is known", [True, True, True, False]),
        ('"Birth place" in (Graz, "the ""Alm""")', [True, False, True, False]),
        ('"Birth place" ≠ Linz', [True, False, True, True]),
    ],
)
def test_a_rule_holds_on_the_rows_that_keep_it_and_where_a_value_is_missing(text: str, kept: list[bool]) -> None:
    rule = read_rule(text)
    assert faults_in(rule, ROWS.schema) == []
    assert rows_that_keep(rule, ROWS).tolist() == kept


def test_a_row_with_a_missing_value_passes_no_test_but_that_it_is_missing() -> None:
    assert rows_that_pass(read_tests("age >= 0"), ROWS).tolist() == [True, True, False, True]
    assert rows_that_pass(read_tests("sex is missing and age is missing"), ROWS).tolist() == [False, False, True, False]


def test_a_rule_of_uniqueness_names_its_column() -> None:
    assert read_rule('unique "Birth place"').unique == "Birth place"
    assert read_rule('"Birth place" is unique').unique == "Birth place"
    with pytest.raises(ValueError, match="one row"):
        rows_that_keep(read_rule("unique age"), ROWS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The line is empty."),
        ("age", "A sign such as = or <= is missing at the end."),
        ("age >=", "A value or a column is missing at the end."),
        ("age >= 3 4", "“4” is too much."),
        ("'age' >= 3", "'age' is a value; the name of a column is due."),
        ("sex in F", "“(” is missing before “F”."),
        ("sex in (F", "“)” is missing at the end."),
        ("if sex = F", "“then” is missing at the end."),
        ('sex = "F', '“"F” cannot be read.'),
        ("age is 3", "After “is” stands “known” or “missing”, or “unique” as all that a rule says."),
        ("age is", "After “is” stands “known” or “missing”, or “unique” as all that a rule says."),
        ("age = 3 and case is unique", "After “is” stands “known” or “missing”, or “unique” as all that a rule says."),
        ("'age' is unique", "'age' is a value; the name of a column is due."),
        ("unique", "A column is missing at the end."),
        ("a" * 3000, "The line has 3,000 characters."),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(text: str, message: str) -> None:
    with pytest.raises(NotUnderstood) as told:
        read_rule(text)
    assert told.value.message == message
    assert told.value.remedy


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("wow! = 3", "Put names and values with signs in double quotes."),
        ('"wow! = 3', "Close each quotation mark."),
        ("it's = 3", "Close each quotation mark."),
    ],
)
def test_what_stands_in_the_way_of_reading_is_what_the_remedy_is_about(text: str, remedy: str) -> None:
    with pytest.raises(NotUnderstood) as told:
        read_rule(text)
    assert told.value.remedy == remedy


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("weight > 3 and height > 4", ["There is no column “weight”.", "There is no column “height”."]),
        ("age > old", ["Column “age”: “old” is no number."]),
        ("came = 3.4.2024", ["Column “came”: “3.4.2024” is no date."]),
        ("sex < M", ["Column “sex” has no order; it holds texts."]),
        ("age < sex", ["Columns “age” and “sex” hold different kinds of values."]),
        ("pregnant in (maybe, no)", ["Column “pregnant”: “maybe” is no boolean."]),
        ("unique nothing", ["There is no column “nothing”."]),
    ],
)
def test_what_no_table_of_these_columns_can_keep_is_said_all_at_once(text: str, messages: list[str]) -> None:
    assert [fault.message for fault in faults_in(read_rule(text), ROWS.schema)] == messages


@settings(max_examples=60, deadline=None)
@given(numbers=st.lists(st.none() | st.integers(-5, 5), min_size=1), low=st.integers(-5, 5), high=st.integers(-5, 5))
def test_a_range_agrees_with_python(numbers: list[int | None], low: int, high: int) -> None:
    kept = rows_that_keep(read_rule(f"x >= {low} and x < {high}"), pa.table({"x": pa.array(numbers, pa.int64())}))
    assert kept.tolist() == [x is None or low <= x < high for x in numbers]


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(codec="utf-8")) | st.from_regex(r"[a-c =<>()',\"and if then in]{0,40}"))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    try:
        rule = read_rule(text)
    except NotUnderstood as fault:
        assert fault.message
    else:
        faults_in(rule, ROWS.schema)
