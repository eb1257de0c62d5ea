"""A published version never changes: the database itself refuses, by ORM and by SQL."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import pytest
from django.db import Error, connection, transaction

from catalog.models import File, Manifest, Version
from tests.factories import a_dataset, a_version, an_account

DIGEST = "0" * 64

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]


@pytest.fixture
def version() -> Version:
    return a_version(a_dataset(an_account()))


def by_orm_save(version: Version) -> None:
    version.rows += 1
    version.save()


def copied(file: File | None) -> File:
    assert file is not None
    file.pk, file.path = None, "data/again.parquet"
    return file


ATTEMPTS: dict[str, Callable[[Version], object]] = {
    "save a version": by_orm_save,
    "update a version": lambda v: Version.objects.filter(id=v.id).update(digest="0" * 64),
    "delete a version": lambda v: Version.objects.filter(id=v.id)._raw_delete("default"),
    "update a file": lambda v: File.objects.filter(version=v).update(sha256=DIGEST),
    "add a file": lambda v: copied(v.files.first()).save(),
    "add files": lambda v: File.objects.bulk_create([copied(v.files.first())]),
    "delete a file": lambda v: File.objects.filter(version=v).first().delete(),  # type: ignore[union-attr]
    "update a manifest": lambda v: Manifest.objects.filter(version=v).update(body=b"{}"),
    "delete a manifest": lambda v: Manifest.objects.filter(version=v).delete(),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_the_orm_cannot(version: Version, attempt: str) -> None:
    with pytest.raises(Error, match="pgtrigger"), transaction.atomic():
        ATTEMPTS[attempt](version)


@pytest.mark.parametrize("table", ["catalog_version", "catalog_file", "catalog_manifest"])
@pytest.mark.parametrize("statement", ["DELETE FROM {table}", "UPDATE {table} SET {column} = {column}"])
def test_sql_cannot(version: Version, table: str, statement: str) -> None:
    column = {"catalog_version": "rows", "catalog_file": "rows", "catalog_manifest": "body"}[table]
    with pytest.raises(Error, match="pgtrigger"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table=table, column=column))


def test_sql_cannot_add_a_file(version: Version) -> None:
    columns = "version_id, path, config, split, sample, rows, bytes, sha256"
    statement = (
        f"INSERT INTO catalog_file ({columns}) SELECT {columns.replace(' path', ' path || 2')} FROM catalog_file"
    )
    with pytest.raises(Error, match="is complete"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("table", ["catalog_version", "catalog_file", "catalog_manifest"])
def test_truncate_cannot_outside_of_test_databases(
    version: Version, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = importlib.import_module("catalog.migrations.0002_refuse_truncate")
    monkeypatch.setitem(connection.settings_dict, "NAME", "lookalike")
    with transaction.atomic():
        with connection.schema_editor() as editor:
            migration.refuse(None, editor)
        with (
            pytest.raises(Error, match="a published version never changes"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f"TRUNCATE {table} CASCADE")
        transaction.set_rollback(True)
