"""What the doctor says of a catalogue that somebody went behind the back of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pytest
from django.conf import settings
from django.db import connection

from catalog import attachments, doctor, licensing
from catalog.models import Licence, PreviewPicture, ShelfState, Version
from generation.quality.profile import TableProfile, finish
from marketplace import storage
from marketplace.doctor import CheckFunction
from marketplace.storage.client import client
from marketplace.work.models import Piece
from tests.factories import a_dataset, a_listing, a_version, an_account

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


def test_a_document_or_a_picture_that_is_gone_from_the_object_store_is_found(version: Version) -> None:
    document = attachments.put(version, attachments.store("answer-key", b'{"of": "this test"}'))
    picture = storage.put_bytes(b"a picture", "image/png")
    PreviewPicture.objects.create(version=version, sha256=picture.sha256, media_type="image/png")
    assert said(doctor.documents_are_what_was_shown) == []
    lose(document.sha256)
    lose(picture.sha256)
    assert {fault.partition(":")[0] for fault in said(doctor.documents_are_what_was_shown)} == {
        f"document {document.sha256}",
        f"picture {picture.sha256}",
    }


def test_of_what_was_withdrawn_the_digests_are_kept_and_no_bytes_are_missed(version: Version) -> None:
    ShelfState.objects.filter(version=version).update(state=ShelfState.State.WITHDRAWN)
    for digest in (version.digest, *version.files.values_list("sha256", flat=True)):
        lose(digest)
    assert said(doctor.manifests_name_their_versions) == said(doctor.files_are_what_was_published) == []
    assert said(doctor.versions_are_what_their_manifests_say) == []


def test_a_licence_to_a_version_of_another_dataset_is_found(version: Version) -> None:
    other = a_dataset(an_account("other"), "other")
    licence = version.licences.get()
    assert said(doctor.licences_are_to_a_version_of_their_dataset) == []
    Licence.objects.filter(id=licence.id).update(dataset=other)
    assert len(said(doctor.licences_are_to_a_version_of_their_dataset)) == 1
    Licence.objects.filter(id=licence.id).update(dataset=version.dataset, offer=a_listing(other))
    assert len(said(doctor.licences_are_to_a_version_of_their_dataset)) == 1


def test_a_free_licence_without_its_free_offer_is_found(version: Version) -> None:
    offer = a_listing(version.dataset)
    cause = licensing.Cause(Licence.Cause.FREE, offer.id)
    licensing.grant(an_account("buyer"), version, cause=cause, terms=offer.terms, offer=offer)
    assert said(doctor.free_licences_have_their_offer) == []
    Licence.objects.filter(cause_kind=Licence.Cause.FREE).update(cause_id=version.id)
    assert len(said(doctor.free_licences_have_their_offer)) == 1


def test_a_preview_that_nobody_will_make_is_found(version: Version) -> None:
    assert said(doctor.previews_are_made_or_given_up) == []
    Piece.objects.filter(subject=version.id).update(state=Piece.State.CANCELLED)
    assert len(said(doctor.previews_are_made_or_given_up)) == 1
    Piece.objects.filter(subject=version.id).update(state=Piece.State.FAILED)
    assert said(doctor.previews_are_made_or_given_up) == []


def test_statistics_of_another_table_or_shape_are_found(version: Version) -> None:
    (missing,) = said(doctor.statistics_are_true_of_the_files)
    assert "it has no statistics" in missing
    rows = pa.table({"number": pa.array([*range(10), *range(10, 20)], pa.int64())})
    profile = TableProfile(rows.schema)
    profile.add(rows)
    counted = finish(profile.partial())
    attachment = attachments.put(
        version, attachments.store("statistics", json.dumps({"tables": {"default": counted}}).encode())
    )
    assert said(doctor.statistics_are_true_of_the_files) == []
    for wrong, words in (
        ({"tables": {"other": counted}}, "statistics of ['other'] are told, ['default'] are there"),
        ({"tables": {"default": counted | {"rows": 21}}}, "default: 21 rows are told, 20 are there"),
        ({"tables": {"default": {}}}, "its statistics have another shape"),
    ):
        attachment.sha256 = storage.put_bytes(json.dumps(wrong).encode(), "application/json").sha256
        attachment.save()
        (fault,) = said(doctor.statistics_are_true_of_the_files)
        assert words in fault
