"""Blobs: objects named by the SHA-256 of their bytes.

A blob to which nobody refers is collected (``collecting``) once it is older than ``GRACE``. So bytes that are there
already, but are old, are sent again, which makes them young, under a lock that keeps them from being collected
meanwhile. At least half of the grace is left for the reference to be written down.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction

from marketplace.storage.client import DigestMismatch, ObjectMissing, client, translated
from marketplace.storage.objects import put, read

#: How long a blob to which nobody refers is left alone: work under way may be about to refer to it.
GRACE: Final = timedelta(days=1)
PREFIX: Final = "blobs/sha256/"

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
    return f"{PREFIX}{sha256[:2]}/{sha256}"


def put_blob(path: Path, *, sha256: str, md5: str, size: int, content_type: str) -> Blob:
    """Store the file at ``path``, whose digests (hex) and size were taken as it was written.

    Nothing is sent when the blob is there, of that size and young. Raises DigestMismatch when the file changed since.
    """
    blob = Blob(sha256, size)
    with _missing(blob) as missing:
        if missing:
            with path.open("rb") as body:
                put(blob.key, body, md5=bytes.fromhex(md5), sha256=bytes.fromhex(sha256), content_type=content_type)
    return blob


def put_bytes(body: bytes, content_type: str) -> Blob:
    """Store ``body``; nothing is sent when it is there already and young."""
    sha256 = hashlib.sha256(body)
    blob = Blob(sha256.hexdigest(), len(body))
    with _missing(blob) as missing:
        if missing:
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


@dataclass(frozen=True)
class Stored:
    """An object as the store tells of it: its size, and how long ago, by the store's clock, it was written."""

    size: int
    age: timedelta


def stored(key: str) -> Stored | None:
    """What the store tells of an object; ``None`` if there is none."""
    try:
        with translated(key):
            answer = client().head_object(Bucket=settings.S3_BUCKET, Key=key)
    except ObjectMissing:
        return None
    return Stored(answer["ContentLength"], stores_clock(answer) - answer["LastModified"])


def stores_clock(answer: Any) -> datetime:
    """When the store gave this answer, by its own clock."""
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])


@contextmanager
def locked(sha256: str, *, shared: bool) -> Iterator[None]:
    """Hold the lock of a blob, alone or with others, until the transaction ends; waits for it."""
    lock = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    number = int.from_bytes(bytes.fromhex(sha256)[:8], "big", signed=True)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {lock}(%s)", [number])
        yield


@contextmanager
def _missing(blob: Blob) -> Iterator[bool]:
    """Tell whether a blob must be sent, and let nobody collect it meanwhile.

    What is not there, and what is young, nobody collects: the lock is for an old one alone.
    """
    found = stored(blob.key)
    if found is None:
        yield True
    elif found.size == blob.size and found.age < GRACE / 2:
        yield False
    else:
        with locked(blob.sha256, shared=True):
            yield True
