"""Datasets like one that is looked at: of the same domain and kind or by the same generator, with columns in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from catalog.models import Listing

_CANDIDATES = 40
_SHOWN = 4
_COLUMNS_NAMED = 4

# The newest of each cell come from its index, and there are few cells; so do those of the generator.
_NEWEST = "ORDER BY shown_at DESC, listing_id DESC LIMIT %(most)s"
_LIKE = f"""
    WITH own AS MATERIALIZED (SELECT listing_id, generator FROM catalog_searchentry WHERE listing_id = %(listing)s),
    found AS (
        SELECT listing_id FROM own
        UNION SELECT of_the_kind.listing_id FROM own, LATERAL (
            SELECT newest.listing_id FROM catalog_searchcell cell, LATERAL (
                SELECT listing_id, shown_at FROM catalog_searchentry WHERE cell_id = cell.id {_NEWEST}
            ) AS newest WHERE cell.facets @> %(kind)s::varchar[] {_NEWEST}
        ) AS of_the_kind
        UNION SELECT by_the_generator.listing_id FROM own, LATERAL (
            SELECT listing_id FROM catalog_searchentry entry
            WHERE own.generator <> '' AND entry.generator = own.generator {_NEWEST}
        ) AS by_the_generator
    )
    SELECT listing_id, facets, columns, generator, shown_at
    FROM catalog_searchentry WHERE listing_id IN (SELECT listing_id FROM found)
"""  # noqa: S608


@dataclass(frozen=True)
class Related:
    """A dataset like another, and in which ways."""

    listing: Listing
    like: str


@dataclass(frozen=True)
class _Entry:
    """What is compared of a listing's entry."""

    listing: UUID
    facets: Sequence[str]
    columns: Sequence[str]
    generator: str
    shown_at: datetime


def related(listing: Listing) -> list[Related]:
    """The public listings most like ``listing``, the likest first: at most four, out of the newest of its kind."""
    entries = {entry.listing: entry for entry in _entries(listing)}
    own = entries.pop(listing.id, None)
    if own is None:
        return []
    ranked = sorted(entries.values(), key=lambda entry: (-_likeness(own, entry), -entry.shown_at.timestamp()))[:_SHOWN]
    found = Listing.objects.select_related("dataset__account").defer("card").in_bulk([each.listing for each in ranked])
    return [Related(found[entry.listing], _words(own, entry)) for entry in ranked if entry.listing in found]


def _entries(listing: Listing) -> list[_Entry]:
    """The entry of ``listing``, if it has one, and those of the newest of its domain and kind and of its generator."""
    kind = [f"domain:{listing.domain}", f"modality:{listing.modality}"]
    parameters: dict[str, Any] = {"listing": listing.pk, "kind": kind, "most": _CANDIDATES + 1}
    with connection.cursor() as cursor:
        cursor.execute(_LIKE, parameters)
        return [_Entry(*row) for row in cursor.fetchall()]


def _likeness(own: _Entry, other: _Entry) -> float:
    """The share of columns in common, and a point for each: generator, other facets in common by their share."""
    columns, others = set(own.columns), set(other.columns)
    facets, other_facets = set(own.facets), set(other.facets)
    same_columns = len(columns & others) / max(len(columns | others), 1)
    same_facets = len(facets & other_facets) / max(len(facets | other_facets), 1)
    return 2 * same_columns + same_facets


def _words(own: _Entry, other: _Entry) -> str:
    common = [name for name in own.columns if name in set(other.columns)]
    if common:
        named = ", ".join(common[:_COLUMNS_NAMED]) + ("…" if len(common) > _COLUMNS_NAMED else "")
        return f"{len(common)} column{'s' if len(common) > 1 else ''} in common: {named}"
    return "Same generator" if own.generator and own.generator == other.generator else "Same domain and kind"
