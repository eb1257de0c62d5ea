"""A published table of people, others to set beside it, and what a holder would send of them."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
from django.conf import settings
from pyarrow import csv

from catalog import attachments
from catalog.models import Dataset, Version
from generation.quality.judge.drift.sketches import sketch
from generation.quality.profile import TableProfile, finish
from generation.runs.drift.checks import Asked
from marketplace.storage.client import client as s3
from tests.factories import a_version_of
from tests.generation.quality.judge.people import people


def drawn(seed: int, rows: int = 1000) -> pa.Table:
    return people(rows, np.random.default_rng(seed))


def dearer(table: pa.Table) -> pa.Table:
    """Raise all incomes by a half."""
    income = pa.array(table.column("income").to_numpy() * 1.5)
    return table.set_column(table.column_names.index("income"), "income", income)


def published(dataset: Dataset, table: pa.Table) -> Version:
    """A version of these rows, in two files, with their statistics."""
    half = table.num_rows // 2
    version = a_version_of(dataset, {"default": [table.slice(0, half), table.slice(half)]})
    profile = TableProfile(table.schema)
    profile.add(table)
    body = json.dumps({"tables": {"default": finish(profile.partial())}}).encode()
    attachments.put(version, attachments.store("statistics", body))
    return version


def asked(version: Version, target: str = "") -> Asked:
    return Asked(version, "default", target)


def as_csv(table: pa.Table) -> bytes:
    target = io.BytesIO()
    csv.write_csv(table, target)
    return target.getvalue()


def as_sketch(table: pa.Table) -> bytes:
    return json.dumps(sketch(table)).encode()


def kept() -> set[str]:
    """The uploads that lie in the object store."""
    listed = s3().list_objects_v2(Bucket=settings.S3_BUCKET, Prefix="private/drift/")
    return {entry["Key"] for entry in listed.get("Contents", [])}
