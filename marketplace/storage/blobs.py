"""Blobs: objects named by the SHA-256 of their bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from marketplace.storage.client import DigestMismatch, ObjectMissing, client, translated
from marketplace.storage.objects import put, read

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Blob:
    """A blob in the store: its SHA-256 in hex and its size in bytes."""

    sha256: str
    size: int

    @property
    def key(self) -> str:
        """Where it lies."""
        return blob_key(self.sha256)


@dataclass(frozen=True)
class BlobFault:
    """A blob that is missing, or is not what its name says."""

    sha256: str
    message: str


def blob_key(sha256: str) -> str:
    """``blobs/sha256/ab/abcdef…``. Raises ValueError for what is no digest."""
    if not _HEX.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is no SHA-256 in hex")
    return f"blobs/sha256/{sha256[:2]}/{sha256}"


def put_blob(path: Path, *, sha256: str, md5: str, size: int, content_type: str) -> Blob:
    """Store the file at ``path``, whose digests (hex) and size were taken as it was written.

    Nothing is sent when the blob is there and of that size. Raises DigestMismatch when the file changed since.
    """
    blob = Blob(sha256, size)
    if size_of(blob.key) == size:
        return blob
    with path.open("rb") as body:
        put(blob.key, body, md5=bytes.fromhex(md5), sha256=bytes.fromhex(sha256), content_type=content_type)
    return blob


def put_bytes(body: bytes, content_type: str) -> Blob:
    """Store ``body``; nothing is sent when it is there already."""
    sha256 = hashlib.sha256(body)
    blob = Blob(sha256.hexdigest(), len(body))
    if size_of(blob.key) != blob.size:
        md5 = hashlib.md5(body, usedforsecurity=False).digest()
        put(blob.key, body, md5=md5, sha256=sha256.digest(), content_type=content_type)
    return blob


def read_blob(sha256: str) -> bytes:
    """Return all bytes of a blob, checked. Raises ObjectMissing and DigestMismatch."""
    body = read(blob_key(sha256))
    if hashlib.sha256(body).hexdigest() != sha256:
        raise DigestMismatch(f"the blob {sha256} holds other bytes")
    return body


def delete_blob(sha256: str) -> None:
    """Destroy a blob; one that is gone already is no error. Whoever calls this knows that nobody refers to it."""
    key = blob_key(sha256)
    with translated(key):
        client().delete_object(Bucket=settings.S3_BUCKET, Key=key)


def size_of(key: str) -> int | None:
    """The bytes of the object at ``key``; ``None`` when there is none."""
    try:
        with translated(key):
            return client().head_object(Bucket=settings.S3_BUCKET, Key=key)["ContentLength"]
    except ObjectMissing:
        return None


def verify_blobs(digests: Iterable[str]) -> Iterator[BlobFault]:
    """Read each blob again, whole, and yield what is missing or changed."""
    for sha256 in digests:
        found = hashlib.sha256()
        try:
            with translated(sha256):
                answer = client().get_object(Bucket=settings.S3_BUCKET, Key=blob_key(sha256))
                for chunk in answer["Body"].iter_chunks(1 << 20):
                    found.update(chunk)
        except ObjectMissing:
            yield BlobFault(sha256, "it is not in the object store.")
            continue
        if found.hexdigest() != sha256:
            yield BlobFault(sha256, f"the store holds bytes with the digest {found.hexdigest()}.")
