"""Keeping what search reads: the entry of a listing, the counts that it adds to, the words that it is spelt with.

``refresh`` is called by every verb that changes what a public listing shows. It looks at the listing as it is now, so
calling it once too often does no harm; a sweep calls it for what was missed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchVectorField
from django.db import connection, transaction
from django.db.models import Exists, F, Func, OuterRef, TextField, Value

from catalog.models import Listing, SearchCell, SearchCount, SearchEntry, SearchWord, Version
from catalog.search import facets

#: Stands before facet values in ``text``; the parser of text search never yields a word with it.
MARK = "\x02"

_CARD_READ = 50_000
_COLUMNS_READ = 1_000
_SWEPT_AT_ONCE = 200
_WORD = re.compile(r"[a-z][a-z0-9]{2,39}")


def refresh(listing: Listing) -> None:
    """Make the entry of ``listing`` say what is public now: none for a draft or a closed one."""
    with transaction.atomic():
        # One at a time for one listing; what is read after the lock is what the last one left.
        now = (
            Listing.objects.select_for_update(of=("self",), no_key=True)
            .select_related("dataset__account")
            .get(id=listing.id)
        )
        before = SearchEntry.objects.filter(listing=now).values_list("cell_id", "facets").first()
        old_cell, old_words = before or (None, [])
        public = now.state in Listing.PUBLIC
        version = now.newest_on_shelf if public else None
        if public and (version is not None or now.state == Listing.State.ANNOUNCED):
            cell, words = _write(now, version)
        else:
            SearchEntry.objects.filter(listing=now).delete()
            cell, words = None, []
        _recount(old_cell, cell, old_words, words)


def sweep() -> None:
    """Refresh public listings without an entry, and entries of listings that are public no more: a few at a time."""
    entry = SearchEntry.objects.filter(listing=OuterRef("id"))
    on_shelf = Version.objects.on_shelf().filter(dataset=OuterRef("dataset"))
    missing = Listing.objects.public().exclude(Exists(entry))
    shown = missing.filter(Exists(on_shelf)) | missing.filter(state=Listing.State.ANNOUNCED)
    for listing in shown[:_SWEPT_AT_ONCE]:
        refresh(listing)
    for entry_ in SearchEntry.objects.exclude(listing__state__in=Listing.PUBLIC).select_related("listing")[
        :_SWEPT_AT_ONCE
    ]:
        refresh(entry_.listing)


def recount() -> None:
    """Count cells and facet values anew from the entries."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE catalog_searchentry IN SHARE MODE")
        cursor.execute(
            "UPDATE catalog_searchcell cell SET listings = "
            "(SELECT count(*) FROM catalog_searchentry entry WHERE entry.cell_id = cell.id)"
        )
        cursor.execute("DELETE FROM catalog_searchcount")
        cursor.execute(
            "INSERT INTO catalog_searchcount (facet, listings) "
            "SELECT facet, count(*) FROM catalog_searchentry, unnest(facets) AS facet GROUP BY facet"
        )


def _write(listing: Listing, version: Version | None) -> tuple[int, list[str]]:
    """Write the entry; return its cell and its facet values."""
    offers = list(listing.offers.filter(open=True))
    words = facets.words_of(listing, offers, version)
    cell, _ = SearchCell.objects.get_or_create(facets=facets.of_the_cell(words))
    columns = _columns(version)
    texts = (
        f"{listing.dataset.title} {_spaced(listing.dataset.name)} {listing.dataset.account.name}",
        listing.summary,
        " ".join(f"{_spaced(name)} {description}" for name, description in columns),
        listing.card[:_CARD_READ],
    )
    _spell(texts)
    SearchEntry.objects.update_or_create(
        listing=listing,
        defaults={
            "text": Func(
                *(Value(text) for text in texts),
                Value([MARK + word for word in words], output_field=ArrayField(TextField())),
                function="catalog_search_text",
                output_field=SearchVectorField(),
            ),
            "cell": cell,
            "facets": words,
            "columns": [name for name, _ in columns],
            "seller": listing.dataset.account.slug,
            "generator": "" if version is None else version.recipe["generator"]["name"],
            "price": facets.lowest_price(offers),
            "rows": 0 if version is None else version.rows,
            "shown_at": listing.shown_at,
        },
    )
    return cell.id, words


def _columns(version: Version | None) -> list[tuple[str, str]]:
    """Names and descriptions of the columns of all tables, each name once."""
    found: dict[str, str] = {}
    for table in [] if version is None else version.layout["tables"]:
        for column in table["schema"]:
            found.setdefault(column["name"], column.get("description") or "")
    return list(found.items())[:_COLUMNS_READ]


def _spaced(name: str) -> str:
    return re.sub(r"[_\-.]+", " ", name)


def _spell(texts: Iterable[str]) -> None:
    """Learn the words of ``texts``."""
    words = sorted({word for text in texts for word in _WORD.findall(text.lower())})
    SearchWord.objects.bulk_create((SearchWord(word=word) for word in words), ignore_conflicts=True)


def _recount(old_cell: int | None, cell: int | None, old_words: Iterable[str], words: Iterable[str]) -> None:
    """Move one listing between cells and facet values; rows are locked in one order, so that none waits in a ring."""
    changes = {id_: (id_ == cell) - (id_ == old_cell) for id_ in (old_cell, cell) if id_ is not None}
    for id_, change in sorted(changes.items()):
        if change:
            SearchCell.objects.filter(id=id_).update(listings=F("listings") + change)
    old, new = set(old_words), set(words)
    SearchCount.objects.bulk_create((SearchCount(facet=word) for word in sorted(new)), ignore_conflicts=True)
    for word in sorted(old ^ new):
        SearchCount.objects.filter(facet=word).update(listings=F("listings") + (1 if word in new else -1))
