"""The connection to the object store: one client a process, and its errors in our words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MISSING = {"404", "NoSuchKey", "NotFound"}
_MISMATCH = {"BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"}


class StorageError(Exception):
    """The object store did not do what was asked."""


class ObjectMissing(StorageError):
    """There is no object under this key."""


class DigestMismatch(StorageError):
    """The bytes are not those that their digest names; nothing was kept."""


def client() -> S3Client:
    """The S3 client of this process: a child made by fork gets a connection pool of its own."""
    return _client(os.getpid(), settings.S3_ENDPOINT_URL)


def public_client() -> S3Client:
    """The client that signs links: a signature holds for one host, so it is that which the world reaches."""
    return _client(os.getpid(), settings.S3_PUBLIC_ENDPOINT_URL)


@lru_cache(maxsize=2)
def _client(process: int, endpoint: str) -> S3Client:
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if endpoint else "auto"},
        retries={"mode": "standard", "max_attempts": 5},
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=16,
        # We send the checksum of each body ourselves; see ``put``.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.session.Session().client(
        "s3", endpoint_url=endpoint or None, region_name=settings.S3_REGION, config=config
    )


@contextmanager
def translated(key: str) -> Iterator[None]:
    """Raise the store's errors as ours; ``key`` is named in the message."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _MISSING:
            raise ObjectMissing(f"there is no object {key}") from error
        if code in _MISMATCH:
            raise DigestMismatch(f"the store refused {key}: the bytes are not those of its digest") from error
        raise StorageError(f"{key}: {error}") from error
    except BotoCoreError as error:
        raise StorageError(f"{key}: {error}") from error


def ensure_bucket() -> None:
    """Create the bucket if it is not there."""
    try:
        with translated(settings.S3_BUCKET):
            client().head_bucket(Bucket=settings.S3_BUCKET)
    except ObjectMissing:
        arguments: dict[str, Any] = {}
        if settings.S3_REGION != "us-east-1":
            arguments["CreateBucketConfiguration"] = {"LocationConstraint": settings.S3_REGION}
        with translated(settings.S3_BUCKET):
            client().create_bucket(Bucket=settings.S3_BUCKET, **arguments)
