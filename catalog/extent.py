"""How many rows the parts of a version have, and its first free file: asked once, as a version never changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db.models import F, Max, Q, Sum

from catalog.models import Version

_CACHED_SECONDS = 24 * 3600
_KEPT = "_extent"


@dataclass(frozen=True)
class Sample:
    """The first file of the free sample."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Extent:
    """Rows by configuration; by configuration and split all rows, and those of the free sample; the first free file."""

    configs: Mapping[str, int]
    splits: Mapping[tuple[str, str], int]
    free: Mapping[tuple[str, str], int]
    sample: Sample | None


def extent(version: Version) -> Extent:
    """The extent of ``version``; kept in the cache for a day, and beside ``version`` as long as that is looked at."""
    if not hasattr(version, _KEPT):
        setattr(version, _KEPT, _find(version))
    found: Extent = getattr(version, _KEPT)
    return found


def _find(version: Version) -> Extent:
    key = _cache_key(version.id)
    kept: dict[str, Any] | None = cache.get(key)
    if kept is None:
        kept = _ask(version)
        cache.set(key, kept, _CACHED_SECONDS)
    sample = kept["sample"]
    return Extent(kept["configs"], kept["splits"], kept["free"], None if sample is None else Sample(*sample))


def _ask(version: Version) -> dict[str, Any]:
    """Plain values, which mean the same to whichever code reads them from the cache."""
    end = F("first_row") + F("rows")
    configs: dict[str, int] = {}
    splits: dict[tuple[str, str], int] = {}
    free: dict[tuple[str, str], int] = {}
    by_split = version.files.values_list("config", "split").order_by("config", "split")
    for config, split, rows, last, last_free in by_split.annotate(
        Sum("rows"), last=Max(end), last_free=Max(end, filter=Q(sample=True))
    ):
        configs[config] = configs.get(config, 0) + rows
        splits[config, split] = last
        free[config, split] = last_free or 0
    sample = version.files.filter(sample=True).order_by("id").values_list("path", "bytes", "sha256").first()
    return {"configs": configs, "splits": splits, "free": free, "sample": sample}


def _cache_key(version: UUID) -> str:
    return f"extent:1:{version}"
