"""Uploads are gone in time, whatever dies or comes in between."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import F

from generation.runs import sources
from generation.runs.models import Source, SourceFile
from marketplace import storage
from marketplace.storage.client import StorageError
from marketplace.storage.client import client as s3
from tests.factories import an_account
from tests.generation.made import work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

ROWS = "age,town\n" + "".join(f"{20 + n % 50},{'Ulm' if n % 2 else 'Kiel'}\n" for n in range(300))


def kept() -> set[str]:
    listed = s3().list_objects_v2(Bucket=settings.S3_BUCKET, Prefix="private/sources/")
    return {entry["Key"] for entry in listed.get("Contents", [])}


@pytest.fixture(autouse=True)
def nothing_kept_before() -> None:
    for key in kept():
        storage.delete_private(key)


def received() -> Source:
    return sources.receive(an_account(), SimpleUploadedFile("people.csv", ROWS.encode()))


def test_an_upload_whose_process_died_as_it_was_stored_is_deleted_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    store = storage.put_private_stream

    def die(key: str, chunks: Iterable[bytes], size: int) -> None:
        store(key, chunks, size)
        raise SystemExit

    monkeypatch.setattr(storage, "put_private_stream", die)
    with pytest.raises(SystemExit):
        received()
    assert len(kept()) == 1
    Source.objects.update(uploaded_at=F("uploaded_at") - timedelta(days=settings.SOURCE_KEPT_DAYS + 1))
    sources.delete_stale()
    assert kept() == set()


def test_an_upload_that_the_store_took_without_saying_so_is_deleted_by_the_next_sweep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = storage.put_private_stream

    def lose_the_answer(key: str, chunks: Iterable[bytes], size: int) -> None:
        store(key, chunks, size)
        raise StorageError(key)

    monkeypatch.setattr(storage, "put_private_stream", lose_the_answer)
    with pytest.raises(StorageError):
        received()
    assert len(kept()) == 1
    sources.delete_stale()
    assert kept() == set()
    assert Source.objects.get().state == Source.State.GONE


def test_an_upload_that_is_deleted_while_it_is_read_stays_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    parse = sources.parse_source

    def parse_slowly(*args: Any, **options: Any) -> Any:
        answer = parse(*args, **options)
        sources.delete(Source.objects.get())
        return answer

    monkeypatch.setattr(sources, "parse_source", parse_slowly)
    received()
    work_off()
    assert Source.objects.get().state == Source.State.GONE
    assert kept() == set()
    assert not SourceFile.objects.exists()


def test_files_that_a_slow_worker_stored_after_the_end_are_swept(tmp_path: Any) -> None:
    source = received()
    work_off()
    sources.delete(source)
    late = tmp_path / "late"
    late.write_text(ROWS)
    key = storage.private_key("sources", source.id, "default.parquet")
    SourceFile.objects.create(source=source, name="default.parquet", key=key)
    storage.put_private(key, late)
    sources.delete_stale()
    assert kept() == set()
