"""The manifest of a version: RFC 8785 JSON whose SHA-256 names the version."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rfc8785

SCHEMA = "lookalike/manifest/1"


@dataclass(frozen=True)
class MadeFile:
    """One Parquet file as it lies in the object store: ``sha256`` in hex, ``bytes`` its size."""

    path: str
    config: str
    split: str
    sample: bool
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class ManifestBody:
    """The bytes of a manifest and their SHA-256 in hex."""

    body: bytes
    digest: str


def build(*, layout: Mapping[str, Any], recipe: Mapping[str, Any], files: Sequence[MadeFile]) -> ManifestBody:
    """Return the manifest of ``files`` made by ``recipe`` in ``layout``.

    Raises ValueError for no files or a path that occurs twice, and rfc8785.CanonicalizationError for what JSON cannot
    hold exactly (NaN, integers beyond 2**53).
    """
    paths = [file.path for file in files]
    if not paths or len(set(paths)) != len(paths):
        raise ValueError("a manifest lists at least one file, and each path once")
    body = rfc8785.dumps(
        {
            "schema": SCHEMA,
            "layout": dict(layout),
            "recipe": dict(recipe),
            "files": [
                {
                    "path": file.path,
                    "config": file.config,
                    "split": file.split,
                    "bytes": file.bytes,
                    "rows": file.rows,
                    "sha256": file.sha256,
                }
                for file in sorted(files, key=lambda file: file.path)
            ],
        }
    )
    return ManifestBody(body, hashlib.sha256(body).hexdigest())
