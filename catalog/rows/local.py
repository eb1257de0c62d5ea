"""Free samples on this machine's disk, by digest: downloaded once, and the longest unused given up for new ones."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

from django.conf import settings

from catalog.models import File
from marketplace import storage

LARGEST = 512 << 20
_ROOM = 4 << 30


def sample(file: File) -> Path:
    """The path of a copy of a sample file."""
    folder = Path(settings.SCRATCH_DIR) / "samples"
    path = folder / f"{file.sha256}.parquet"
    try:
        os.utime(path)
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        _make_room(folder, file.bytes)
        coming = folder / f"{uuid4().hex}.coming"
        try:
            storage.download(storage.blob_key(file.sha256), coming)
            coming.replace(path)
        finally:
            coming.unlink(missing_ok=True)
    return path


def _make_room(folder: Path, size: int) -> None:
    kept = sorted(((path.stat(), path) for path in folder.glob("*.parquet")), key=lambda pair: pair[0].st_mtime)
    taken = sum(status.st_size for status, _ in kept) + size
    for status, path in kept:
        if taken <= _ROOM:
            return
        path.unlink(missing_ok=True)
        taken -= status.st_size
