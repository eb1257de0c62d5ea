"""Free samples on this machine's disk, by digest: fetched once, and the longest unused given up for new ones.

A copy leaves out pictures and clips, which nobody compares; so the sample of a large dataset of pictures is small.
"""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings

from catalog.models import File
from catalog.rows import features, parquet
from marketplace import storage

LARGEST = 256 << 20
_ROOM = 4 << 30


class TooLarge(Exception):
    """The sample is larger than what is copied for a reader who waits."""


def columns(schema: pa.Schema) -> list[str]:
    """The columns that a copy has, in their order."""
    return [field.name for field in schema if not features.media(field)]


def sample(file: File) -> Path:
    """The path of a copy of a sample file. Raises TooLarge."""
    folder = Path(settings.SCRATCH_DIR) / "samples"
    path = folder / f"{file.sha256}.parquet"
    try:
        os.utime(path)
    except FileNotFoundError:
        names = columns(parquet.schema(file))
        size = parquet.stored_bytes(file, names)
        if size > LARGEST:
            raise TooLarge(f"{file} has {size:,} bytes beside its pictures") from None
        folder.mkdir(parents=True, exist_ok=True)
        _make_room(folder, size)
        coming = folder / f"{uuid4().hex}.coming"
        try:
            _copy(file, names, coming)
            coming.replace(path)
        finally:
            coming.unlink(missing_ok=True)
    return path


def _copy(file: File, names: list[str], path: Path) -> None:
    schema = parquet.schema(file)
    if names == schema.names:
        storage.download(storage.blob_key(file.sha256), path)
        return
    opened = parquet.opened(file)
    with pq.ParquetWriter(path, pa.schema([schema.field(name) for name in names])) as writer:
        for group in range(opened.num_row_groups):
            writer.write_table(opened.read_row_group(group, columns=names, use_threads=False))


def _make_room(folder: Path, size: int) -> None:
    kept = sorted(((path.stat(), path) for path in folder.glob("*.parquet")), key=lambda pair: pair[0].st_mtime)
    taken = sum(status.st_size for status, _ in kept) + size
    for status, path in kept:
        if taken <= _ROOM:
            return
        path.unlink(missing_ok=True)
        taken -= status.st_size
