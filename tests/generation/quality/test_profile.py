"""Statistics are true of the data: exact ones equal what DuckDB and numpy count, sketched ones lie within their error.

However rows are cut into batches and shards, exact figures are the same and the others keep their error.
"""

from __future__ import annotations

import io
import itertools
import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from generation.quality.profile import TableProfile, finish, merge
from generation.quality.sketches import DISTINCT_ERROR, RANK_ERROR, Digest, quantiles
from generation.sdk import PICTURE, field

SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
Statistics = dict[str, Any]


def profile(table: pa.Table) -> dict[str, Any]:
    """The partial of one pass, as it crosses between processes."""
    profiled = TableProfile(table.schema)
    profiled.add(table)
    partial: dict[str, Any] = json.loads(json.dumps(profiled.partial(), allow_nan=False))
    return partial


def statistics(table: pa.Table, cuts: Sequence[int] = ()) -> dict[str, Statistics]:
    """The published statistics by column, made in shards cut at ``cuts`` and merged in their order."""
    edges = [0, *sorted(cut % (table.num_rows + 1) for cut in cuts), table.num_rows]
    partials = [profile(table.slice(start, stop - start)) for start, stop in itertools.pairwise(edges)]
    finished = json.loads(json.dumps(finish(merge(partials)), allow_nan=False))
    assert finished["schema"] == "lookalike/statistics/1"
    assert finished["rows"] == table.num_rows
    return {column["name"]: column for column in finished["columns"]}


def of(array: Any, cuts: Sequence[int] = ()) -> Statistics:
    """The statistics of one column."""
    return statistics(pa.table({"x": array}), cuts)["x"]


def part(column: Statistics, name: str) -> Statistics:
    found: Statistics = next(one for one in column["parts"] if one["name"] == name)
    return found


def ask(query: str, table: pa.Table) -> list[Any]:
    """One row of what DuckDB says of the table ``t``."""
    with duckdb.connect() as database:
        database.register("t", table)
        row = database.execute(query).fetchone()
    assert row is not None
    return list(row)


def assert_ranks(column: Statistics, values: np.ndarray) -> None:
    """Quantiles and histogram lie within the error that they state, of the values that there are."""
    ordered = np.sort(values)
    told = column["quantiles"]
    assert [share for share, _ in told["at"]] == list(SHARES)
    assert told["exact"] == (told["rank_error"] == 0)
    slack = told["rank_error"] + (0 if told["exact"] else 1 / len(ordered))
    for share, quantile in told["at"]:
        below, up_to = (np.searchsorted(ordered, float(quantile), side) / len(ordered) for side in ("left", "right"))
        assert below - slack - 1e-12 <= share <= up_to + slack + 1e-12
    histogram = column["histogram"]
    edges = np.array([float(edge) for edge in histogram["edges"]])
    assert len(edges) == len(histogram["counts"]) + 1
    assert sum(histogram["counts"]) == len(ordered)
    assert min(histogram["counts"]) >= 0
    assert (edges[0], edges[-1]) == (float(ordered[0]), float(ordered[-1]))
    cumulative = np.cumsum(histogram["counts"]) / len(ordered)
    for edge, share in zip(edges[1:-1], cumulative, strict=False):
        below, up_to = (np.searchsorted(ordered, edge, side) / len(ordered) for side in ("left", "right"))
        assert below - slack - 1e-9 <= share <= up_to + slack + 1e-9


cuts = st.lists(st.integers(0, 10**6), max_size=4)
finite = st.floats(allow_nan=False, allow_infinity=False)


