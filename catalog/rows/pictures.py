"""Pictures in cells: an address for each, and the bytes behind it.

Neighbours are asked for together (a page shows many), so what is read for one is kept a while for the next.
"""

from __future__ import annotations

import time
from urllib.parse import urlencode

from django.conf import settings
from django.core.cache import cache
from django.urls import reverse

from catalog.models import File, Version
from catalog.rows import features, parquet
from catalog.rows.access import Reach

_KEPT_SECONDS = 600
_TOGETHER = 50
_NOTHING = b""
_ROOM = 8 << 20  # bytes that are kept at once
_LONGEST_READ = 20  # seconds
_PAUSE = 0.05
_PATIENCE = 100  # pauses

#: Pictures that are served under our name: those that are pixels and nothing else. SVG, for one, is a document.
SHOWN = frozenset({"image/jpeg", "image/png", "image/webp"})


def address(version: Version, config: str, split: str, column: str, row: int) -> str:
    """Where the picture in a cell is; 404 where the cell is empty."""
    dataset = version.dataset
    path = reverse("catalog:version-picture", args=[dataset.account.slug, dataset.name, version.number])
    asked = urlencode({"config": config, "split": split, "column": column, "row": row})
    return f"{settings.PUBLIC_URL}{path}?{asked}"


def picture(reach: Reach, config: str, split: str, column: str, row: int) -> tuple[bytes, str] | None:
    """The picture in a cell and its media type; ``None`` where there is none that may be read."""
    for file in reach.opened(config, split, row, 1):
        schema = parquet.schema(file)
        media = features.media(schema.field(column)) if column in schema.names else ""
        if media in SHOWN:
            content = _content(file, column, row - file.first_row)
            return (content, media) if content else None
    return None


def _content(file: File, column: str, row: int) -> bytes:
    """The bytes in a cell: kept by an earlier reader, or read now; whoever asks meanwhile waits for that."""
    key = f"cell:{file.sha256}:{column}:"
    reading = f"{key}reading:{row - row % _TOGETHER}"
    alone = False
    for _ in range(_PATIENCE):
        found: bytes | None = cache.get(f"{key}{row}")
        if found is not None:
            return found
        if alone := cache.add(reading, True, _LONGEST_READ):
            break
        time.sleep(_PAUSE)
    try:
        # Whoever held it may have ended between the look and the taking.
        found = cache.get(f"{key}{row}")
        return _read(file, column, row, key) if found is None else found
    finally:
        if alone:
            cache.delete(reading)


def _read(file: File, column: str, row: int, key: str) -> bytes:
    first = row - row % _TOGETHER
    values = parquet.rows(file, first, _TOGETHER, [column]).column(0).to_pylist()
    contents = [(value.get("bytes") if isinstance(value, dict) else value) or _NOTHING for value in values]
    kept, size = {}, 0
    # The one that is asked for first, then those that follow it, then those before, as far as there is room.
    asked = row - first
    for place in [*range(asked, len(contents)), *range(asked)]:
        size += len(contents[place])
        if size <= _ROOM:
            kept[f"{key}{first + place}"] = contents[place]
    cache.set_many(kept, _KEPT_SECONDS)
    return contents[asked]
