"""The first rows of a version as a document that a page can show: from the free sample, once, at publishing."""

from __future__ import annotations

import base64
import datetime
import json
import math
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from catalog import attachments
from catalog.models import File, PreviewPicture, Version
from marketplace import storage
from marketplace.work.models import Piece

#: The kind of work that makes a preview.
PREVIEW = "catalog.preview"
ROWS = 50
_TEXT_SHOWN = 400

#: Pictures that are served under our name: those that are pixels and nothing else. SVG, for one, is a document.
_SHOWN = frozenset({"image/jpeg", "image/png", "image/webp"})

#: Stores a picture (its bytes, its media type) and returns its SHA-256.
KeepPicture = Callable[[bytes, str], str]


def make(version: Version) -> None:
    """Compute and attach the preview of ``version``; doing it again replaces it by the same."""

    def keep(picture: bytes, media: str) -> str:
        blob = storage.put_bytes(picture, media)
        PreviewPicture.objects.get_or_create(version=version, sha256=blob.sha256, defaults={"media_type": media})
        return blob.sha256

    tables = []
    with tempfile.TemporaryDirectory(prefix="preview-") as folder:
        for file in _first_samples(version):
            path = Path(folder) / f"{file.id}.parquet"
            storage.download(storage.blob_key(file.sha256), path)
            tables.append(table(pq.ParquetFile(path), file.config, file.split, ROWS, keep))
    body = json.dumps({"tables": tables}, allow_nan=False, ensure_ascii=False).encode()
    attachments.put(version, attachments.store("preview", body))


def is_coming(version: Version) -> bool:
    """Is somebody still to make the preview of ``version``? If not, and there is none, it could not be made."""
    return Piece.objects.unfinished().filter(kind=PREVIEW, subject=version.id).exists()


def table(parquet: pq.ParquetFile, name: str, split: str, rows: int, keep: KeepPicture) -> dict[str, Any]:
    """The first ``rows`` rows of a Parquet file in the shape of ``catalog.shapes.PreviewTable``.

    ``keep`` stores a picture and returns its SHA-256.
    """
    batch = next(parquet.iter_batches(batch_size=rows), None)
    return {
        "name": name,
        "split": split,
        "columns": [_column(field) for field in parquet.schema_arrow],
        "rows": [] if batch is None else _rows(parquet.schema_arrow, batch, keep),
    }


def _first_samples(version: Version) -> Iterator[File]:
    """The first sample file of each configuration, in the order of the layout."""
    samples: dict[str, File] = {}
    for file in version.files.filter(sample=True).order_by("id"):
        samples.setdefault(file.config, file)
    for described in version.layout["tables"]:
        if described["name"] in samples:
            yield samples[described["name"]]


def _column(field: pa.Field) -> dict[str, Any]:
    metadata = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    described = {key: metadata[key] for key in ("description", "role", "unit", "media") if key in metadata}
    return {"name": field.name, "type": str(field.type), **described}


def _rows(schema: pa.Schema, batch: pa.RecordBatch, keep: KeepPicture) -> list[list[Any]]:
    columns = []
    for field, column in zip(schema, batch.columns, strict=True):
        media = (field.metadata or {}).get(b"media", b"").decode()
        values = column.to_pylist()
        columns.append(
            [_picture(value, media, keep) for value in values]
            if media in _SHOWN
            else [plain(value) for value in values]
        )
    return [list(row) for row in zip(*columns, strict=True)]


def _picture(value: dict[str, Any] | bytes | None, media: str, keep: KeepPicture) -> dict[str, str] | None:
    content = value["bytes"] if isinstance(value, dict) else value
    return None if content is None else {"picture": keep(content, media), "media": media}


def plain(value: Any) -> Any:
    """A JSON value that reads as the cell does; a long text is cut."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return value if len(value) <= _TEXT_SHOWN else value[:_TEXT_SHOWN] + "…"
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat(sep=" ") if isinstance(value, datetime.datetime) else value.isoformat()
        case Decimal():
            return str(value)
        case bytes():
            return base64.b64encode(value[:_TEXT_SHOWN]).decode()
        case list():
            return [plain(item) for item in value]
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case _:
            return str(value)