@given(
    values=st.lists(st.none() | st.floats(), max_size=60),
    type_=st.sampled_from([pa.float64(), pa.float32()]),
    cuts=cuts,
)
@example(values=[1e308, 1e308, -1e308], type_=pa.float64(), cuts=[1])
@example(values=[1e200, -1e200, 3.0], type_=pa.float64(), cuts=[])
@example(values=[5e-324, 5e-324], type_=pa.float64(), cuts=[])
@example(values=[0.0, 5e-324], type_=pa.float64(), cuts=[])
@example(values=[0.0, 4.987113413625862e-307], type_=pa.float64(), cuts=[])
@settings(max_examples=200)
def test_of_floating_numbers_all_is_counted_and_only_the_finite_are_measured(
    values: list[float | None], type_: pa.DataType, cuts: list[int]
) -> None:
    with np.errstate(over="ignore"):
        narrow = np.array([math.nan if v is None else v for v in values], float).astype(type_.to_pandas_dtype())
    array = pa.array(narrow, type_, mask=np.array([v is None for v in values], bool))
    column = of(array, cuts)
    there = np.array([v for v, is_there in zip(narrow, array.is_valid().to_pylist(), strict=True) if is_there], float)
    numbers = there[np.isfinite(there)]
    assert (column["count"], column["nulls"]) == (len(there), len(values) - len(there))
    assert (column["nan"], column["infinite"]) == (np.isnan(there).sum(), np.isinf(there).sum())
    assert column["distinct"] == {"value": len(np.unique(numbers)), "exact": True}
    if not len(numbers):
        assert not {"minimum", "mean", "quantiles", "histogram"} & set(column)
        assert column["values"] == []
        return
    assert (column["minimum"], column["maximum"]) == (numbers.min(), numbers.max())
    largest = np.abs(numbers).max()
    mean = float(sum(map(Fraction, numbers.tolist())) / len(numbers))
    assert column["mean"] == pytest.approx(mean, rel=1e-9, abs=max(1e-9 * largest, 1e-300))
    if len(numbers) == 1:
        assert column["deviation"] is None
    elif column["deviation"] is None:
        assert largest > 1e150  # its square is no double any more
    else:
        scaled = numbers / (largest or 1)
        slack = max(1e-7 * largest, 1e-150)  # whose square is no double either
        assert column["deviation"] == pytest.approx(float(scaled.std(ddof=1)) * largest, rel=1e-6, abs=slack)
    told = {entry["value"]: entry["count"] for entry in column["values"]}
    assert told == dict(zip(*(found.tolist() for found in np.unique(numbers, return_counts=True)), strict=True))
    assert_ranks(column, numbers)


@given(
    values=st.lists(st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-5, 5), max_size=60),
    cuts=cuts,
)
@settings(max_examples=100)
def test_of_whole_numbers_everything_is_exact_also_beyond_what_a_double_holds(
    values: list[int | None], cuts: list[int]
) -> None:
    column = of(pa.array(values, pa.int64()), cuts)
    numbers = [value for value in values if value is not None]
    assert (column["count"], column["nulls"]) == (len(numbers), len(values) - len(numbers))
    assert column["distinct"] == {"value": len(set(numbers)), "exact": True}
    told = {int(entry["value"]): entry["count"] for entry in column["values"]}
    assert told == {number: numbers.count(number) for number in numbers}
    if numbers:
        for word, number in (("minimum", min(numbers)), ("maximum", max(numbers))):
            assert column[word] == (str(number) if abs(number) > 2**53 else number)
        ordered = sorted(numbers)
        for share, quantile in column["quantiles"]["at"]:
            assert int(quantile) == ordered[math.ceil(share * len(ordered)) - 1]


@pytest.mark.parametrize("type_", [pa.uint64(), pa.int8(), pa.uint16()])
def test_every_width_of_whole_numbers_is_a_number(type_: pa.DataType) -> None:
    largest = 2 ** (type_.bit_width - (0 if "u" in str(type_) else 1)) - 1
    column = of(pa.array([0, 1, largest], type_))
    assert int(column["maximum"]) == largest
    assert column["distinct"] == {"value": 3, "exact": True}


def test_half_precision_is_a_number_too() -> None:
    column = of(pa.array(np.array([0.5, np.nan, 2], np.float16)))
    assert (column["minimum"], column["maximum"], column["nan"]) == (0.5, 2.0, 1)


