"""Bad files: each gets a clear error that names the row or column; nothing is left in the database or the store."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.test import Client

from generation.orders.models import Order
from generation.runs.models import SourceFile
from marketplace.storage.client import client as s3
from tests.factories import a_person
from tests.generation.orders.flow import upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]


def rows(number: int = 300, extra: str = "") -> str:
    return "age,city\n" + "".join(f"{20 + n % 50},{'Ulm' if n % 2 else 'Kiel'}\n" for n in range(number)) + extra


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("people.csv", rows())
    return target.getvalue()


def bomb() -> bytes:
    """A small Parquet file that unpacks to 2 GB."""
    target = io.BytesIO()
    schema = pa.schema([("a", pa.int64())])
    with pq.ParquetWriter(target, schema, compression="zstd", use_dictionary=False) as writer:
        block = pa.table({"a": pa.array([0] * 4_000_000, pa.int64())})
        for _ in range(64):
            writer.write_table(block)
    return target.getvalue()


def truncated() -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table({"a": list(range(1000))}), target)
    return target.getvalue()[:-100]


NOTE = b"visit %d: a text of its own and of more words than any name or title has\n"
BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "wrong encoding": (lambda: rows(extra="30,Köln\n").encode("latin-1"), r"line 302"),
    "ragged rows": (lambda: rows(extra="30,Ulm,extra\n").encode(), r"[Rr]ow 302"),
    "header only": (lambda: b"age,city\n", r"row"),
    "too few rows": (lambda: rows(20).encode(), r"100"),
    "no usable column": (lambda: b"note\n" + b"".join(NOTE % n for n in range(300)), r"column"),
    "a ZIP renamed": (zipped, r"ZIP|zip"),
    "a gzip renamed": (lambda: gzip.compress(rows().encode()), r"gzip"),
    "10,000 columns": (lambda: (",".join(f"c{n}" for n in range(10_000)) + "\n").encode() * 2, r"10,000"),
    "a formula bomb": (lambda: rows(extra='30,"=HYPERLINK(""http://x"",""y"")"\n').encode(), r"city"),
    "a 2 GB decompression": (bomb, r"limit|large|GB|GiB"),
    "the same column twice": (lambda: rows().replace("age,city", "age,age").encode(), r"age"),
    "a truncated Parquet": (truncated, r"Parquet"),
    "an unclosed quote": (lambda: rows(extra='30,"Ulm\n').encode(), r"quote"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_gets_a_clear_error_and_leaves_nothing(client: Client, kind: str) -> None:
    import re

    make, told = BAD[kind]
    client.force_login(a_person()[0])
    before = _objects()
    source = upload(client, make(), "people.parquet" if "Parquet" in kind or "GB" in kind else "people.csv")
    assert source.state == "refused"
    sentences = " ".join(f"{p['field']} {p['message']} {p['remedy']}" for p in source.problems)
    assert re.search(told, sentences), sentences
    assert all(problem["message"] and problem["remedy"] for problem in source.problems)
    answer = client.get(f"/orders/new/house/tabular?source={source.id}")
    assert answer.status_code == 200
    assert "This file cannot be used" in answer.content.decode()
    assert not SourceFile.objects.exists()
    assert not Order.objects.exists()
    assert _objects() == before


def test_an_empty_file_is_refused_on_the_form(client: Client) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from tests.generation.orders.flow import house_generator

    house_generator("tabular")
    client.force_login(a_person()[0])
    answer = client.post("/orders/new/house/tabular/upload", {"file": SimpleUploadedFile("empty.csv", b"")})
    assert answer.status_code == 422
    assert "empty" in answer.content.decode()


def _objects() -> set[str]:
    listed = s3().list_objects_v2(Bucket=settings.S3_BUCKET, Prefix="private/sources/")
    return {entry["Key"] for entry in listed.get("Contents", [])}
