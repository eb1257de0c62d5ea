"""The fitted ``tabular`` follows its source column by column and pair by pair, and carries no one person over."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from generation.generators.tabular.fitted import Parameters, generator, understood
from generation.generators.tabular.fitted.privacy import People, shared_runs
from generation.generators.tabular.fitted.sample import sample
from generation.runner.parse import parse
from generation.runner.source import open_source
from generation.runner.state import load
from generation.sdk import Job, Source, State, Streams
from tests.data.memory import (
    KINDS,
    SEED,
    STATES,
    Memory,
    blocks,
    digest,
    fit,
    job_of,
    made_digest,
    made_from,
    mixed,
    remembered,
    with_facts,
)
from tests.data.tables import diabetes, tumours, write_csv


def parsed(table: pa.Table, folder: Path, **limits: Any) -> Source:
    return read(write_csv(table, folder / "table.csv"), folder, **limits)


def read(path: Path, folder: Path, **limits: Any) -> Source:
    answer = parse(path, folder / "out", {"holdout_key": "00" * 16, **limits})
    assert "tables" in answer, answer
    return open_source(folder / "out")


def column(table: pa.Table, name: str) -> NDArray[Any]:
    return table.column(name).to_numpy()


def test_columns_come_out_in_order_with_their_names_and_types() -> None:
    table = with_facts(mixed(), **KINDS)
    made = made_from(table)
    assert made.schema.names == table.schema.names
    assert made.schema.types == table.schema.types
    assert made.num_rows == 4000
    made.validate(full=True)


def test_a_real_table_keeps_its_means_shares_and_correlations(tmp_path: Path) -> None:
    for number, table in enumerate((diabetes(), tumours())):
        folder = tmp_path / str(number)
        folder.mkdir()
        # With a hold-out, which of some hundred rows are withheld moves a correlation by as much as is looked for.
        source = parsed(table, folder, holdout_share=0.0)
        job = job_of(source, 20_000)
        made = pa.Table.from_batches(blocks(job, fit(job, source)))
        numeric = [field.name for field in table.schema if not pa.types.is_string(field.type)]
        for name in numeric:
            real, new = column(table, name), column(made, name)
            assert abs(new.mean() - real.mean()) < 0.15 * real.std(), name
            assert 0.8 < new.std() / real.std() < 1.2, name
        for name in set(table.column_names) - set(numeric):
            for level in set(table.column(name).to_pylist()):
                share = (column(table, name) == level).mean()
                assert (column(made, name) == level).mean() == pytest.approx(share, abs=0.04)
        real, new = (np.corrcoef([column(one, name) for name in numeric]) for one in (table, made))
        strong = np.abs(real) > 0.25
        assert (np.sign(real) == np.sign(new))[strong].all()
        assert np.abs(real - new).max() < 0.2


def test_decimals_are_those_of_the_source(tmp_path: Path) -> None:
    source = parsed(diabetes(), tmp_path)
    job = job_of(source)
    made = pa.Table.from_batches(blocks(job, fit(job, source)))
    bmi = column(made, "bmi")
    assert np.array_equal(bmi, np.round(bmi, 1))
    assert not np.array_equal(bmi, np.round(bmi))


def test_missing_values_keep_their_share_and_stay_together() -> None:
    table = mixed()
    made = made_from(table)
    gone = made.column("height").is_null().to_numpy()
    assert gone.mean() == pytest.approx(table.column("height").null_count / table.num_rows, abs=0.03)
    assert np.array_equal(gone, made.column("weight").is_null().to_numpy())


def test_a_category_follows_the_number_that_it_hangs_on() -> None:
    table = mixed(4000)
    made = made_from(table, 8000)
    for one in (table, made):
        frame = one.select(["weight", "colour", "flag"]).to_pandas().dropna()
        assert frame[frame.colour == "red"].weight.mean() > frame[frame.colour == "blue"].weight.mean() + 5
        assert frame[frame.flag.astype(bool)].weight.mean() > frame[~frame.flag.astype(bool)].weight.mean() + 5


def test_levels_keep_their_order_along_a_number_however_frequent_they_are() -> None:
    rng = np.random.Generator(np.random.Philox(2))
    level = rng.choice(6, 5000, p=[0.05, 0.3, 0.1, 0.25, 0.1, 0.2])
    table = pa.table({"level": np.array(list("qzamxb"))[level], "dose": np.round(level * 10 + rng.normal(0, 8, 5000))})
    made = made_from(table, 10_000).to_pandas().groupby("level").dose.mean()
    assert [made[name] for name in "qzamxb"] == sorted(made)
    assert made["b"] - made["q"] > 30


def test_dates_booleans_constants_and_the_clock_stay_in_their_ranges() -> None:
    made = made_from(with_facts(mixed(), **KINDS))
    born = made.column("born").to_pylist()
    assert date(1955, 1, 1) < min(born) < max(born) < date(2005, 1, 1)
    assert len(set(born)) > 1000
    hours = {moment.hour for moment in made.column("seen").to_pylist()}
    assert hours <= set(range(6, 19))
    assert {moment.second for moment in made.column("seen").to_pylist()} == {0}
    assert set(made.column("fixed").to_pylist()) == {"always"}
    assert made.column("nothing").null_count == made.num_rows
    assert set(made.column("flag").to_pylist()) == {True, False}


@pytest.mark.parametrize(
    "type_",
    [
        pa.int8(),
        pa.uint16(),
        pa.int64(),
        pa.float32(),
        pa.decimal128(12, 2),
        pa.date64(),
        pa.timestamp("s"),
        pa.timestamp("ns", tz="UTC"),
        pa.timestamp("ms", tz="Europe/Vienna"),
        pa.time32("s"),
        pa.time64("ns"),
    ],
    ids=str,
)
def test_every_type_makes_the_round_trip(type_: pa.DataType) -> None:
    values = pa.array(np.arange(1000) % 100)
    if pa.types.is_decimal(type_):
        array = values.cast(pa.decimal128(21, 0)).cast(type_)
    elif pa.types.is_date(type_):
        array = values.cast(pa.int32()).cast(pa.date32()).cast(type_)
    elif pa.types.is_temporal(type_):
        bits = pa.int32() if pa.types.is_time32(type_) else pa.int64()
        # nanoseconds are made as whole microseconds
        array = pc.multiply(values, 1000 if type_.unit == "ns" else 1).cast(bits).cast(type_)
    else:
        array = values.cast(type_)
    made = made_from(pa.table({"a": array, "b": pa.array(np.arange(1000) % 7)}), 2000)
    assert made.schema.field("a").type == type_
    # every value is held by ten rows, so values are kept as they are
    assert set(made.column("a").to_pylist()) <= set(array.to_pylist())
    assert len(set(made.column("a").to_pylist())) > 90


@pytest.mark.parametrize(("precision", "scale"), [(1, 0), (2, 1), (5, 2), (15, 0), (16, 2), (17, 0), (18, 18)])
def test_decimals_reach_the_top_digit_of_their_type_and_go_no_further(precision: int, scale: int) -> None:
    rng = np.random.Generator(np.random.Philox(precision))
    top = 10**precision - 1
    # the upper half of what the type holds, of which a twentieth is the largest number
    whole = np.where(rng.random(3000) < 0.05, top, rng.integers(10**precision // 2, top, 3000, endpoint=True))
    values = [Decimal(int(one)).scaleb(-scale) for one in whole]
    made = made_from(pa.table({"a": pa.array(values, pa.decimal128(precision, scale)), "b": np.arange(3000) % 7}))
    made.validate(full=True)
    found = [int(one.scaleb(scale)) for one in made.column("a").to_pylist()]
    assert max(found) <= top
    assert max(found) > 0.99 * top
    assert np.mean(np.array(found, float)) == pytest.approx(whole.mean(), rel=0.03)


def test_a_relation_between_decimals_that_use_their_top_digit_holds_on_every_row() -> None:
    rng = np.random.Generator(np.random.Philox(3))
    net, tax = rng.integers(0, 800, 3000), rng.integers(0, 200, 3000)
    tenths = {"net": net, "tax": tax, "gross": net + tax}
    type_ = pa.decimal128(3, 1)
    table = {name: pa.array([Decimal(int(one)).scaleb(-1) for one in of], type_) for name, of in tenths.items()}
    made = made_from(pa.table(table)).to_pylist()
    assert all(row["net"] + row["tax"] == row["gross"] for row in made)
    assert max(row["gross"] for row in made) > 95


@pytest.mark.parametrize("units", [30, 30_000])
def test_keys_are_unique_over_all_blocks_in_the_sources_style_and_none_of_its_own(units: int) -> None:
    table = with_facts(mixed(9000), **KINDS)
    made = made_from(table, units)
    keys, numbers = made.column("key").to_pylist(), made.column("number").to_pylist()
    assert len(set(keys)) == len(set(numbers)) == units
    assert {key[:2] for key in keys} == {"P-"}
    assert all(key[2:].isdigit() and len(key) > 7 for key in keys)
    assert not set(keys) & set(table.column("key").to_pylist())
    assert not set(numbers) & set(table.column("number").to_pylist())


KEYS: dict[str, pa.Array] = {
    "texts of growing length": pa.array([f"U{i}" for i in range(1, 15_001)]),
    "texts of growing length, a few of the longest": pa.array([f"U{i}" for i in range(1, 1_002)]),
    "texts of two styles": pa.array([f"U{i:04d}" if i % 3 else f"U{i:04d}0{i}" for i in range(6_000)]),
    "numbered without a style": pa.array([f"K{i}" if i % 3 else f"{i}-{'x' * (i % 50)}" for i in range(3_000)]),
    "twelve free digits": pa.array([f"{i * 7_919_000_077 % 10**12:012d}" for i in range(9_000)]),
    "e-mail addresses": pa.array([f"person{i}@example.org" for i in range(5_000)]),
    "a few numbers of one digit more": pa.array(np.arange(1, 1_006)),
    "short numbers": pa.array(np.arange(1, 9_001), pa.int16()),
    "numbers up to the largest": pa.array(np.linspace(2e17, 9.2e18, 3_000).astype(np.int64)),
    "signed numbers": pa.array(np.arange(-3_000, 3_000)),
}


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS.keys())
@pytest.mark.parametrize("role", ["key", "identifier"])
def test_no_key_that_is_made_is_one_of_the_source(keys: pa.Array, role: str, tmp_path: Path) -> None:
    table = pa.table({"id": keys, "a": np.arange(len(keys)) % 11})
    limits = {} if role == "key" else {"identifier": "id"}
    pq.write_table(table, tmp_path / "table.parquet")
    source = read(tmp_path / "table.parquet", tmp_path, **limits)
    job = job_of(source, 9_000, columns=[{"column": "id", "made": "key"}], **limits)
    assert generator.check(replace(job, source=source)) == []
    made = pa.Table.from_batches(blocks(job, fit(job, source))).column("id").to_pylist()
    assert len(set(made)) == 9_000
    assert not set(made) & set(keys.to_pylist()), "withheld rows are of the source, too"


def test_keys_of_rows_that_are_not_in_the_sample_are_not_made_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.generators.tabular.fitted.sample._MOST_ROWS", 1_000)
    n = 20_000
    number = np.where(np.arange(n) % 1_000 == 500, 10_000_000 + np.arange(n), np.arange(n))
    table = pa.table({"text": [f"U{i:05d}" for i in number], "number": number, "a": np.arange(n) % 11})
    made = made_from(with_facts(table, text="key", number="key"), 20_000)
    assert min(made.column("number").to_pylist()) >= 10**8
    assert min(len(one) for one in made.column("text").to_pylist()) > len("U10000000")


@pytest.mark.parametrize(
    ("keys", "units", "told"),
    [
        (pa.array(np.arange(1, 12_001), pa.int16()), 1, "room for 0 keys"),
        (pa.array(np.arange(1, 3_001), pa.int16()), 30_000, "room for 22,768 keys"),
        (pa.array([*range(3_000), 2_000_000_000], pa.int32()), 1, "room for 0 keys"),
    ],
)
def test_a_type_without_room_for_other_keys_is_a_fault_that_the_quote_tells(
    keys: pa.Array, units: int, told: str
) -> None:
    source = Memory(with_facts(pa.table({"id": keys, "a": np.arange(len(keys)) % 11}), id="key"))
    (problem,) = generator.check(replace(job_of(source, units), source=source))
    assert problem.field == "columns"
    assert told in problem.message
    assert "as text" in problem.remedy
    with pytest.raises(ValueError, match=r"room for"):
        fit(job_of(source, units), source)


def test_long_hexadecimal_keys_keep_their_shape() -> None:
    keys = [hashlib.sha256(b"%d" % i).hexdigest() for i in range(500)]
    uuids = [f"{key[:8]}-{key[8:12]}-4{key[13:16]}-{key[16:20]}-{key[20:32]}" for key in keys]
    table = with_facts(pa.table({"uuid": uuids, "a": np.arange(500) % 11}), uuid="key")
    made = made_from(table, 3000).column("uuid").to_pylist()
    assert len(set(made)) == 3000
    assert {tuple(len(part) for part in key.split("-")) for key in made} == {(8, 4, 4, 4, 12)}
    assert {key[14] for key in made} == {"4"}
    assert set("".join(made)) == set("0123456789abcdef-")


def test_keys_without_a_common_style_are_numbered() -> None:
    rng = np.random.Generator(np.random.Philox(1))
    odd = ["x" * int(n) + "-" * int(m) + str(i) for i, (n, m) in enumerate(rng.integers(1, 30, (300, 2)))]
    table = with_facts(pa.table({"odd": odd, "a": np.arange(300) % 11}), odd="key")
    made = made_from(table, 1000).column("odd").to_pylist()
    assert len(set(made)) == 1000
    assert all(key[0] == "K" and key[1:].isdigit() for key in made)


def everything(state: State, batches: Sequence[pa.RecordBatch]) -> tuple[set[float], str]:
    """Every number and all text of a state and of what was made of it."""
    numbers: set[float] = set()
    texts: list[str] = []

    def see(value: Any) -> None:
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, datetime):
            see(value.date())
        elif isinstance(value, date):
            texts.append(value.isoformat())
        elif isinstance(value, bool) or value is None:
            pass
        elif isinstance(value, int | float):
            numbers.add(float(value))
        elif isinstance(value, dict):
            for item in (*value.keys(), *value.values()):
                see(item)
        else:
            for item in value:
                see(item)

    for part in state.values():
        see(part.to_pylist() if isinstance(part, pa.Table) else part.tolist() if isinstance(part, np.ndarray) else part)
    see([batch.to_pydict() for batch in batches])
    return numbers, "\n".join(texts)


@settings(max_examples=30)
@given(
    salary=st.integers(1_000_000, 9_999_999) | st.integers(-9_999_999, -1_000_000),
    level=st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=6, max_size=10),
    holders=st.integers(1, 9),
    born=st.dates(date(1800, 1, 1), date(1850, 1, 1)),
    with_people=st.booleans(),
)
def test_what_fewer_than_ten_people_hold_is_in_no_state_and_in_no_output(
    salary: int, level: str, holders: int, born: date, with_people: bool
) -> None:
    n = 400
    rng = np.random.Generator(np.random.Philox(salary % 1000))
    salaries = rng.integers(20_000, 90_000, n)
    levels = np.array(["common", "usual"])[rng.integers(0, 2, n)].astype(object)
    days = np.array([date(1950, 1, 1) + timedelta(days=int(d)) for d in rng.integers(0, 9000, n)], dtype=object)
    salaries[:holders], levels[:holders], days[:holders] = salary, level, born
    exact = salaries + 0.123
    person = np.arange(n)
    table = pa.table({"person": person, "salary": salaries, "exact": exact, "level": levels, "born": days})
    if with_people:
        # each of the few has thirty rows, so that rows alone would be enough
        table = pa.concat_tables([table, *[table.slice(0, holders)] * 29])
    source = Memory(with_facts(table, person="key"))
    job = job_of(source, 2000, identifier="person" if with_people else None)
    state = fit(job, source)
    said: list[str] = []
    generator.prepare(job, source, lambda share, doing: said.append(doing))
    numbers, texts = everything(state, [])
    assert not {float(salary), salary + 0.123, round((salary + 0.123) * 1e6)} & numbers
    assert born.isoformat() not in texts
    assert float((born - date(1970, 1, 1)).days) not in numbers
    made = blocks(job, state)
    assert level not in everything(state, made)[1] + json.dumps(said)
    # A number that is drawn from an interval of ten people and more may coincide, as often as any other of it does.
    drawn = pa.Table.from_batches(made)
    for column, value in (("salary", salary), ("exact", salary + 0.123), ("born", born)):
        assert drawn.column(column).to_pylist().count(value) <= 2


def test_an_upload_with_one_huge_salary_and_a_rare_diagnosis_gives_neither_away(tmp_path: Path) -> None:
    table = diabetes()
    salary = np.round(column(table, "bmi") * 1800).astype(np.int64)
    salary[17] = 9_999_999
    diagnosis = np.where(column(table, "progression") > 140, "progressing", "stable").astype(object)
    diagnosis[[3, 99, 250]] = "zebrapox"
    table = table.append_column("salary", pa.array(salary)).append_column("diagnosis", pa.array(diagnosis))
    source = parsed(table, tmp_path)
    job = job_of(source, 20_000)
    state = fit(job, source)
    numbers, texts = everything(state, blocks(job, state))
    assert max(numbers) < 1_000_000
    assert "zebrapox" not in texts
    assert "zebrapox" not in (tmp_path / "out" / "facts.json").read_text()


def test_no_row_of_the_source_is_copied(tmp_path: Path) -> None:
    table = tumours()
    source = parsed(table, tmp_path)
    job = job_of(source, 20_000)
    made = pa.Table.from_batches(blocks(job, fit(job, source)))
    real = {tuple(row.values()) for row in table.to_pylist()}
    assert not real & {tuple(row.values()) for row in made.to_pylist()}


def test_rare_levels_become_a_rest_or_made_up_ones_where_they_are_many_and_else_a_common_one() -> None:
    many = ["a"] * 500 + ["b"] * 300 + [f"r{i % 40:02d}" for i in range(200)]
    some = ["a"] * 500 + ["b"] * 400 + [f"r{i % 15}" for i in range(100)]
    few = ["a"] * 600 + ["b"] * 395 + ["c"] * 5
    made = made_from(pa.table({"many": many, "some": some, "few": few, "n": np.arange(1000) % 30}), 20_000)
    found = set(made.column("many").to_pylist()) - {"a", "b"}
    assert len(found) > 20
    assert not found & set(many)
    assert (column(made, "many") == "a").mean() == pytest.approx(0.5, abs=0.03)
    assert set(made.column("some").to_pylist()) == {"a", "b", "other"}
    assert (column(made, "some") == "other").mean() == pytest.approx(0.1, abs=0.02)
    assert set(made.column("few").to_pylist()) == {"a", "b"}


def contacts(rows: int = 1500) -> pa.Table:
    """Texts of few words that hardly anybody shares, of all the kinds that are made by kind."""
    rng = np.random.Generator(np.random.Philox(13))
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    rare = ["".join(rng.choice(letters, 7)) for _ in range(rows)]
    words = ["River", "Night", "House", "Summer", "Garden", "Letters", "Iron", "Storm", "Songs", "Winter"]
    titles = [" ".join(rng.choice(words, 4, replace=False)) for _ in range(rows)]
    return pa.table(
        {
            "title": titles,
            "name": [f"{first[:3].title()} {last.title()}" for first, last in zip(rare, rare[::-1], strict=True)],
            "mail": [f"{one}.{number % 7}@host{number % 300}.test" for number, one in enumerate(rare)],
            "street": [f"{number % 90 + 1} {one.title()} {one[:4].title()}" for number, one in enumerate(rare)],
            "phone": [f"+43 {int(one)} {int(one) % 999:03d}" for one in rng.integers(100_000, 999_999, rows)],
            "age": rng.integers(18, 90, rows),
        }
    )


def test_short_texts_are_made_up_by_their_kind_and_none_is_a_real_one(tmp_path: Path) -> None:
    table = contacts()
    source = parsed(table, tmp_path)
    job = job_of(source, 3000)
    made = pa.Table.from_batches(blocks(job, fit(job, source)))
    assert made.column_names == table.column_names
    real = pa.Table.from_batches(list(source.batches("default")))
    patterns = {
        "title": r"^\w+( \w+){1,11}$",
        "name": r"^\w+( \w\.)? \w+$",
        "mail": r"^[a-z]+\d*(\.[a-z]+\d+)?@example\.(com|net|org)$",
        "street": r"^\d+ \w+ (Street|Road|Lane|Avenue|Way)$",
        "phone": r"^\+43 \d{6} \d{3}$",
    }
    for name, pattern in patterns.items():
        found = made.column(name).combine_chunks()
        assert not set(found.to_pylist()) & set(real.column(name).to_pylist()), name
        assert pc.mean(pc.cast(pc.match_substring_regex(found, pattern), pa.float64())).as_py() > 0.95, name
        assert len(found.unique()) > 500, name


def coded(rows: int = 3000) -> pa.Table:
    """Codes of which most are rare, beside what hangs on their first letter."""
    rng = np.random.Generator(np.random.Philox(12))
    number = np.minimum(rng.zipf(1.4, rows), 900)
    codes = np.array([f"{'ABCD'[one % 4]}{one:03d}" for one in range(901)])[number]
    return pa.table(
        {"code": codes, "sex": rng.choice(["F", "M"], rows), "cost": 100 * (number % 4) + rng.integers(0, 90, rows)}
    )


def test_all_codes_of_a_public_list_may_be_made_and_only_if_it_is_called_one() -> None:
    table = coded()
    real = {one["values"]: one["counts"] for one in table.column("code").value_counts().to_pylist()}
    rare = {code for code, count in real.items() if count < 10}
    assert len(rare) > 100
    assert not rare & set(made_from(table, 20_000).column("code").to_pylist())
    made = made_from(table, 20_000, public=["code"])
    found = set(made.column("code").to_pylist())
    assert found <= set(real)
    assert len(found & rare) > 0.9 * len(rare)
    letters = np.array([code[0] for code in made.column("code").to_pylist()])
    means = [column(made, "cost")[letters == letter].mean() for letter in "ABCD"]
    assert means == sorted(means)


def test_a_public_list_is_neither_sensitive_nor_identifying_nor_other_than_codes() -> None:
    table = with_facts(coded().append_column("key", pa.array([f"K{i}" for i in range(3000)])), key="key")
    table = table.append_column("name", pa.array([f"N {i // 1.3:.0f}" for i in range(3000)]))
    source = Memory(table)
    said = ["code", "cost", "key", "gone", "sex"]
    problems = generator.check(job_of(source, public=said, sensitive=["sex"], identifier="code"))
    assert [problem.field for problem in problems] == ["public"] * 5
    (problem,) = generator.check(replace(job_of(source, public=["name"]), source=source))
    assert "occurs twice" in problem.message


@settings(max_examples=200)
@given(people=st.lists(st.integers(0, 60), max_size=80), wanted=st.integers(10, 200))
def test_runs_cover_everything_in_order_and_each_has_ten_people(people: list[int], wanted: int) -> None:
    runs = shared_runs(np.array(people, np.int64), wanted)
    if sum(people) < 10:
        assert runs == []
        return
    assert [i for run in runs for i in run] == list(range(len(people)))
    assert all(sum(people[i] for i in run) >= 10 for run in runs)


@settings(max_examples=100)
@given(pairs=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 6)), min_size=1, max_size=60))
def test_people_are_counted_once_however_many_rows_they_have(pairs: list[tuple[int, int]]) -> None:
    codes, groups = (np.array(part, np.int64) for part in zip(*pairs, strict=True))
    people = People(codes)
    expected = [len({code for code, group in pairs if group == wanted}) for wanted in range(7)]
    assert people.holders(groups, 7).tolist() == expected
    assert people.placed(groups, 7).sum() == len(set(codes.tolist()))
    assert (people.placed(groups, 7) <= people.holders(groups, 7)).all()
    weights = people.weights(len(codes))
    assert np.allclose(np.bincount(codes, weights=weights)[np.unique(codes)], 1.0)


def test_blocks_are_the_same_in_any_order_and_from_a_state_that_was_stored(tmp_path: Path) -> None:
    source = Memory(with_facts(mixed(), **KINDS))
    job = job_of(source)
    state = fit(job, source)
    forward = blocks(job, state)
    stored = {name: json.loads(json.dumps(part)) if isinstance(part, dict) else part for name, part in state.items()}
    backward = [
        batch
        for first in range(3000, -1, -1000)
        for _, batch in generator.block(job, stored, range(first, first + 1000))
    ][::-1]
    assert digest(forward) == digest(backward)
    assert digest(forward) != digest(blocks(job_of(source, seed=b"another seed 016"), state))


def test_the_size_of_the_sources_batches_and_the_hash_seed_change_nothing() -> None:
    here = made_digest()
    assert made_digest(batch=77) == here
    program = "from tests.data.memory import made_digest; print(made_digest())"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == here


def test_a_source_larger_than_the_sample_is_learned_from_a_bounded_part() -> None:
    rows = 600_000
    table = pa.table({"a": np.arange(rows) % 100, "b": np.arange(rows) % 100 // 10})
    source = Memory(table, 50_000)
    job = job_of(source)
    told: list[float] = []
    state = generator.prepare(job, source, lambda share, doing: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1.0
    made = pa.Table.from_batches(blocks(job, state))
    assert column(made, "a").mean() == pytest.approx(49.5, abs=2)
    assert digest(blocks(job, state)) == digest(
        blocks(job, generator.prepare(job, Memory(table, 7_001), lambda *_: None))
    )


def test_longer_texts_are_left_out_or_made_up_of_what_many_have_as_their_owner_chooses(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    parts = (
        ("The patient reports", "She complains of", "He presents with"),
        ("mild", "severe", "chronic"),
        ("headache", "back pain", "cough", "dizziness"),
        ("for two weeks.", "after a fall.", "since three days."),
        ("Referred to a specialist for further examination.", "Advised to return if the symptoms persist."),
    )
    notes = [
        " ".join([*(str(rng.choice(part)) for part in parts), f"Case {n}, seen by Doctor{n % 300}."])
        + (" Xaverius knows." if n < 9 else "")
        for n in range(2000)
    ]
    source = parsed(pa.table({"age": rng.integers(18, 90, 2000), "note": notes}), tmp_path)
    job = Job(Parameters(), 1000, Streams(SEED), source.facts)
    assert generator.layout(job).tables[0].schema.names == ["age"]
    learnt = Parameters.model_validate({"columns": [{"column": "note", "made": "learnt"}]})
    job = replace(job, params=learnt)
    field = generator.layout(job).tables[0].schema.field("note")
    assert (field.metadata or {})[b"role"] == b"text"
    made = pa.Table.from_batches(blocks(job, fit(job, source)))["note"].to_pylist()
    shared = {word for part in parts for text in part for word in text.split()} | {"Case", "seen", "by"}
    assert {word for text in made for word in text.split()} <= shared
    assert not set(made) & set(notes)
    assert np.mean([len(text.split()) > 12 for text in made]) > 0.9
    common = [" ".join(word for word in text.split() if word in shared) for text in notes]
    words = [[text.split() for text in texts] for texts in (made, common)]
    ours, theirs = (
        [three for text in texts for three in zip(text, text[1:], text[2:], strict=False)] for texts in words
    )
    known = set(theirs)
    assert np.mean([three in known for three in ours]) > 0.95


def test_a_rare_level_of_the_target_stays_in_the_sample_whatever_the_batches() -> None:
    rows = 500_000
    target = np.where(np.arange(rows) % 10_000 == 77, "rare", "common")
    table = pa.table({"target": target, "a": np.arange(rows) % 100})
    streams = Streams(SEED)
    parts = [
        sample(Memory(table, size), "default", ["target", "a"], streams, lambda *_: None, "target")
        for size in (50_000, 7_001)
    ]
    assert parts[0].equals(parts[1])
    assert parts[0].num_rows == pytest.approx(200_000, abs=2)
    assert parts[0].column("target").to_pylist().count("rare") in (20, 21)


def test_a_target_must_be_a_column_that_is_learned() -> None:
    source = Memory(with_facts(mixed(), **KINDS))
    assert [problem.field for problem in generator.check(job_of(source, target="key"))] == ["target"]
    assert [problem.field for problem in generator.check(job_of(source, target="nowhere"))] == ["target"]
    job = job_of(source, target="flag")
    made = pa.Table.from_batches(blocks(job, fit(job, source)))
    assert column(made, "flag").mean() == pytest.approx(column(source.table, "flag").mean(), abs=0.03)


def test_the_identifying_column_is_made_anew_and_people_are_counted() -> None:
    n = 3000
    person = np.arange(n) % 300
    table = pa.table({"person": person, "ward": np.where(person < 5, "rare", "common"), "a": np.arange(n) % 30})
    rows_only = made_from(table, 2000)
    by_person = made_from(table, 2000, identifier="person")
    assert "rare" in set(rows_only.column("ward").to_pylist())
    assert set(by_person.column("ward").to_pylist()) == {"common"}
    assert len(set(by_person.column("person").to_pylist())) == 2000
    assert not set(by_person.column("person").to_pylist()) & set(person.tolist())


def test_one_person_with_many_rows_neither_shapes_the_keys_nor_reaches_the_end_of_a_column() -> None:
    n, again = 3000, 4000
    rng = np.random.Generator(np.random.Philox(9))
    person = [f"P{i:04d}" for i in range(n)] + ["ALICE-SMITH"] * again
    salary = np.concatenate([rng.lognormal(10, 0.4, n).round(), np.full(again, 9_999_999.0)])
    share = np.concatenate([rng.normal(50, 5, n).round(2), np.full(again, 1e15)])
    made = made_from(pa.table({"person": person, "salary": salary, "share": share}), identifier="person")
    assert not [key for key in made.column("person").to_pylist() if not key.startswith("P")]
    assert column(made, "salary").max() < 2 * salary[:n].max()
    assert column(made, "share").max() < 200
    assert len(set(column(made, "share"))) > 500


def test_text_is_left_out_with_a_warning_and_included_columns_are_all_that_is_made() -> None:
    n = 500
    table = with_facts(
        pa.table({"remark": [f"said {i}" for i in range(n)], "a": np.arange(n) % 9, "b": np.arange(n) % 4}),
        remark="text",
    )
    plans = {plan.name: plan for plan in understood(Memory(table).facts.tables["default"])}
    assert (plans["remark"].fate, plans["a"].fate) == ("dropped", "learned")
    assert plans["remark"].warning
    assert made_from(table).column_names == ["a", "b"]
    assert made_from(table, include=["b"]).column_names == ["b"]


def test_every_fault_of_a_job_is_told_at_once() -> None:
    table = pa.table({"a": np.arange(50) % 9, "ratio": np.arange(50) / 7})
    source = Memory(table)
    said = {"sensitive": ["d"], "columns": [{"column": "ratio", "made": "key"}, {"column": "e"}]}
    job = job_of(source, 2_000_000_000, include=["b", "c"], target="y", identifier="ratio", **said)
    assert [problem.field for problem in generator.check(job)] == [
        "include",
        "include",
        "target",
        "identifier",
        "sensitive",
        "columns",
        "columns",
        "source",
        "units",
    ]
    missing = Job(Parameters(), 10, Streams(SEED), None)
    assert [problem.field for problem in generator.check(missing)] == ["source"]
    small = with_facts(pa.table({"k": pa.array(range(200), pa.int16()), "a": np.arange(200) % 9}), k="key")
    assert [problem.field for problem in generator.check(job_of(Memory(small), 50_000))] == ["units"]
    text = with_facts(pa.table({"t": [f"x {i}" for i in range(200)]}), t="text")
    assert [problem.field for problem in generator.check(job_of(Memory(text)))] == ["include"]


_NUMBER = st.floats(allow_nan=False, allow_infinity=False, width=32) | st.integers(-5, 5).map(float)
_WORD = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
#: Values and types of columns of which any table may be made.
_POOLS: list[tuple[st.SearchStrategy[Any], pa.DataType]] = [
    (_NUMBER, pa.float64()),
    (st.integers(-(2**63), 2**63 - 1), pa.int64()),
    (st.integers(0, 200), pa.int16()),
    (st.sampled_from(["a", "b", "c"]), pa.string()),
    (_WORD, pa.string()),
    (st.booleans(), pa.bool_()),
    (st.dates(), pa.date32()),
    (st.datetimes(), pa.timestamp("us")),
    (st.times(), pa.time64("us")),
]


@settings(max_examples=40)
@given(data=st.data())
def test_any_table_can_be_learned_and_made_in_any_blocks(data: st.DataObject) -> None:
    n = data.draw(st.integers(100, 160))
    rng = np.random.Generator(np.random.Philox(data.draw(st.integers(0, 2**32))))
    columns = {}
    for number in range(data.draw(st.integers(1, 6))):
        values, type_ = data.draw(st.sampled_from(_POOLS))
        some = values | st.none() if data.draw(st.booleans()) else values
        pool = data.draw(st.lists(some, min_size=1, max_size=data.draw(st.sampled_from([2, 30, 60]))))
        columns[f"c{number}"] = pa.array([pool[int(i)] for i in rng.integers(0, len(pool), n)], type_)
    table = pa.table(columns)
    target = data.draw(st.sampled_from([None, *table.column_names]))
    source = Memory(table)
    job = job_of(source, 5000, target=target)
    state = fit(job, source)
    made = pa.Table.from_batches(blocks(job, state, 5000))
    made.validate(full=True)
    assert made.num_rows == 5000
    assert made.schema.types == table.schema.types
    for field in table.schema:
        old, new = table.column(field.name), made.column(field.name)
        carried = new.null_count < new.length()
        assert not (carried and new.null_count and not old.null_count)
        if carried and pa.types.is_integer(field.type):
            assert pc.min(new).as_py() >= 0 or pc.min(old).as_py() < 0
    cuts = sorted(data.draw(st.sets(st.integers(1, 4999), max_size=4)))
    ranges = [range(a, b) for a, b in zip([0, *cuts], [*cuts, 5000], strict=True)]
    parts = [batch for units in ranges for _, batch in generator.block(job, state, units)]
    assert pa.Table.from_batches(parts).equals(made)


@dataclass(frozen=True)
class Shelf:
    """Where a fitted state of a release lies, and the digest of the rows that it must go on giving."""

    release: str
    digest: str


SHELVES = [Shelf("2.0.0", "55610a57466c9fc70321c70e215a27dfa476916bf2085021060b6b98f28408f2")]


@pytest.mark.parametrize("shelf", SHELVES, ids=lambda shelf: shelf.release)
def test_states_of_former_releases_still_open_and_give_the_same_rows(shelf: Shelf) -> None:
    job = job_of(Memory(remembered()), 3000)
    assert digest(blocks(job, load(STATES / shelf.release))) == shelf.digest


def test_columns_that_are_missing_together_stay_so_beside_a_target_that_is_one_of_them() -> None:
    made = made_from(mixed(), target="weight")
    assert np.array_equal(made.column("height").is_null().to_numpy(), made.column("weight").is_null().to_numpy())


def test_numbers_are_as_round_as_those_of_the_source() -> None:
    rng = np.random.Generator(np.random.Philox(8))
    exact = rng.lognormal(10, 0.5, 6000).round()
    pay = np.where(rng.random(6000) < 0.7, np.round(exact, -3), exact)
    made = column(made_from(pa.table({"pay": pay.astype(np.int64), "a": np.arange(6000) % 7}), 6000), "pay")
    assert (made % 1000 == 0).mean() == pytest.approx((pay % 1000 == 0).mean(), abs=0.05)


def test_an_identifier_gets_other_names_that_occur_as_often() -> None:
    rng = np.random.Generator(np.random.Philox(3))
    shop = np.minimum(rng.zipf(1.3, 8000), 4000)
    names = np.array([f"SHOP-{int(i) * 7919 % 100_000:05d}" for i in range(4001)])[shop]
    table = pa.table({"shop": names, "size": np.round(100 / shop + rng.normal(0, 1, 8000), 1)})
    made = made_from(table, 8000)
    real, new = (table.column("shop").value_counts(), made.column("shop").value_counts())
    frequent = {one["values"] for one in real.to_pylist() if one["counts"] >= 30}
    assert frequent <= set(made.column("shop").to_pylist())
    rare = set(names.tolist()) - frequent
    assert not rare & set(made.column("shop").to_pylist())
    once = [sum(one["counts"] == 1 for one in counts.to_pylist()) for counts in (real, new)]
    assert once[1] == pytest.approx(once[0], rel=0.25)
    assert {len(name) for name in made.column("shop").to_pylist()} == {10}


def test_one_person_with_many_rows_is_not_alone_in_a_leaf() -> None:
    n = 2000
    rng = np.random.Generator(np.random.Philox(6))
    person = np.concatenate([np.arange(n), np.full(300, n)])
    place = np.concatenate([rng.choice(["north", "south"], n), np.full(300, "south")])
    dose = np.concatenate([rng.integers(0, 40, n), np.full(300, 39)])
    # of all who take 39 in the south, most rows are one person's: it may not be drawn as the rule there
    table = pa.table({"person": person, "place": place, "dose": dose, "kind": np.where(person == n, "odd", "even")})
    made = made_from(table, 4000, identifier="person")
    assert set(made.column("kind").to_pylist()) == {"even"}