DISTRIBUTIONS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.normal(1e6, 3, n),
    "heavy tails": lambda rng, n: rng.standard_cauchy(n),
    "log-normal": lambda rng, n: rng.lognormal(0, 3, n),
    "half of it zero": lambda rng, n: np.where(rng.random(n) < 0.5, 0.0, rng.normal(0, 1, n)),
    "a third of it a tenth": lambda rng, n: np.where(rng.random(n) < 0.3, 0.1, rng.random(n)),
    "half of it the least": lambda rng, n: np.where(rng.random(n) < 0.5, 1.1, 2 + rng.random(n) * 1e9),
    "a third of it far off": lambda rng, n: np.where(rng.random(n) < 0.3, -1e300, rng.random(n)),
    "two far clusters": lambda rng, n: np.where(rng.random(n) < 0.3, rng.normal(-1e9, 1, n), rng.normal(1e9, 1, n)),
    "many of few": lambda rng, n: rng.zipf(1.3, n).clip(0, 1e15).astype(np.float64),
    "ascending": lambda rng, n: np.arange(n, dtype=np.float64),
    "descending": lambda rng, n: np.arange(n, 0, -1, dtype=np.float64),
    "alternating": lambda rng, n: np.where(np.arange(n) % 2, 1, -1) * np.arange(n, dtype=np.float64) ** 2,
    "whole": lambda rng, n: rng.integers(-(2**62), 2**62, n),
    "counts": lambda rng, n: rng.poisson(10**6, n),
    "endless": lambda rng, n: rng.choice([1e308, -1e308, 1.0], n) * rng.random(n),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("shards", [1, 40])
