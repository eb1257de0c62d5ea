"""What the doctor says of a catalogue that somebody went behind the back of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connection

from catalog import doctor
from catalog.models import Version
from marketplace import storage
from marketplace.doctor import CheckFunction
from marketplace.storage.client import client
from tests.factories import a_dataset, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]


@pytest.fixture
def version() -> Version:
    return a_version(a_dataset(an_account()))


@contextmanager
def without_triggers() -> Iterator[None]:
    """As somebody with all rights in the database could write."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")


def said(check: CheckFunction) -> list[str]:
    return [f"{fault.subject}: {fault.message}" for fault in check()]


def lose(digest: str) -> None:
    client().delete_object(Bucket=settings.S3_BUCKET, Key=storage.blob_key(digest))


@pytest.mark.parametrize(
    "check",
    [
        doctor.manifests_name_their_versions,
        doctor.versions_are_what_their_manifests_say,
        doctor.files_are_what_was_published,
        doctor.documents_are_what_was_shown,
    ],
)
def test_nothing_is_wrong_with_what_was_published(version: Version, check: CheckFunction) -> None:
    assert said(check) == []


def test_a_manifest_that_is_gone_from_the_object_store_is_found(version: Version) -> None:
    lose(version.digest)
    assert said(doctor.manifests_name_their_versions) == [f"manifest {version.digest}: it is not in the object store."]


def test_a_manifest_that_was_changed_in_the_database_is_found(version: Version) -> None:
    with without_triggers(), connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_manifest SET body = body || ' '::bytea")
    (fault,) = said(doctor.manifests_name_their_versions)
    assert "is not the one that its digest names" in fault


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM catalog_file WHERE path LIKE '%00000-of%'",
        "UPDATE catalog_file SET rows = rows + 1 WHERE path LIKE '%00000-of%'",
        "UPDATE catalog_file SET bytes = bytes + 1 WHERE path LIKE '%00000-of%'",
        "UPDATE catalog_file SET sha256 = repeat('0', 64) WHERE path LIKE '%00000-of%'",
        "UPDATE catalog_file SET split = 'test' WHERE path LIKE '%00000-of%'",
    ],
)
def test_a_file_that_is_not_as_the_manifest_lists_it_is_found(version: Version, statement: str) -> None:
    with without_triggers(), connection.cursor() as cursor:
        cursor.execute(statement)
    (fault,) = said(doctor.versions_are_what_their_manifests_say)
    assert "the file data/train-00000-of-00002.parquet is not as its manifest lists it" in fault


def test_a_file_that_was_added_is_found(version: Version) -> None:
    with without_triggers():
        file = version.files.first()
        assert file is not None
        file.pk, file.path = None, "data/more.parquet"
        file.save()
    (fault,) = said(doctor.versions_are_what_their_manifests_say)
    assert "the file data/more.parquet is not as its manifest lists it" in fault


@pytest.mark.parametrize("column", ["recipe", "layout"])
def test_another_recipe_or_layout_than_the_manifest_has_is_found(version: Version, column: str) -> None:
    with without_triggers(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE catalog_version SET {column} = '{{}}'")
    (fault,) = said(doctor.versions_are_what_their_manifests_say)
    assert f"its {column} is not that of its manifest" in fault


def test_a_version_without_a_manifest_is_found(version: Version) -> None:
    with without_triggers(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalog_manifest")
    (fault,) = said(doctor.versions_are_what_their_manifests_say)
    assert "it has no manifest" in fault


def test_other_totals_than_those_of_the_files_are_found(version: Version) -> None:
    with without_triggers(), connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_version SET rows = rows + 1")
    (fault,) = said(doctor.versions_are_what_their_manifests_say)
    assert "its rows or bytes" in fault


def test_a_file_that_is_gone_from_the_object_store_is_found(version: Version) -> None:
    lose(version.files.get(path__contains="00001").sha256)
    (fault,) = said(doctor.files_are_what_was_published)
    assert "it is not in the object store" in fault
