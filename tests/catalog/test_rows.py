"""Any row at constant cost, to whoever may read it."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from catalog import publishing
from catalog.models import Dataset, ShelfState, Version
from catalog.rows import parquet
from catalog.rows import pictures as row_pictures
from catalog.rows.access import Reach
from marketplace import storage
from marketplace.accounts import tokens
from marketplace.accounts.models import Account, Scope
from marketplace.storage.client import client as s3
from tests.factories import a_dataset, a_licence, a_listing, a_person, a_version, a_version_of, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]

API = "/api/v1/datasets/seller/numbers"
PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
MIB = 1 << 20


@pytest.fixture
def dataset() -> Dataset:
    return a_dataset(an_account("seller"))


@pytest.fixture
def holder(client: Client) -> Account:
    user, account = a_person()
    client.force_login(user)
    return account


def on_shelf(dataset: Dataset) -> None:
    publishing.put_on_shelf(a_listing(dataset).listing)


def answer(client: Client, call: str, status: int = 200, **asked: Any) -> dict[str, Any]:
    found = client.get(f"{API}/{call}", asked)
    assert found.status_code == status, found.content
    document: dict[str, Any] = found.json()
    return document


@contextmanager
def counted() -> Iterator[list[int]]:
    """The bytes of each read of the object store, as S3 itself tells them."""
    reads: list[int] = []

    def note(parsed: dict[str, Any], **_: Any) -> None:
        reads.append(parsed["ContentLength"])

    events = s3().meta.events
    events.register("after-call.s3.GetObject", note)
    try:
        yield reads
    finally:
        events.unregister("after-call.s3.GetObject", note)


def cold() -> None:
    """Forget what earlier calls left in caches."""
    cache.clear()
    parquet._footer.cache_clear()


def transactions(rows: int, first: int) -> pa.Table:
    random = np.random.default_rng(first)
    start = np.datetime64("2026-01-01T00:00:00", "us")
    return pa.table(
        {
            "id": pa.array(np.arange(first, first + rows), pa.int64()),
            "at": pa.array(start + np.arange(first, first + rows).astype("timedelta64[s]"), pa.timestamp("us")),
            "amount": pa.array(random.lognormal(3, 1, rows), pa.float64()),
            "country": pa.array(random.choice(["DE", "FR", "ES"], rows), pa.string()),
            "home_km": pa.array(random.random(rows), pa.float32(), mask=random.random(rows) < 0.3),
            "fraud": pa.array(random.random(rows) < 0.01),
            "token": pa.array([f"{value:016x}" for value in random.integers(0, 1 << 62, rows)]),
        }
    )


def downloaded(version: Version, folder: Path) -> str:
    paths = []
    for file in version.files.order_by("id"):
        storage.download(storage.blob_key(file.sha256), folder / f"{file.id:09d}.parquet")
        paths.append(str(folder / f"{file.id:09d}.parquet"))
    return str(paths)


def by_duckdb(files: str, offset: int, length: int) -> list[dict[str, Any]]:
    found = duckdb.sql(f"SELECT * FROM read_parquet({files}) LIMIT {length} OFFSET {offset}").to_arrow_table()
    plain: Callable[[Any], Any] = lambda v: v.isoformat() if isinstance(v, datetime.datetime) else v  # noqa: E731
    return [{name: plain(value) for name, value in row.items()} for row in found.to_pylist()]


@pytest.mark.parametrize(
    ("rows", "files"), [(1_000_000, 8), pytest.param(10_000_000, 40, marks=pytest.mark.slow)], ids=["million", "ten"]
)
def test_rows_anywhere_equal_those_of_the_files_and_cost_the_same(
    client: Client, dataset: Dataset, holder: Account, tmp_path: Path, rows: int, files: int
) -> None:
    each = rows // files
    version = a_version_of(dataset, {"default": [transactions(each, n * each) for n in range(files)]})
    a_licence(holder, version)
    local = downloaded(version, tmp_path)
    spent = {}
    for place, offset in (("start", 0), ("middle", rows // 2 + 1_234), ("end", rows - 5)):
        cold()
        with counted() as reads:
            page = answer(client, "rows", offset=offset, length=100)
        spent[place] = sum(reads)
        assert [row["row"] for row in page["rows"]] == by_duckdb(local, offset, 100)
        assert [row["row_idx"] for row in page["rows"]] == list(range(offset, min(offset + 100, rows)))
        assert page["num_rows_total"] == rows and page["partial"] is False
    assert spent["start"] < 20 * MIB
    assert max(spent["middle"], spent["end"]) <= 1.5 * spent["start"]
    over_two_files = answer(client, "rows", offset=each - 50, length=100)
    assert [row["row"] for row in over_two_files["rows"]] == by_duckdb(local, each - 50, 100)


def test_a_second_page_of_a_file_does_not_read_its_footer_again(
    client: Client, dataset: Dataset, holder: Account
) -> None:
    a_licence(holder, a_version_of(dataset, {"default": [transactions(40_000, 0)]}))
    cold()
    with counted() as reads:
        answer(client, "rows", offset=0, length=100, columns="amount")
    first = sum(reads)
    parquet._footer.cache_clear()  # another process
    with counted() as reads:
        answer(client, "rows", offset=20_000, length=100, columns="amount")
    assert len(reads) == 1 and sum(reads) < first


def pictures(rows: int) -> pa.Table:
    random = np.random.default_rng(7)
    content = [{"bytes": random.bytes(20_000), "path": f"{n}.png"} for n in range(rows)]
    fields = [
        pa.field("label", pa.string()),
        pa.field("objects", pa.list_(pa.int32())),
        pa.field("image", PICTURE, metadata={"media": "image/png"}),
    ]
    columns = [
        pa.array(random.choice(["dent", "hole"], rows), pa.string()),
        pa.array([[n] for n in range(rows)], pa.list_(pa.int32())),
        pa.array(content, PICTURE),
    ]
    return pa.table(columns, schema=pa.schema(fields))


def test_labels_of_pictures_are_read_without_the_pictures(client: Client, dataset: Dataset, holder: Account) -> None:
    made = pictures(1_000)
    version = a_version_of(dataset, {"default": [made]}, row_group_rows=500)
    a_licence(holder, version)
    read = 0
    for offset in range(0, 1_000, 100):
        cold()
        with counted() as reads:
            page = answer(client, "rows", offset=offset, length=100, columns="label,objects")
        read = max(read, sum(reads))
        assert [row["row"] for row in page["rows"]] == made.select(["label", "objects"]).slice(offset, 100).to_pylist()
    assert read < 0.02 * version.bytes


def test_a_picture_in_a_cell_has_an_address_that_gives_its_bytes(
    client: Client, dataset: Dataset, holder: Account
) -> None:
    made = pictures(60)
    a_licence(holder, a_version_of(dataset, {"default": [made]}))
    page = answer(client, "rows", offset=55, length=2)
    assert page["features"][2] == {"feature_idx": 2, "name": "image", "type": {"_type": "Image"}}
    found = client.get(page["rows"][0]["row"]["image"]["src"].removeprefix("http://localhost:8000"))
    assert found.content == made.column("image")[55].as_py()["bytes"]
    assert found["Content-Type"] == "image/png" and "private" in found["Cache-Control"]
    assert answer(client, "rows", columns="image", length=100)["rows"][59]["row_idx"] == 59
    assert Client().get(page["rows"][0]["row"]["image"]["src"]).status_code == 404


def test_without_a_licence_only_rows_of_the_sample_are_given_and_that_is_said(client: Client, dataset: Dataset) -> None:
    a_version(dataset)
    on_shelf(dataset)
    page = answer(client, "rows", offset=5, length=100)
    assert [row["row"]["number"] for row in page["rows"]] == [5, 6, 7, 8, 9]
    assert page["num_rows_total"] == 10 and page["partial"] is True
    assert "free sample" in page["message"] and "/datasets/seller/numbers" in page["message"]
    assert answer(client, "rows", offset=10)["rows"] == []
    assert answer(client, "first-rows")["partial"] is True
    assert answer(client, "size")["size"]["dataset"]["num_rows"] == 20


def test_a_token_reads_what_its_account_may_have(dataset: Dataset) -> None:
    user, account = a_person()
    a_licence(account, a_version(dataset))
    secret = tokens.issue(account, created_by=user, name="rows", scopes=[Scope.READ]).secret
    other = tokens.issue(account, created_by=user, name="orders", scopes=[Scope.ORDER]).secret

    def status(headers: dict[str, str]) -> int:
        return Client().get(f"{API}/rows", headers=headers).status_code

    assert status({"Authorization": f"Bearer {secret}"}) == 200
    assert status({"Authorization": f"Bearer {other}"}) == 403
    assert status({"Authorization": "Bearer lk_none"}) == 401
    assert status({}) == 404


@pytest.mark.parametrize("call", ["rows", "filter", "first-rows", "statistics", "size", "splits"])
def test_a_private_dataset_is_as_if_it_were_not_there(client: Client, dataset: Dataset, call: str) -> None:
    a_version(dataset)
    hidden = client.get(f"{API}/{call}")
    none = client.get(f"/api/v1/datasets/seller/nothing/{call}")
    assert hidden.status_code == none.status_code == 404
    assert hidden["Content-Type"] == "application/problem+json"
    told, absent = hidden.json(), none.json()
    assert told.pop("request_id") != absent.pop("request_id")
    assert told == absent | {"detail": absent["detail"].replace("nothing", "numbers")}


def test_a_withdrawn_version_gives_no_row_even_to_its_licence_holder(
    client: Client, dataset: Dataset, holder: Account
) -> None:
    version = a_version(dataset)
    a_licence(holder, version)
    assert answer(client, "versions/1.0.0/rows")["rows"]
    ShelfState.objects.filter(version=version).update(state=ShelfState.State.WITHDRAWN)
    answer(client, "versions/1.0.0/rows", status=404)


def test_all_faults_of_a_call_are_told_at_once(client: Client, dataset: Dataset) -> None:
    a_version(dataset)
    on_shelf(dataset)
    told = answer(client, "rows", status=422, offset="-1", length=101, split="test", columns="number,amount")
    assert {fault["field"] for fault in told["faults"]} == {"offset", "length", "split", "columns"}
    assert all(fault["message"] and fault["remedy"] for fault in told["faults"])


def test_all_faults_of_a_call_for_a_picture_are_told_by_the_names_that_were_sent(
    client: Client, dataset: Dataset, holder: Account
) -> None:
    a_licence(holder, a_version(dataset))
    call = "versions/1.0.0/picture"
    told = answer(client, call, status=422, row="abc", column="nothing")
    assert [fault["field"] for fault in told["faults"]] == ["row", "column"]
    assert all(fault["message"] and fault["remedy"] for fault in told["faults"])
    [fault] = answer(client, call, status=422)["faults"]
    assert (fault["field"], fault["code"]) == ("column", "empty")
    assert "faults" not in answer(client, call, status=404, column="number")


def test_rows_are_found_in_any_of_thousands_of_files_by_few_queries(
    client: Client, dataset: Dataset, holder: Account, django_assert_max_num_queries: Any
) -> None:
    parts = [pa.table({"number": pa.array(range(n * 3, n * 3 + n % 4), pa.int64())}) for n in range(300)]
    version = a_version_of(dataset, {"default": parts})
    licence = a_licence(holder, version)
    everything = pa.concat_tables(parts).column("number").to_pylist()
    reach = Reach(version, licence)
    with django_assert_max_num_queries(1):
        held = reach.holding("default", "train", 200, 100)
    assert len(held) <= 100
    page = answer(client, "rows", offset=200, length=100)
    assert [row["row"]["number"] for row in page["rows"]] == everything[200:300]


def test_splits_are_those_of_every_configuration(client: Client, dataset: Dataset) -> None:
    tables = {name: [pa.table({"number": pa.array([1, 2], pa.int64())})] for name in ("parts", "measurements")}
    a_version_of(dataset, tables)
    on_shelf(dataset)
    assert [one["config"] for one in answer(client, "splits")["splits"]] == ["parts", "measurements"]
    assert answer(client, "rows", config="measurements", split="train")["rows"][1]["row"] == {"number": 2}


def test_values_that_json_has_no_word_for_are_told_as_text(client: Client, dataset: Dataset, holder: Account) -> None:
    made = pa.table(
        {
            "number": pa.array([float("nan"), 1.5, None]),
            "bytes": pa.array([b"\x00\xff", None, b""]),
            "long": pa.array(["a" * 20_000, "b", None]),
            "at": pa.array([datetime.date(2026, 1, 2), None, None]),
        }
    )
    a_licence(holder, a_version_of(dataset, {"default": [made]}))
    page = answer(client, "rows")
    assert page["rows"][0]["row"] == {"number": "nan", "bytes": "AP8=", "long": "a" * 10_000, "at": "2026-01-02"}
    assert page["rows"][0]["truncated_cells"] == ["long"]
    assert [one["type"] for one in page["features"]] == [
        {"dtype": "float64", "_type": "Value"},
        {"dtype": "binary", "_type": "Value"},
        {"dtype": "string", "_type": "Value"},
        {"dtype": "date32", "_type": "Value"},
    ]


def test_a_blob_reads_as_a_file_of_its_size() -> None:
    blob = storage.put_bytes(bytes(range(100)), "application/octet-stream")
    opened = parquet.RangedBlob(blob.sha256, blob.size)
    assert opened.read(3) == b"\x00\x01\x02"
    opened.seek(-2, io.SEEK_END)
    assert opened.read() == b"\x62\x63" and opened.read(5) == b""


def test_readers_of_neighbouring_pictures_read_them_once_together(
    client: Client, dataset: Dataset, holder: Account
) -> None:
    version = a_version_of(dataset, {"default": [pictures(60)]})
    a_licence(holder, version)
    cold()
    file = version.files.get()
    parquet.footer(file)
    with counted() as reads, ThreadPoolExecutor(8) as threads:
        sizes = list(threads.map(lambda row: len(row_pictures._content(file, "image", row)), range(24)))
    assert sizes == [20_000] * 24
    assert len(reads) == 1


def test_a_sample_of_pictures_is_searched_without_fetching_the_pictures(client: Client, dataset: Dataset) -> None:
    version = a_version_of(dataset, {"default": [pictures(500)]}, row_group_rows=100)
    on_shelf(dataset)
    cold()
    with counted() as reads:
        page = answer(client, "filter", where="label = 'dent'", length=5)
    assert all(row["row"]["label"] == "dent" for row in page["rows"])
    assert page["rows"][0]["row"]["image"]["src"].endswith(f"row={page['rows'][0]['row_idx']}")
    assert sum(reads) < 0.02 * version.bytes


def test_files_that_were_published_before_are_told_where_their_rows_begin(dataset: Dataset) -> None:
    parts = [pa.table({"number": pa.array(range(n), pa.int64())}) for n in (3, 0, 4, 2)]
    versions = [a_version_of(dataset, {"left": parts, "right": parts}) for _ in range(2)]
    tell = import_module("catalog.migrations.0004_file_first_row").TELL
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE catalog_file DISABLE TRIGGER USER")
        cursor.execute("UPDATE catalog_file SET first_row = 0")
        cursor.execute(tell)
    for version in versions:
        for config in ("left", "right"):
            told = version.files.filter(config=config).order_by("path").values_list("first_row", flat=True)
            assert list(told) == [0, 3, 3, 7]
