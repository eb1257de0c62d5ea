"""What the object store promises, against a real S3 server."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from pytest_django import Settings

from marketplace import storage
from marketplace.storage.client import client

pytestmark = pytest.mark.usefixtures("s3_bucket")


def a_file(folder: Path, body: bytes) -> tuple[Path, dict[str, object]]:
    path = folder / "file"
    path.write_bytes(body)
    return path, {
        "sha256": hashlib.sha256(body).hexdigest(),
        "md5": hashlib.md5(body, usedforsecurity=False).hexdigest(),
        "size": len(body),
        "content_type": storage.PARQUET,
    }


def test_a_blob_is_stored_under_its_digest_and_read_back(tmp_path: Path) -> None:
    path, facts = a_file(tmp_path, uuid4().bytes * 1000)
    blob = storage.put_blob(path, **facts)  # type: ignore[arg-type]
    assert storage.read_blob(blob.sha256) == path.read_bytes()


def test_the_same_bytes_are_sent_once(tmp_path: Path) -> None:
    path, facts = a_file(tmp_path, uuid4().bytes)
    blob = storage.put_blob(path, **facts)  # type: ignore[arg-type]
    first = client().head_object(Bucket=settings.S3_BUCKET, Key=blob.key)["LastModified"]
    path.write_bytes(b"these bytes would be refused")
    storage.put_blob(path, **facts)  # type: ignore[arg-type]
    assert client().head_object(Bucket=settings.S3_BUCKET, Key=blob.key)["LastModified"] == first


def test_bytes_that_are_not_those_of_their_digest_are_refused_and_not_kept(tmp_path: Path) -> None:
    path, facts = a_file(tmp_path, uuid4().bytes)
    path.write_bytes(b"x" * len(path.read_bytes()))
    with pytest.raises(storage.StorageError):
        storage.put_blob(path, **facts)  # type: ignore[arg-type]
    with pytest.raises(storage.ObjectMissing):
        storage.read_blob(str(facts["sha256"]))


def test_verifying_finds_a_missing_and_a_changed_blob() -> None:
    kept = storage.put_bytes(uuid4().bytes, "application/json")
    changed = storage.put_bytes(uuid4().bytes, "application/json")
    client().put_object(Bucket=settings.S3_BUCKET, Key=changed.key, Body=b"other")
    missing = hashlib.sha256(uuid4().bytes).hexdigest()
    faults = {fault.sha256 for fault in storage.verify_blobs([kept.sha256, changed.sha256, missing])}
    assert faults == {changed.sha256, missing}


def test_a_signed_link_gives_the_bytes_with_name_and_type_and_refuses_head() -> None:
    blob = storage.put_bytes(b"rows", "application/octet-stream")
    link = storage.signed_link(blob.key, file_name="größe 1.parquet", content_type=storage.PARQUET, seconds=60)
    with urllib.request.urlopen(link) as answer:
        assert answer.read() == b"rows"
        assert answer.headers["Content-Type"] == storage.PARQUET
        assert 'filename="gr__e_1.parquet"' in answer.headers["Content-Disposition"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(link, method="HEAD"))
    assert refused.value.code == 403


def test_nothing_is_read_without_a_signature() -> None:
    blob = storage.put_bytes(b"secret rows", "application/octet-stream")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{settings.S3_ENDPOINT_URL}/{settings.S3_BUCKET}/{blob.key}")
    assert refused.value.code == 403


def test_a_private_object_is_replaced_read_in_part_and_deleted(tmp_path: Path) -> None:
    key = storage.private_key("sources", uuid4(), "upload")
    storage.put_private_bytes(key, b"first", "text/plain")
    storage.put_private_stream(key, iter([b"abc", b"def"]), 6)
    assert storage.read(key, 2, 3) == b"cde"
    storage.download(key, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"abcdef"
    storage.delete_private(key)
    storage.delete_private(key)
    with pytest.raises(storage.ObjectMissing):
        storage.read(key)


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden", "a" * 200])
def test_a_key_never_holds_what_could_be_a_path(name: str) -> None:
    with pytest.raises(ValueError, match="private object"):
        storage.private_key("sources", uuid4(), name)


def test_only_private_objects_can_be_deleted() -> None:
    blob = storage.put_bytes(b"published", "application/json")
    with pytest.raises(ValueError, match="not a private object"):
        storage.delete_private(blob.key)
    assert storage.read_blob(blob.sha256) == b"published"


def test_signed_links_lead_to_the_address_that_the_world_reaches(settings: Settings) -> None:
    public = settings.S3_ENDPOINT_URL.replace("127.0.0.1", "localhost")
    settings.S3_PUBLIC_ENDPOINT_URL = public
    body = uuid4().bytes
    blob = storage.put_bytes(body, "application/json")
    link = storage.signed_link(blob.key, file_name="a.json", content_type="application/json", seconds=60)
    assert link.startswith(f"{public}/")
    with urllib.request.urlopen(link) as answer:
        assert answer.read() == body
