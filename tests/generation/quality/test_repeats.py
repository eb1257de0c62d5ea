"""How many rows repeat an earlier one: counted while they are few, estimated within the error that stands beside it."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.quality import profile
from generation.quality.repeats import KEPT, Repeats

_ROW = st.tuples(st.one_of(st.none(), st.integers(0, 3)), st.sampled_from(["a", "b", None]), st.booleans())


def repeats_of(*tables: pa.Table) -> Repeats:
    seen = profile.TableProfile(tables[0].schema)
    for table in tables:
        seen.add(table)
    return seen.repeats


def share_of(table: pa.Table) -> float:
    return repeats_of(table).repeated().share


@given(st.lists(_ROW, min_size=1, max_size=60), st.integers(0, 60))
def test_repeated_rows_are_counted_exactly_however_the_rows_are_divided(rows: list[Any], cut: int) -> None:
    table = pa.table({f"c{n}": [row[n] for row in rows] for n in range(3)})
    first, second = repeats_of(table[:cut]), repeats_of(table[cut:])
    first.merge(Repeats.from_json(second.as_json()))
    expected = 1 - len(set(rows)) / len(rows)
    assert first.repeated().share == pytest.approx(expected)
    assert first.repeated().standard_error == 0


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ([1.5, -0.0, 0.0, None], pa.float32()),
        ([[1, 2], [2, 1], [], [1, 2]], pa.list_(pa.int16())),
        ([[1, 2], [1], [2, 1], [1, 2]], pa.large_list(pa.int64())),
        ([[1, 2], [2, 1], None, [1, 2]], pa.list_(pa.int8(), 2)),
        ([{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": None, "b": "x"}, {"a": 1, "b": "x"}], None),
        ([decimal.Decimal("1.10"), decimal.Decimal("1.20"), None, decimal.Decimal("1.1")], pa.decimal128(9, 2)),
        ([datetime.date(2026, 1, 1), datetime.date(2026, 1, 2), None, datetime.date(2026, 1, 1)], pa.date32()),
        (["x" * 200, "x" * 201, None, "x" * 200], pa.large_string()),
        ([b"ab", b"ba", None, b"ab"], pa.binary(2)),
        ([True, False, None, True], pa.bool_()),
    ],
)
def test_one_row_of_four_that_repeats_is_found_in_any_type(values: list[Any], type_: pa.DataType | None) -> None:
    assert share_of(pa.table({"c": pa.array(values, type_)})) == pytest.approx(0.25)


def test_beyond_what_is_kept_the_share_is_estimated_within_its_error() -> None:
    chance = np.random.default_rng(11)
    for share in (0.0, 0.002, 0.05, 0.6):
        distinct = 40 * KEPT
        repeated = int(distinct * share / (1 - share))
        numbers = np.concatenate([np.arange(distinct), chance.integers(0, distinct, repeated)])
        chance.shuffle(numbers)
        found = repeats_of(*(pa.table({"number": part}) for part in np.array_split(numbers, 7))).repeated()
        assert 0 < found.standard_error < 0.02
        assert abs(found.share - repeated / len(numbers)) < 5 * found.standard_error


def test_a_table_of_which_a_part_was_not_asked_says_nothing_of_duplicates() -> None:
    table = pa.table({"a": [1, 1, 2]})
    one = profile.TableProfile(table.schema)
    one.add(table)
    asked, before = one.partial(), one.partial()
    del before["repeats"]
    assert profile.finish(profile.merge([asked, asked]))["duplicates"] == {"share": pytest.approx(4 / 6), "exact": True}
    assert "duplicates" not in profile.finish(profile.merge([asked, before, asked]))
