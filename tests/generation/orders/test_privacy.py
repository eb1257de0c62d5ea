"""Nothing that tells of one person leaves a source: after an order, what was planted in the upload is nowhere.

A salary that one person has and a diagnosis that three people have are looked for in every object of the store (every
column of every Parquet file decoded), in every table of the database, and in all files under ``var``.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from generation.runs.models import StateFile
from marketplace.storage.client import client as s3
from tests.factories import a_person
from tests.generation.orders.flow import draft, press, upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

SALARY = 9_999_999
DIAGNOSIS = "Kuru-Fore-1957"
#: The two as text, as a number of its own and not as digits within another, and as eight bytes of an array.
_SPELLINGS = (
    re.compile(rb"(?<![0-9.])9[,_ ]?999[,_ ]?999(?![0-9])|9\.999999e\+?0?6(?![0-9])"),
    re.compile(re.escape(DIAGNOSIS.encode())),
    re.compile(re.escape(struct.pack("<q", SALARY))),
    re.compile(re.escape(struct.pack("<d", SALARY))),
)


def a_source() -> bytes:
    chance = random.Random(11)
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(["age", "salary", "diagnosis", "smoker"])
    for number in range(3000):
        salary = SALARY if number == 1234 else int(chance.lognormvariate(10.5, 0.5))
        diagnosis = DIAGNOSIS if number in {17, 1800, 2900} else chance.choice(["none", "asthma", "diabetes", "gout"])
        writer.writerow([chance.randint(18, 90), salary, diagnosis, chance.choice(["true", "false"])])
    return target.getvalue().encode()


def everything() -> Iterator[tuple[str, bytes]]:
    """(where, bytes) of all that the product keeps: objects as they are and decoded, tables, files."""
    pages = s3().get_paginator("list_objects_v2").paginate(Bucket=settings.S3_BUCKET)
    for page in pages:
        for entry in page.get("Contents", []):
            body = s3().get_object(Bucket=settings.S3_BUCKET, Key=entry["Key"])["Body"].read()
            yield entry["Key"], body
            yield from ((f"{entry['Key']} decoded", text) for text in _decoded(body))
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                yield table, b" ".join(_text(value) for value in row)
    for path in Path(settings.VAR_DIR).rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()


def _decoded(body: bytes) -> Iterator[bytes]:
    if body[:4] == b"PAR1":
        for column in pq.read_table(io.BytesIO(body)).columns:
            yield "\n".join(str(value) for value in column.to_pylist()).encode()
    elif body[:6] == b"ARROW1":
        for column in pa.ipc.open_file(body).read_all().columns:
            yield "\n".join(str(value) for value in column.to_pylist()).encode()
    elif body[:6] == b"\x93NUMPY":
        yield "\n".join(str(value) for value in np.load(io.BytesIO(body), allow_pickle=False).ravel().tolist()).encode()
    elif body[:2] == b"\x1f\x8b":
        yield gzip.decompress(body)


def _text(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def _places(kept: list[tuple[str, bytes]]) -> list[str]:
    return [where for where, body in kept if any(spelling.search(body) for spelling in _SPELLINGS)]


def test_a_salary_of_one_and_a_diagnosis_of_three_are_nowhere_after_the_order(client: Client) -> None:
    client.force_login(a_person("ann")[0])
    source = upload(client, a_source())
    assert source.state == "understood"
    assert _places(list(everything())), "the search must find the upload while it is there"
    order = press(client, draft(client, "tabular", source=source, units="5000"), "place")
    assert order.state == "delivered"
    assert StateFile.objects.filter(run=order.run).exists()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM FULL")
    kept = list(everything())
    assert len(kept) > 30
    assert _places(kept) == []


def test_what_was_understood_tells_names_types_and_counts_only(client: Client) -> None:
    client.force_login(a_person("ann")[0])
    source = upload(client, a_source())
    told = str(source.facts)
    assert "asthma" not in told
    assert {column["name"] for column in source.facts["tables"]["default"]["columns"]} == {
        "age",
        "salary",
        "diagnosis",
        "smoker",
    }
