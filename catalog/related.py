"""Datasets like one that is looked at: of the same domain and kind or by the same generator, with columns in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q

from catalog.models import Listing, SearchEntry
from catalog.search.choices import Choice
from catalog.search.matching import matching, total

_CANDIDATES = 40
_SHOWN = 4
_COLUMNS_NAMED = 4


@dataclass(frozen=True)
class Related:
    """A dataset like another, and in which ways."""

    listing: Listing
    like: str


def related(listing: Listing) -> list[Related]:
    """The public listings most like ``listing``, the likest first: at most four, out of the newest of its kind."""
    own = SearchEntry.objects.filter(listing=listing).first()
    if own is None:
        return []
    candidates = {entry.pk: entry for choice in _choices(listing, own) for entry in _newest(choice, listing)}
    ranked = sorted(candidates.values(), key=lambda entry: (-_likeness(own, entry), -entry.shown_at.timestamp()))
    found = Listing.objects.select_related("dataset__account").in_bulk([entry.pk for entry in ranked[:_SHOWN]])
    return [Related(found[entry.pk], _words(own, entry)) for entry in ranked[:_SHOWN] if entry.pk in found]


def _choices(listing: Listing, own: SearchEntry) -> Iterator[Choice]:
    yield Choice("", {"domain": (listing.domain,), "modality": (listing.modality,)}, "newest")
    if own.generator:
        yield Choice("", {"generator": (own.generator,)}, "newest")


def _newest(choice: Choice, listing: Listing) -> list[SearchEntry]:
    entries = matching(choice, total(choice)).filter(~Q(pk=listing.pk))
    return list(entries.defer("text").order_by("-shown_at", "-listing_id")[:_CANDIDATES])


def _likeness(own: SearchEntry, other: SearchEntry) -> float:
    """The share of columns in common, and a point for each: generator, other facets in common by their share."""
    columns, others = set(own.columns), set(other.columns)
    facets, other_facets = set(own.facets), set(other.facets)
    same_columns = len(columns & others) / max(len(columns | others), 1)
    same_facets = len(facets & other_facets) / max(len(facets | other_facets), 1)
    return 2 * same_columns + same_facets


def _words(own: SearchEntry, other: SearchEntry) -> str:
    common = [name for name in own.columns if name in set(other.columns)]
    if common:
        named = ", ".join(common[:_COLUMNS_NAMED]) + ("…" if len(common) > _COLUMNS_NAMED else "")
        return f"{len(common)} column{'s' if len(common) > 1 else ''} in common: {named}"
    return "Same generator" if own.generator and own.generator == other.generator else "Same domain and kind"
