"""``augmented`` gives a buyer's rows back as they are, and says of every row and cell whether it was made."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray

from generation.generators.tabular.augmented import Parameters, generator
from generation.runner.parse import parse
from generation.runner.source import open_source, open_whole
from generation.sdk import Job, State, Streams, WholeSource

SEED = bytes(range(16))
Floats = NDArray[np.float64]


def payments(rows: int = 3000, seed: int = 3) -> dict[str, list[Any]]:
    """Card payments: 4 % are fraud, which is dear and at night; what is bought says what it costs."""
    rng = np.random.Generator(np.random.Philox(seed))
    fraud = rng.random(rows) < 0.04
    kind = rng.choice(["food", "fuel", "travel"], rows)
    base = np.select([kind == "food", kind == "fuel"], [30.0, 60.0], 400.0)
    amount = np.round(base * rng.lognormal(0, 0.2, rows) * np.where(fraud, 3, 1), 2)
    hour = np.where(fraud, rng.integers(0, 5, rows), rng.integers(7, 22, rows))
    points = np.round(amount * 2 + rng.normal(0, 5, rows))
    return {
        "number": [f"P{100000 + i}" for i in range(rows)],
        "kind": kind.tolist(),
        "amount": amount.tolist(),
        "hour": hour.tolist(),
        "points": points.astype(int).tolist(),
        "fraud": np.where(fraud, "yes", "no").tolist(),
    }


def with_gaps(columns: dict[str, list[Any]], names: tuple[str, ...], share: float = 0.2) -> dict[str, list[Any]]:
    rng = np.random.Generator(np.random.Philox(9))
    gaps = {name: rng.random(len(columns[name])) < share for name in names}
    return {
        name: [None if name in gaps and gaps[name][i] else value for i, value in enumerate(values)]
        for name, values in columns.items()
    }


def uploaded(columns: dict[str, list[Any]], folder: Path) -> WholeSource:
    folder.mkdir(exist_ok=True)
    with (folder / "table.csv").open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(columns)
        writer.writerows([["" if one is None else one for one in row] for row in zip(*columns.values(), strict=True)])
    answer = parse(folder / "table.csv", folder / "out", {"holdout_key": "07" * 32})
    assert "tables" in answer, answer
    return open_whole(folder / "out")


def job_of(source: WholeSource, **asked: Any) -> Job:
    """The job as it is quoted, with the units that come out; a fault fails the test."""
    job = Job(Parameters(**asked), 1, Streams(SEED), source.facts, source)
    assert generator.check(job) == []
    units = generator.amount(job)
    job = Job(job.params, units, job.streams, job.facts)
    assert generator.check(job) == []
    return job


def faults(source: WholeSource, **asked: Any) -> list[tuple[str, str]]:
    job = Job(Parameters(**asked), 1, Streams(SEED), source.facts, source)
    return [(one.field, one.message) for one in generator.check(job)]


def prepared(job: Job, source: WholeSource) -> State:
    return generator.prepare(job, source, lambda share, doing: None)


def made_by(job: Job, state: State, block: int = 700) -> pa.Table:
    batches = [
        batch
        for first in range(0, job.units, block)
        for _, batch in generator.block(job, state, range(first, min(first + block, job.units)))
    ]
    table = pa.Table.from_batches(batches)
    assert table.num_rows == job.units
    table.validate(full=True)
    return table


def whole_of(source: WholeSource) -> pa.Table:
    return pa.Table.from_batches(source.whole("default"))


def numbers(table: pa.Table, name: str) -> Floats:
    return cast(Floats, table.column(name).to_numpy().astype(float))


def test_all_rows_of_an_upload_come_in_its_order_and_a_tenth_is_withheld_from_learning(tmp_path: Path) -> None:
    source = uploaded(payments(), tmp_path)
    whole = whole_of(source)
    assert whole.column("number").to_pylist() == payments()["number"]
    withheld = source.withheld("default")
    learnt = pa.Table.from_batches(list(open_source(tmp_path / "out").batches("default")))
    assert whole.filter(pa.array(~withheld)).equals(learnt.cast(whole.schema))
    assert 0.05 < withheld.mean() < 0.15


def test_a_minority_is_brought_to_the_share_that_was_asked_and_own_rows_stay_as_they_are(tmp_path: Path) -> None:
    source = uploaded(payments(), tmp_path)
    job = job_of(source, oversample=["fraud = yes: 20 %"])
    table = made_by(job, prepared(job, source))
    whole = whole_of(source)
    kept = table.slice(0, whole.num_rows)
    assert kept.select(whole.column_names).cast(whole.schema).equals(whole)
    assert set(kept.column("origin").to_pylist()) == {"kept"}
    made = table.slice(whole.num_rows)
    assert set(made.column("origin").to_pylist()) == {"made"}
    assert set(made.column("fraud").to_pylist()) == {"yes"}
    assert pc.mean(pc.equal(table.column("fraud"), "yes")).as_py() == pytest.approx(0.2, abs=0.0005)
    assert generator.layout(job).tables[0].kept == whole.num_rows


def test_made_rows_are_like_those_of_their_kind_and_copy_none(tmp_path: Path) -> None:
    source = uploaded(payments(8000), tmp_path)
    job = job_of(source, oversample=["fraud = yes: 1,500 rows"])
    table = made_by(job, prepared(job, source))
    whole = whole_of(source)
    made, real = table.slice(whole.num_rows), whole.filter(pc.equal(whole.column("fraud"), "yes"))
    assert made.num_rows == 1500
    assert numbers(made, "hour").max() <= 6
    for kind in ("food", "fuel", "travel"):
        new, old = (numbers(one.filter(pc.equal(one.column("kind"), kind)), "amount").mean() for one in (made, real))
        assert new == pytest.approx(old, rel=0.25)
    assert np.corrcoef(numbers(made, "amount"), numbers(made, "points"))[0, 1] > 0.8
    keys = set(whole.column("number").to_pylist())
    assert not keys & set(made.column("number").to_pylist())
    rows = {tuple(row.values()) for row in whole.drop(["number"]).to_pylist()}
    assert not rows & {tuple(row.values()) for row in made.select(whole.drop(["number"]).column_names).to_pylist()}


def test_keys_of_rows_that_are_added_are_those_of_no_own_row(tmp_path: Path) -> None:
    columns = payments(12_000)
    columns["number"] = [f"P{i}" for i in range(len(columns["number"]))]
    columns["place"] = [str(i + 1) for i in range(len(columns["number"]))]
    source = uploaded(columns, tmp_path)
    job = job_of(source, oversample=["fraud = yes: 20 %"])
    table = made_by(job, prepared(job, source))
    for name in ("number", "place"):
        assert pc.count_distinct(table.column(name)).as_py() == table.num_rows


def test_several_lines_each_get_their_share(tmp_path: Path) -> None:
    source = uploaded(payments(), tmp_path)
    lines = ["fraud = yes: 10 %", "kind = fuel and fraud = no: 50 %", "kind = food and fraud = no: 200 rows"]
    job = job_of(source, oversample=lines)
    table = made_by(job, prepared(job, source))
    frame = table.to_pandas()
    assert (frame.fraud == "yes").mean() == pytest.approx(0.1, abs=0.001)
    assert ((frame.kind == "fuel") & (frame.fraud == "no")).mean() == pytest.approx(0.5, abs=0.001)
    made = frame[frame.origin == "made"]
    assert ((made.kind == "food") & (made.fraud == "no")).sum() == 200


def test_rows_are_the_same_however_they_are_cut_into_blocks(tmp_path: Path) -> None:
    source = uploaded(with_gaps(payments(), ("amount",)), tmp_path)
    job = job_of(source, oversample=["fraud = yes: 20 %"], fill=["amount"])
    state = prepared(job, source)
    assert made_by(job, state, 700).equals(made_by(job, state, 401))


def test_missing_values_are_filled_and_what_was_there_stays_to_the_bit(tmp_path: Path) -> None:
    columns = with_gaps(payments(), ("amount", "kind", "hour"))
    source = uploaded(columns, tmp_path)
    job = job_of(source, fill=["amount", "kind"])
    table = made_by(job, prepared(job, source))
    whole = whole_of(source)
    assert table.num_rows == whole.num_rows
    assert table.column("amount").null_count == table.column("kind").null_count == 0
    assert table.column("hour").equals(whole.column("hour"))
    for name in ("amount", "kind"):
        known = pc.is_valid(whole.column(name))
        assert table.column(name).filter(known).equals(whole.column(name).filter(known))
    marks = table.column("filled").to_pylist()
    expected = [[name for name in ("kind", "amount") if columns[name][i] is None] for i in range(whole.num_rows)]
    assert marks == expected


def test_filled_values_follow_the_rest_of_their_row_and_beat_the_mean(tmp_path: Path) -> None:
    true = payments()
    source = uploaded(with_gaps(true, ("amount", "kind")), tmp_path)
    job = job_of(source, fill=["amount", "kind"])
    state = prepared(job, source)
    table = made_by(job, state)
    filled = np.array(["amount" in one for one in table.column("filled").to_pylist()])
    truth, drawn, points = np.array(true["amount"]), numbers(table, "amount"), numbers(table, "points")
    by_mean = np.sqrt(np.mean((truth[filled] - truth[~filled].mean()) ** 2))
    by_draw = np.sqrt(np.mean((truth[filled] - drawn[filled]) ** 2))
    assert by_draw < 0.5 * by_mean
    with_mean = np.where(filled, truth[~filled].mean(), truth)
    whole = np.corrcoef(truth, points)[0, 1]
    assert np.corrcoef(drawn, points)[0, 1] == pytest.approx(whole, abs=0.02)
    assert np.corrcoef(with_mean, points)[0, 1] < whole - 0.05
    assert drawn[filled].std() == pytest.approx(truth[filled].std(), rel=0.15)
    kinds = np.array(["kind" in one for one in table.column("filled").to_pylist()])
    agreed = np.mean(np.array(table.column("kind").to_pylist())[kinds] == np.array(true["kind"])[kinds])
    assert agreed > 0.8
    told = cast(dict[str, Any], generator.answer_key(job, state))["filled"]
    assert told["amount"]["filled"] == filled.sum()
    assert told["amount"]["correlation"] > 0.8
    assert told["kind"]["agreement"] > told["kind"]["by_commonest"] + 0.3


def test_a_value_of_one_person_is_kept_in_its_row_and_filled_into_no_other(tmp_path: Path) -> None:
    columns = with_gaps(payments(), ("amount", "kind"))
    columns["amount"][5], columns["kind"][6] = 9_999_999.0, "a yacht"
    source = uploaded(columns, tmp_path)
    job = job_of(source, fill=["amount", "kind"], oversample=["fraud = yes: 20 %"])
    table = made_by(job, prepared(job, source))
    assert table.column("amount").to_pylist()[5] == 9_999_999.0
    assert table.column("kind").to_pylist()[6] == "a yacht"
    assert table.column("kind").to_pylist().count("a yacht") == 1
    assert sorted(numbers(table, "amount"))[-2] < 50_000


def test_dates_moments_booleans_and_whole_numbers_are_filled_in_their_own_types(tmp_path: Path) -> None:
    rng = np.random.Generator(np.random.Philox(4))
    days = rng.integers(0, 900, 1500)
    columns: dict[str, list[Any]] = {
        "day": [str(np.datetime64("2020-01-01") + int(one)) for one in days],
        "seen": [f"{np.datetime64('2020-01-01') + int(one)}T{int(one) % 24:02d}:30:00" for one in days],
        "late": ["true" if one > 450 else "false" for one in days],
        "stock": (days // 3).tolist(),
    }
    source = uploaded(with_gaps(columns, tuple(columns), 0.15), tmp_path)
    job = job_of(source, fill=list(columns))
    table = made_by(job, prepared(job, source))
    whole = whole_of(source)
    assert [table.schema.field(name).type for name in columns] == [whole.schema.field(name).type for name in columns]
    assert all(table.column(name).null_count == 0 for name in columns)
    frame = table.to_pandas()
    right = (frame.stock > 150) == frame.late.astype(bool)
    assert right.mean() > 0.93


def test_marks_give_way_to_columns_of_the_same_name(tmp_path: Path) -> None:
    columns = {**payments(), "origin": (["shop", "web"] * 1500)}
    source = uploaded(columns, tmp_path)
    job = job_of(source, oversample=["fraud = yes: 10 %"])
    table = made_by(job, prepared(job, source))
    assert set(table.column("origin").to_pylist()) == {"shop", "web"}
    assert set(table.column("origin_").to_pylist()) == {"kept", "made"}


def test_what_cannot_be_is_told_with_its_field(tmp_path: Path) -> None:
    columns = payments()
    columns["kind"][:4] = ["balloon"] * 4
    source = uploaded(columns, tmp_path)
    assert faults(source) == [
        ("oversample", "There is nothing to do: no rows are to be added and no column is to be filled.")
    ]
    found = faults(
        source, fill=["numbr", "number"], oversample=["fraud = yes", "frod = yes: 10 %", "number = P100000: 5 rows"]
    )
    assert [field for field, _ in found] == ["fill", "fill", "oversample", "oversample", "oversample"]
    [(field, message)] = faults(source, oversample=["fraud = no: 20 %"])
    assert field == "oversample" and "which is as much already" in message
    [(_, message)] = faults(source, oversample=["fraud = yes: 20 %", "hour <= 5: 50 %"])
    assert message.startswith("Some rows are both")
    [(_, message)] = faults(source, oversample=["kind = balloon: 100 rows"])
    assert "fewer than 10 people" in message
    [(_, message)] = faults(source, oversample=["fraud = yes: 100 %"])
    assert message == "“fraud = yes: 100 %”: Its share is 100 % or more."
    [(_, message)] = faults(source, oversample=["fraud = yes: 60 %", "fraud = no: 40 %"])
    assert "100 % or more" in message
    asked = {"oversample": ["fraud = yes: 20 %"], "ignore_relations": ["amount = hour + points"]}
    found = faults(source, **asked, identifier="number", public=["number"], target="frod")
    assert [field for field, _ in found] == ["target", "public", "ignore_relations"]
    assert "tells people apart" in found[1][1]


def test_what_nobody_shares_cannot_be_filled_in_and_the_quote_says_so(tmp_path: Path) -> None:
    columns = payments(1_200)
    rows = len(columns["kind"])
    columns["who"] = [None if i % 5 == 0 else f"Name {i % 400} {i % 7}" for i in range(rows)]
    columns["known"] = ["true" if i < 9 else "false" if i < 18 else None for i in range(rows)]
    columns["kind"][:50] = [None] * 50
    found = faults(uploaded(columns, tmp_path), fill=["who", "kind", "known"], identifier="number")
    assert [field for field, _ in found] == ["fill", "fill"]
    assert all(f"“{name}”" in message for name, (_, message) in zip(("who", "known"), found, strict=True))


def test_a_column_may_be_cut_into_many_bands_and_the_quote_says_how_many(tmp_path: Path) -> None:
    source = uploaded(payments(), tmp_path)
    hours = [*range(5), *range(7, 21)]
    bands = [f"hour >= {hour} and hour < {hour + 1}" for hour in hours]
    job = job_of(source, oversample=[f"{band}: 5 rows" for band in bands])
    made = made_by(job, prepared(job, source)).filter(pc.field("origin") == "made")
    assert [int((numbers(made, "hour") == hour).sum()) for hour in hours] == [5] * len(hours)
    more = [f"{band} and hour ≠ {100 + i} and hour ≠ {200 + i}: 5 rows" for i, band in enumerate(bands)]
    told = "Column “hour” is compared in 76 ways; at most 62 are possible."
    assert faults(source, oversample=more) == [("oversample", told)]


def test_a_table_too_large_to_be_given_back_is_refused_with_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generation.generators.tabular.augmented.table._MOST_CELLS", 10_000)
    source = uploaded(payments(), tmp_path)
    [(field, message)] = faults(source, fill=["amount"])
    assert field == "source" and "18,000 cells" in message
