"""Private objects, ranged reads and signed links."""

from __future__ import annotations

import base64
import hashlib
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO
from urllib.parse import quote
from uuid import UUID

from django.conf import settings

from marketplace.storage.client import client, public_client, translated

_PURPOSE = re.compile(r"[a-z]{3,20}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_PRIVATE = "private/"
_CHUNK = 1 << 20


def private_key(purpose: str, owner: UUID, name: str) -> str:
    """The key of a private object: ``private/{purpose}/{uuid}/{name}``. Raises ValueError for a foreign name."""
    if not _PURPOSE.fullmatch(purpose) or not _NAME.fullmatch(name):
        raise ValueError(f"{purpose}/{name} is no purpose and name of a private object")
    return f"{_PRIVATE}{purpose}/{owner}/{name}"


def put_private(key: str, path: Path) -> None:
    """Store the file at ``path`` under a private key, replacing what was there."""
    digest = _digests(path)
    with path.open("rb") as body:
        put(key, body, md5=digest[0], sha256=digest[1], content_type="application/octet-stream")


def put_private_bytes(key: str, body: bytes, content_type: str) -> None:
    """Store ``body`` under a private key, replacing what was there."""
    put(
        key,
        body,
        md5=hashlib.md5(body, usedforsecurity=False).digest(),
        sha256=hashlib.sha256(body).digest(),
        content_type=content_type,
    )


def put_private_stream(key: str, chunks: Iterable[bytes], size: int) -> None:
    """Store a stream under a private key by way of an unnamed file on disk, so that its digest goes with it."""
    with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as spool:
        md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        for chunk in chunks:
            spool.write(chunk)
            md5.update(chunk)
            sha256.update(chunk)
        spool.seek(0)
        put(key, spool, md5=md5.digest(), sha256=sha256.digest(), content_type="application/octet-stream")


def delete_private(key: str) -> None:
    """Delete a private object; one that is gone already is no error. Raises ValueError for any other key."""
    if not key.startswith(_PRIVATE):
        raise ValueError(f"{key} is not a private object")
    with translated(key):
        client().delete_object(Bucket=settings.S3_BUCKET, Key=key)


def read(key: str, start: int = 0, length: int | None = None) -> bytes:
    """Return ``length`` bytes of an object from ``start`` (all of it without ``length``). Raises ObjectMissing."""
    end = "" if length is None else str(start + length - 1)
    with translated(key):
        answer = client().get_object(Bucket=settings.S3_BUCKET, Key=key, Range=f"bytes={start}-{end}")
        return answer["Body"].read()


def download(key: str, path: Path) -> None:
    """Write an object to a new file at ``path``. Raises ObjectMissing."""
    with translated(key):
        answer = client().get_object(Bucket=settings.S3_BUCKET, Key=key)
        with path.open("xb") as target:
            for chunk in answer["Body"].iter_chunks(_CHUNK):
                target.write(chunk)


def signed_link(key: str, *, file_name: str, content_type: str, seconds: int) -> str:
    """Return an address at which anyone may GET the object for ``seconds``; browsers save it as ``file_name``.

    A link is signed for its method: a HEAD of it answers 403.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", file_name)
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name)}"
    parameters = {
        "Bucket": settings.S3_BUCKET,
        "Key": key,
        "ResponseContentDisposition": disposition,
        "ResponseContentType": content_type,
    }
    with translated(key):
        return public_client().generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)


def put(key: str, body: bytes | IO[bytes], *, md5: bytes, sha256: bytes, content_type: str) -> None:
    """One PUT with both digests, so that the store refuses bytes that are not those we mean. Raises DigestMismatch."""
    with translated(key):
        client().put_object(
            Bucket=settings.S3_BUCKET,
            Key=key,
            Body=body,
            ContentMD5=base64.b64encode(md5).decode(),
            ChecksumSHA256=base64.b64encode(sha256).decode(),
            ContentType=content_type,
        )


def _digests(path: Path) -> tuple[bytes, bytes]:
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            md5.update(chunk)
            sha256.update(chunk)
    return md5.digest(), sha256.digest()