def test_of_many_numbers_sketches_keep_the_error_that_they_state(name: str, shards: int) -> None:
    n = 60_000
    values = DISTRIBUTIONS[name](np.random.default_rng(20261124), n)
    table = pa.table({"x": values})
    column = of(values, [n * i // shards for i in range(1, shards)])
    least, most, distinct, mean = ask(
        "SELECT min(x), max(x), count(DISTINCT x), avg(x::DOUBLE / 1e10) * 1e10 FROM t", table
    )
    assert (float(column["minimum"]), float(column["maximum"])) == (float(least), float(most))
    assert column["mean"] == pytest.approx(mean, rel=1e-9, abs=1e-9 * np.abs(values.astype(float)).max())
    told = column["distinct"]
    assert told == {"value": told["value"], "exact": False, "standard_error": round(DISTINCT_ERROR, 4)}
    assert abs(told["value"] - distinct) <= 4 * told["standard_error"] * distinct
    assert (column["quantiles"]["exact"], column["quantiles"]["rank_error"]) == (False, RANK_ERROR)
    assert "values" not in column
    assert_ranks(column, values.astype(np.float64))


@pytest.mark.parametrize("distinct", [257, 1024, 1025, 3000, 10_000, 12_000, 15_000, 20_000, 40_000])
def test_how_many_values_differ_is_exact_up_to_a_thousand_and_then_within_its_error(distinct: int) -> None:
    errors = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        pool = rng.choice(10**12, distinct, replace=False)
        told = of(np.concatenate([pool, rng.choice(pool, 500)]))["distinct"]
        texts = of(pa.array([f"{value:x}" for value in pool]))["distinct"]
        if distinct <= 1024:
            assert told == texts == {"value": distinct, "exact": True}
        else:
            errors += [told["value"] / distinct - 1, texts["value"] / distinct - 1]
    assert max((abs(error) for error in errors), default=0) <= 4 * DISTINCT_ERROR
    # Half of them within two thirds of a standard error would be usual; three quarters within two is certain.
    assert sum(abs(error) <= 2 * DISTINCT_ERROR for error in errors) >= 0.75 * len(errors)


@given(seed=st.integers(0, 2**32), cuts=cuts)
@settings(max_examples=20)
def test_exact_figures_do_not_depend_on_how_rows_are_cut(seed: int, cuts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    n = 3000
    table = pa.table(
        {
            "few": rng.integers(0, 50, n),
            "many": rng.integers(0, 10**9, n),
            "float": rng.normal(0, 1, n),
            "text": rng.integers(0, 2000, n).astype(str),
            "flag": pa.array(rng.random(n) < 0.3, mask=rng.random(n) < 0.1),
            "long": ["x" * (i % 400) for i in range(n)],
        }
    )
    whole, parts = statistics(table), statistics(table, cuts)
    assert list(parts) == list(whole)
    for name, column in parts.items():
        assert _exact(column) == _exact(whole[name])
        assert column["distinct"] == whole[name]["distinct"]
        for word in {"mean", "deviation"} & set(column):
            assert column[word] == pytest.approx(whole[name][word], rel=1e-9, abs=1e-9)
        if "quantiles" in column:
            assert_ranks(column, table[name].to_numpy().astype(float))


def _exact(column: Statistics) -> Statistics:
    exact = {
        key: value
        for key, value in column.items()
        if key in ("name", "type", "kind", "count", "nulls", "nan", "infinite", "minimum", "maximum", "values")
        or (key in ("quantiles", "histogram", "distinct") and value["exact"])
    }
    return exact | {"parts": [_exact(one) for one in column.get("parts", ())]}


def test_merging_in_order_of_shards_gives_the_same_bytes_each_time_and_joins_as_it_likes() -> None:
    rng = np.random.default_rng(5)
    partials = [profile(pa.table({"x": rng.normal(0, 1, 5000), "t": rng.integers(0, 9**9, 5000)})) for _ in range(5)]
    assert merge(partials) == merge(json.loads(json.dumps(partials)))
    assert finish(merge([merge(partials[:2]), *partials[2:]])) == finish(merge(partials))
    with pytest.raises(ValueError, match="nothing to merge"):
        merge([])
    with pytest.raises(ValueError, match="different columns"):
        merge([profile(pa.table({"x": [1]})), profile(pa.table({"x": ["a"]}))])


def test_pieces_in_the_same_order_give_the_same_bytes_in_any_buffers() -> None:
    values = np.random.default_rng(5).normal(0, 1, 3000)
    whole = pa.table({"x": values})
    assert profile(whole) == profile(pa.table({"x": pa.chunked_array([values])})) == profile(whole.slice(0))


@given(values=st.lists(st.none() | st.booleans(), max_size=40), cuts=cuts)
@settings(max_examples=60)
def test_booleans_are_counted(values: list[bool | None], cuts: list[int]) -> None:
    column = of(pa.array(values, pa.bool_()), cuts)
    there = [value for value in values if value is not None]
    assert column["kind"] == "boolean"
    assert (column["count"], column["nulls"]) == (len(there), len(values) - len(there))
    assert {entry["value"]: entry["count"] for entry in column["values"]} == {v: there.count(v) for v in there}
    counts = [entry["count"] for entry in column["values"]]
    assert counts == sorted(counts, reverse=True)
    assert not {"minimum", "mean", "quantiles"} & set(column)


@given(
    values=st.lists(st.none() | st.text(max_size=8) | st.text(min_size=250, max_size=300), max_size=30),
    type_=st.sampled_from([pa.string(), pa.large_string()]),
    cuts=cuts,
)
@settings(max_examples=80)
def test_texts_are_counted_and_their_characters_measured(
    values: list[str | None], type_: pa.DataType, cuts: list[int]
) -> None:
    column = of(pa.array(values, type_), cuts)
    there = [value for value in values if value is not None]
    assert (column["kind"], column["count"], column["nulls"]) == ("text", len(there), len(values) - len(there))
    assert column["distinct"] == {"value": len(set(there)), "exact": True}
    if all(len(value.encode()) <= 256 for value in there):
        assert {entry["value"]: entry["count"] for entry in column["values"]} == {v: there.count(v) for v in there}
    else:
        assert "values" not in column
    length = part(column, "length")
    assert length["count"] == len(there)
    if there:
        sizes = [len(value) for value in there]
        assert (length["minimum"], length["maximum"]) == (min(sizes), max(sizes))


def test_more_than_256_different_values_are_no_longer_listed() -> None:
    for values in (list(range(256)), [str(number) for number in range(256)]):
        assert len(of(pa.array(values))["values"]) == 256
        more = of(pa.array([*values, *values[:1], type(values[0])(999)]))
        assert "values" not in more
        assert more["distinct"] == {"value": 257, "exact": True}


def test_values_stand_in_order_of_how_often_they_occur_and_then_of_size() -> None:
    column = of(pa.array(["b", "a", "c", "c", None]))
    assert column["values"] == [
        {"value": "c", "count": 2},
        {"value": "a", "count": 1},
        {"value": "b", "count": 1},
    ]


TIMES: list[tuple[pa.DataType, list[Any], str, str, str, float]] = [
    (pa.date32(), [date(2020, 1, 1), date(2020, 1, 2)], "2020-01-01", "2020-01-02", "2020-01-01T12:00:00", 86_400),
    (pa.date32(), [date(1, 1, 1), date(9999, 12, 31)], "0001-01-01", "9999-12-31", "5000-07-02", 0),
    (
        pa.timestamp("us"),
        [datetime(1969, 12, 31, 23, 59, 59, 999_999), datetime(1970, 1, 1, 0, 0, 0, 3)],  # noqa: DTZ001
        "1969-12-31T23:59:59.999999",
        "1970-01-01T00:00:00.000003",
        "1970-01-01T00:00:00.000001",
        4e-6,
    ),
    (
        pa.timestamp("ns", "UTC"),
        [datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, 1, tzinfo=UTC)],
        "2020-01-01T00:00:00Z",
        "2020-01-01T01:00:00Z",
        "2020-01-01T00:30:00Z",
        3600,
    ),
    (
        pa.timestamp("s"),
        [datetime(2020, 1, 1), datetime(2020, 1, 1, 1)],  # noqa: DTZ001
        "2020-01-01T00:00:00",
        "2020-01-01T01:00:00",
        "2020-01-01T00:30:00",
        3600,
    ),
    (pa.time64("us"), [time(8), time(10)], "08:00:00", "10:00:00", "09:00:00", 7200),
    (pa.time32("ms"), [time(8), time(8, 0, 1)], "08:00:00", "08:00:01", "08:00:00.500000", 1),
]


@pytest.mark.parametrize(("type_", "values", "least", "most", "mean", "apart"), TIMES)
def test_times_are_told_as_text_and_their_spread_in_seconds(
    type_: pa.DataType, values: list[Any], least: str, most: str, mean: str, apart: float
) -> None:
    column = of(pa.array([*values, None], type_))
    assert (column["kind"], column["nulls"]) == ("time", 1)
    assert (column["minimum"], column["maximum"], column["mean"]) == (least, most, mean)
    if apart:
        assert column["deviation"] == pytest.approx(apart / 2**0.5, rel=1e-9)
    assert [entry["value"] for entry in column["values"]] == [least, most]
    assert (column["histogram"]["edges"][0], column["histogram"]["edges"][-1]) == (least, most)


def test_durations_are_seconds() -> None:
    column = of(pa.array([timedelta(seconds=1), timedelta(seconds=2.5)], pa.duration("ms")))
    assert (column["kind"], column["minimum"], column["maximum"], column["mean"]) == ("time", 1.0, 2.5, 1.75)


def test_many_times_are_sketched_and_their_extremes_exact() -> None:
    ticks = np.random.default_rng(3).integers(0, 2 * 10**18, 20_000)
    column = of(pa.array(ticks, pa.timestamp("ns")))
    least, most = ask(
        "SELECT min(x)::VARCHAR, max(x)::VARCHAR FROM t", pa.table({"x": pa.array(ticks // 1000, pa.timestamp("us"))})
    )
    assert (column["minimum"], column["maximum"]) == (least.replace(" ", "T"), most.replace(" ", "T"))
    quantiles = np.array([np.datetime64(value, "ns").astype(np.int64) for _, value in column["quantiles"]["at"]])
    ranks = np.searchsorted(np.sort(ticks), quantiles) / len(ticks)
    assert np.abs(ranks - SHARES).max() <= RANK_ERROR


@given(
    values=st.lists(
        st.none() | st.decimals(-(10**6), 10**6, places=2, allow_nan=False, allow_infinity=False), max_size=40
    ),
    cuts=cuts,
)
@settings(max_examples=60)
def test_decimals_are_numbers(values: list[Decimal | None], cuts: list[int]) -> None:
    column = of(pa.array(values, pa.decimal128(12, 2)), cuts)
    there = [value for value in values if value is not None]
    assert (column["kind"], column["count"], column["nulls"]) == ("number", len(there), len(values) - len(there))
    assert column["distinct"] == {"value": len(set(there)), "exact": True}
    if there:
        assert (column["minimum"], column["maximum"]) == (float(min(there)), float(max(there)))
        assert column["mean"] == pytest.approx(float(sum(there) / len(there)), rel=1e-9, abs=1e-9)


def test_decimals_of_more_digits_than_a_double_has_are_told_apart() -> None:
    values = [Decimal(10**30 + number) for number in range(5)]
    column = of(pa.array([*values, values[0]], pa.decimal128(38, 0)))
    assert column["distinct"] == {"value": 5, "exact": True}


EMPTY = pa.schema(
    [
        ("number", pa.float64()),
        ("whole", pa.int32()),
        ("text", pa.string()),
        ("flag", pa.bool_()),
        ("time", pa.timestamp("us")),
        ("amount", pa.decimal128(9, 2)),
        ("bytes", pa.binary()),
        ("list", pa.list_(pa.int64())),
        ("struct", pa.struct({"a": pa.int64()})),
    ]
)


@pytest.mark.parametrize("rows", [0, 3])
def test_columns_without_a_value_have_counts_and_nothing_else(rows: int) -> None:
    table = pa.table({name: pa.nulls(rows, EMPTY.field(name).type) for name in EMPTY.names}, EMPTY)
    for column in statistics(table, [1]).values():
        assert (column["count"], column["nulls"]) == (0, rows)
        assert not {"minimum", "maximum", "mean", "deviation", "quantiles", "histogram"} & set(column)
        if "distinct" in column:
            assert (column["distinct"], column["values"]) == ({"value": 0, "exact": True}, [])


def test_one_value_alone_has_no_deviation_and_one_bar() -> None:
    column = of(pa.array([3.5, 3.5, 3.5]))
    assert (column["mean"], column["deviation"]) == (3.5, 0.0)
    assert column["histogram"]["edges"] == [3.5, 3.5]
    assert column["histogram"]["counts"] == [3]
    assert of(pa.array([3.5]))["deviation"] is None


def test_lists_have_lengths_and_elements_and_structs_their_parts() -> None:
    type_ = pa.list_(pa.struct({"code": pa.string(), "size": pa.float64()}))
    values = [[{"code": "a", "size": 1.0}, {"code": None, "size": 3.0}], [], None, [None]]
    column = of(pa.array(values, type_), [2])
    assert (column["kind"], column["count"], column["nulls"]) == ("list", 3, 1)
    length, element = part(column, "length"), part(column, "element")
    assert (length["minimum"], length["maximum"], length["count"]) == (0, 2, 3)
    assert (element["kind"], element["count"], element["nulls"]) == ("struct", 2, 1)
    code, size = part(element, "code"), part(element, "size")
    assert (code["count"], code["nulls"], code["values"]) == (1, 1, [{"value": "a", "count": 1}])
    assert (size["count"], size["minimum"], size["maximum"], size["mean"]) == (2, 1.0, 3.0, 2.0)


@given(
    values=st.lists(st.none() | st.lists(st.none() | st.integers(-9, 9), max_size=4), max_size=30),
    type_=st.sampled_from([pa.list_, pa.large_list]),
    cuts=cuts,
)
@settings(max_examples=60)
def test_elements_are_counted_below_lists_and_not_below_nulls(
    values: list[list[int | None] | None], type_: Callable[[pa.DataType], pa.DataType], cuts: list[int]
) -> None:
    column = of(pa.array(values, type_(pa.int64())), cuts)
    lists = [value for value in values if value is not None]
    elements = [element for value in lists for element in value]
    told = part(column, "element")
    assert (told["count"], told["nulls"]) == (sum(e is not None for e in elements), elements.count(None))
    assert part(column, "length")["count"] == len(lists)


def test_lists_of_fixed_size_are_lists() -> None:
    column = of(pa.array([[1, 2], None, [3, None]], pa.list_(pa.int64(), 2)))
    assert (column["kind"], column["count"], column["nulls"]) == ("list", 2, 1)
    assert part(column, "length")["values"] == [{"value": 2, "count": 2}]
    assert (part(column, "element")["count"], part(column, "element")["nulls"]) == (3, 1)


def test_bytes_have_a_length() -> None:
    for array in (
        pa.array([b"a", b"abc", None]),
        pa.array([b"a", b"abc", None], pa.large_binary()),
    ):
        column = of(array)
        assert (column["kind"], column["count"], column["nulls"]) == ("bytes", 2, 1)
        assert (part(column, "length")["minimum"], part(column, "length")["maximum"]) == (1, 3)
    assert part(of(pa.array([b"ab", b"cd"], pa.binary(2))), "length")["values"] == [{"value": 2, "count": 2}]


def test_pictures_have_size_width_height_and_type() -> None:
    contents = []
    for kind, size in (("PNG", (4, 5)), ("JPEG", (16, 8)), ("PNG", (4, 5))):
        file = io.BytesIO()
        Image.new("RGB", size, "teal").save(file, kind)
        contents.append(file.getvalue())
    values = [*({"bytes": content, "path": "a"} for content in contents), None]
    schema = pa.schema([field("photo", PICTURE, "Photo.", role="media", media="image/png", nullable=True)])
    column = statistics(pa.table({"photo": pa.array(values, PICTURE)}, schema), [1])["photo"]
    assert (column["kind"], column["count"], column["nulls"]) == ("picture", 3, 1)
    assert part(column, "bytes")["mean"] == pytest.approx(np.mean([len(content) for content in contents]))
    assert (part(column, "width")["minimum"], part(column, "width")["maximum"]) == (4, 16)
    assert part(column, "height")["values"] == [{"value": 5, "count": 2}, {"value": 8, "count": 1}]
    assert part(column, "media_type")["values"] == [
        {"value": "image/png", "count": 2},
        {"value": "image/jpeg", "count": 1},
    ]


def test_random_tables_agree_with_duckdb() -> None:
    rng = np.random.default_rng(11)
    n = 20_000
    table = pa.table(
        {
            "int": pa.array(rng.integers(-(10**12), 10**12, n), mask=rng.random(n) < 0.1),
            "real": pa.array(rng.normal(50, 9, n), mask=rng.random(n) < 0.2),
            "class": pa.array(rng.choice(["a", "b", "ç"], n, p=[0.5, 0.3, 0.2]), mask=rng.random(n) < 0.05),
            "day": pa.array(rng.integers(0, 20_000, n).astype(np.int32)).cast(pa.date32()),
            "cents": pa.array(rng.integers(0, 10**7, n)).cast(pa.decimal128(19, 0)),
        }
    )
    for name, column in statistics(table, [7000, 7001, 15_000]).items():
        count, distinct, least, most = ask(
            f'SELECT count("{name}"), count(DISTINCT "{name}"), min("{name}"), max("{name}") FROM t', table
        )
        assert (column["count"], column["nulls"]) == (count, n - count)
        assert abs(column["distinct"]["value"] - distinct) <= (
            0 if column["distinct"]["exact"] else 4 * DISTINCT_ERROR * distinct
        )
        if name == "class":
            assert sorted((e["count"], e["value"]) for e in column["values"]) == sorted(
                (table.filter(pa.compute.equal(table[name], v)).num_rows, v) for v in ("a", "b", "ç")
            )
        elif name == "day":
            assert (column["minimum"], column["maximum"]) == (least.isoformat(), most.isoformat())
        else:
            assert (column["minimum"], column["maximum"]) == (float(least), float(most))
            mean, deviation = ask(f'SELECT avg("{name}"), stddev_samp("{name}"::DOUBLE) FROM t', table)
            assert column["mean"] == pytest.approx(float(mean), rel=1e-9)
            assert column["deviation"] == pytest.approx(deviation, rel=1e-9)


def test_a_value_that_most_rows_have_is_ranked_right_when_shards_counted_it_and_others_sketched() -> None:
    """Shards of few values count them; merged with one of many, the count becomes a single heavy point."""
    rng = np.random.default_rng(20261126)
    few = -rng.integers(1, 100, 20_000).astype(np.float64)
    few[rng.random(len(few)) < 0.95] = 0.0
    many = np.where(rng.random(20_000) < 0.95, 0.0, -rng.random(20_000))
    values = np.concatenate([few, few, many, few])
    assert_ranks(of(values, [20_000, 40_000, 60_000]), values)


@pytest.mark.parametrize(("batches", "size", "levels"), [(200, 500, 40), (10, 60_000, 50), (40, 2_000, 64)])
def test_whole_numbers_among_others_are_ranked_right_after_many_merges(batches: int, size: int, levels: int) -> None:
    """A cluster of many equal values and a few others must not stand beside all of them once digests are merged."""
    rng = np.random.default_rng(3)
    whole = rng.integers(0, levels, (batches, size)).astype(float)
    values = np.where(rng.random((batches, size)) < 0.95, whole, rng.random((batches, size)) * levels)
    merged = Digest()
    for batch in values:
        digest = Digest()
        digest.add(batch)
        merged.merge(digest)
    shares = np.linspace(0.01, 0.99, 99)
    ordered = np.sort(values, axis=None)
    told = quantiles(*merged.clusters(), list(shares), ordered[0], ordered[-1])
    below = np.searchsorted(ordered, told, "left") / len(ordered)
    at_most = np.searchsorted(ordered, told, "right") / len(ordered)
    assert np.maximum(below - shares, shares - at_most).max() <= RANK_ERROR
