"""Pictures in cells: an address for each, and the bytes behind it.

Neighbours are asked for together (a page shows many), so what is read for one is kept a while for the next.
"""

from __future__ import annotations

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
    for file in reach.holding(config, split, row, 1):
        schema = parquet.schema(file)
        media = features.media(schema.field(column)) if column in schema.names else ""
        if media in SHOWN:
            content = _content(file, column, row - file.first_row)
            return (content, media) if content else None
    return None


def _content(file: File, column: str, row: int) -> bytes:
    key = f"cell:{file.sha256}:{column}:"
    found: bytes | None = cache.get(f"{key}{row}")
    if found is not None:
        return found
    first = row - row % _TOGETHER
    values = parquet.rows(file, first, _TOGETHER, [column]).column(0).to_pylist()
    contents = [value.get("bytes") if isinstance(value, dict) else value for value in values]
    kept = {f"{key}{first + place}": content or _NOTHING for place, content in enumerate(contents)}
    cache.set_many(kept, _KEPT_SECONDS)
    return kept[f"{key}{row}"]
