"""The object store: blobs by digest, private objects, signed links. The one module that speaks S3.

A *blob* is named by the SHA-256 of its bytes, so the same bytes are stored once and never change. A *private object*
is named by what it belongs to and can be deleted. Keys never hold what a user typed.
"""

from marketplace.storage.blobs import (
    Blob,
    BlobFault,
    blob_key,
    delete_blob,
    put_blob,
    put_bytes,
    read_blob,
    stored,
    verify_blobs,
)
from marketplace.storage.client import DigestMismatch, ObjectMissing, StorageError, ensure_bucket
from marketplace.storage.objects import (
    delete_private,
    download,
    private_key,
    put_private,
    put_private_bytes,
    put_private_stream,
    read,
    signed_link,
)

#: Media type of Parquet files (registered with IANA in 2024).
PARQUET = "application/vnd.apache.parquet"

__all__ = [
    "PARQUET",
    "Blob",
    "BlobFault",
    "DigestMismatch",
    "ObjectMissing",
    "StorageError",
    "blob_key",
    "delete_blob",
    "delete_private",
    "download",
    "ensure_bucket",
    "private_key",
    "put_blob",
    "put_bytes",
    "put_private",
    "put_private_bytes",
    "put_private_stream",
    "read",
    "read_blob",
    "signed_link",
    "stored",
    "verify_blobs",
]
