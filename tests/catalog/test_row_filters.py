"""Conditions over the free sample: a small language, put to the database as parameters, bounded and read-only."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from django.conf import settings
from django.test import Client

from catalog import publishing
from catalog.rows import conditions, filters
from marketplace.web.problems import Fault, Problem
from tests.factories import a_dataset, a_listing, a_version_of, an_account

API = "/api/v1/datasets/seller/numbers/filter"
AT = datetime.datetime(2026, 1, 1, 12)  # noqa: DTZ001
ROWS = pa.table(
    {
        "number": pa.array(range(10), pa.int64()),
        "Number": pa.array(range(10, 20), pa.int64()),
        "country": pa.array(["DE", "FR", "O'Hara", None, "DE", "FR", "DE", "ES", "ES", "DE"]),
        "fraud": pa.array([n == 4 for n in range(10)]),
        "at": pa.array([AT + datetime.timedelta(days=n) for n in range(10)], pa.timestamp("us")),
        "parts": pa.array([[n] for n in range(10)]),
        "day": pa.array([AT.date() + datetime.timedelta(days=n) for n in range(10)], pa.date32()),
        "moment": pa.array([AT + datetime.timedelta(days=n) for n in range(10)], pa.timestamp("us", tz="UTC")),
        "clock": pa.array([datetime.time(n) for n in range(10)], pa.time64("us")),
        "exact": pa.array([AT + datetime.timedelta(days=n) for n in range(10)], pa.timestamp("ns")),
    }
)


@pytest.fixture
def shelved(s3_bucket: str, db: None) -> None:
    dataset = a_dataset(an_account("seller"))
    a_version_of(dataset, {"default": [ROWS, ROWS]})
    publishing.put_on_shelf(a_listing(dataset).listing)


def found(client: Client, where: str = "", **more: Any) -> list[int]:
    answer = client.get(API, {"where": where, **more})
    assert answer.status_code == 200, answer.content
    document = answer.json()
    assert document["partial"] is True
    return [row["row_idx"] for row in document["rows"]]


def faults(client: Client, **asked: Any) -> list[dict[str, str]]:
    answer = client.get(API, asked)
    assert answer.status_code == 422, answer.content
    told: list[dict[str, str]] = answer.json()["faults"]
    assert all(fault["message"] and fault["remedy"] for fault in told)
    return told


FOUND: list[tuple[str, list[int]]] = [
    ("", list(range(10))),
    ("number >= 7", [7, 8, 9]),
    ("Number < 12", [0, 1]),
    ('"Number" = 12', [2]),
    ("country = 'DE' and number > 0", [4, 6, 9]),
    ("country = 'O''Hara'", [2]),
    ("country is null", [3]),
    ("country IS NOT NULL AND number <= 3", [0, 1, 2]),
    ("country contains 'hAR'", [2]),
    ("fraud = true", [4]),
    ("fraud != true and number < 2", [0, 1]),
    ("at >= '2026-01-09' and at < '2026-01-10 13:00'", [8, 9]),
    ("day = '20260103'", [2]),
    ("day < '2026-W01-6'", [0, 1]),
    ("at > '2026-01-09T13'", [9]),
    ("at > '2026-01-09 11:00:00,5'", [8, 9]),
    ("moment < '2026-W01-6'", [0, 1]),
    ("moment < '2026-01-02T14:00+02:00'", [0]),
    ("clock >= '08'", [8, 9]),
    ("clock < 'T013000'", [0, 1]),
    ("exact >= '20260110T12'", [9]),
    ("number = -1", []),
    ("number > 6.5 and number < 8e0", [7]),
]


@pytest.mark.usefixtures("shelved")
def test_a_condition_finds_the_rows_of_the_sample_for_which_it_holds(client: Client) -> None:
    assert {where: found(client, where) for where, _ in FOUND} == dict(FOUND)


@pytest.mark.usefixtures("shelved")
def test_the_sample_is_sorted_by_a_column_and_paged(client: Client) -> None:
    assert found(client, orderby="-number", length=3) == [9, 8, 7]
    assert found(client, orderby="number desc", offset=3, length=2) == [6, 5]
    assert found(client, orderby="country")[-1] == 3
    assert found(client, orderby="-country")[-1] == 3
    page = client.get(API, {"where": "country = 'DE'", "columns": "country", "length": 2}).json()
    assert page["num_rows_total"] == 4
    assert [row["row"] for row in page["rows"]] == [{"country": "DE"}] * 2


@pytest.mark.parametrize(
    "where",
    [
        "number",
        "number =",
        "= 3",
        "number = 3 or number = 4",
        "number = 3; drop table rows",
        "number = 3 --",
        "number in (1, 2)",
        "number = (select 1)",
        "number = 3 and",
        "parts = 3",
        "nothing = 3",
        "file_row_number = 3",
        "c0 = 3",
        "number = 'three'",
        "country = 3",
        "country = 'DE",
        "fraud < true",
        "fraud = 1",
        "at = 'soon'",
        "clock = '10:00Z'",
        "clock > '10:00+02:00'",
        "number contains '3'",
        "number is 3",
        "number = 1" + " and number = 1" * 100,
    ],
)
def test_what_is_no_condition_is_told_with_its_remedy(where: str) -> None:
    told: list[Fault] = []
    conditions.where(where, ROWS.schema, told)
    assert {fault.field for fault in told} == {"where"}
    assert all(fault.message and fault.remedy for fault in told)


@pytest.mark.usefixtures("shelved")
def test_every_fault_of_condition_and_order_is_told(client: Client) -> None:
    told = faults(client, where="nothing = 3 and country = 4 and number = 'x'", orderby="parts")
    assert [fault["field"] for fault in told] == ["where", "where", "where", "orderby"]


@pytest.mark.usefixtures("shelved")
def test_a_moment_that_the_type_of_the_column_cannot_hold_is_told(client: Client) -> None:
    [told] = faults(client, where="exact > '0001-01-01'")
    assert (told["field"], told["code"]) == ("where", "range")
    page = client.get("/datasets/seller/numbers", {"where": "exact > '0001-01-01'"})
    assert page.status_code == 200
    assert told["message"] in page.content.decode()


def test_nothing_that_is_typed_becomes_sql() -> None:
    wrong: list[Fault] = []
    clause = conditions.where("country = 'x'' OR 1=1 --' and number > 1", ROWS.schema, wrong)
    assert (clause.sql, clause.parameters, wrong) == ("c2 = ? AND c0 > ?", ("x' OR 1=1 --", 1), [])


def test_the_database_reads_one_file_and_nothing_else(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with filters._bounded(tmp_path / "sample.parquet") as database:
        for statement in (
            f"SELECT * FROM read_csv('{secret}')",
            f"COPY (SELECT 1) TO '{tmp_path / 'written.csv'}'",
            "SET enable_external_access = true",
            "INSTALL httpfs",
        ):
            with pytest.raises(Exception, match=r"(?i)disabled|locked|permission|configuration|not allowed"):
                database.execute(statement)
    assert not (tmp_path / "written.csv").exists()


def test_what_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "_SECONDS", 0.2)
    with pytest.raises(Problem, match="took too long"), filters._bounded(tmp_path / "sample.parquet") as database:
        database.execute("SELECT count(*) FROM range(1000000000000)").fetchall()


@pytest.mark.usefixtures("shelved")
def test_the_sample_is_downloaded_once(client: Client) -> None:
    found(client, "number = 1")
    kept = list((Path(settings.SCRATCH_DIR) / "samples").glob("*.parquet"))
    assert len(kept) >= 1
    before = {path: path.stat().st_ino for path in kept}
    found(client, "number = 2")
    assert {path: path.stat().st_ino for path in kept} == before
