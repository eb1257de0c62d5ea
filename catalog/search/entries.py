"""Keeping what search reads: the entry of a listing, the counts that it adds to, the words that it is spelt with.

``refresh`` is called by every verb that changes what a public listing shows. It looks at the listing as it is now, so
calling it once too often does no harm; a sweep calls it for what was missed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchVectorField
from django.db import connection, transaction
from django.db.models import Exists, F, Func, OuterRef, Q, TextField, Value

from catalog.models import Listing, SearchCell, SearchCount, SearchEntry, SearchWord, Version
from catalog.models.listing import ListingQuerySet
from catalog.search import facets

#: Stands before facet values in ``text``; the parser of text search never yields a word with it.
MARK = "\x02"

# What is read of a card and of all columns, in characters; of columns, how many, and of a name.
_TEXT_READ = 50_000
_COLUMNS_READ = 1_000
_NAME_READ = 200
_SWEPT = 500
_WORD = re.compile(r"[a-z][a-z0-9]{2,39}")


def refresh(listing: Listing) -> None:
    """Make the entry of ``listing`` say what is public now: none for a draft or a closed one."""
    with transaction.atomic():
        # One at a time for one listing; what is read after the lock is what the last one left.
        now = (
            Listing.objects.select_for_update(no_key=True, of=("self",))
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
    """Make the entries that are missing among the newest public listings: those of before there were entries, too."""
    newest = Listing.objects.public().order_by("-shown_at", "-id")[:_SWEPT]
    for listing in unfound(Listing.objects.filter(id__in=newest.values("id"))):
        refresh(listing)


def unfound(listings: ListingQuerySet) -> ListingQuerySet:
    """Those of ``listings`` that are public, have something to show and no entry."""
    on_shelf = Version.objects.on_shelf().filter(dataset=OuterRef("dataset"))
    shown = Q(state=Listing.State.ANNOUNCED) | Q(state=Listing.State.ON_SHELF) & Q(Exists(on_shelf))
    return listings.filter(shown, entry=None)


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
            "INSERT INTO catalog_searchcount (word, facet, listings) "
            "SELECT word, split_part(word, ':', 1), count(*) FROM catalog_searchentry, unnest(facets) AS word "
            "GROUP BY word"
        )


def miscounted() -> Iterator[tuple[str, int, int]]:
    """The facet values and cells whose kept count is not that of the entries: name, count kept, count found."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(kept.word, found.word), coalesce(kept.listings, 0), coalesce(found.listings, 0) "
            "FROM catalog_searchcount kept FULL JOIN (SELECT word, count(*) AS listings "
            "FROM catalog_searchentry, unnest(facets) AS word GROUP BY word) found USING (word) "
            "WHERE coalesce(kept.listings, 0) <> coalesce(found.listings, 0) "
            "UNION ALL SELECT array_to_string(facets, ', '), listings, found FROM catalog_searchcell cell, "
            "LATERAL (SELECT count(*) AS found FROM catalog_searchentry entry WHERE entry.cell_id = cell.id) counted "
            "WHERE listings <> found"
        )
        yield from cursor.fetchall()


def _write(listing: Listing, version: Version | None) -> tuple[int, list[str]]:
    """Write the entry; return its cell and its facet values."""
    offers = list(listing.offers.open())
    words = facets.words_of(listing, offers, version)
    cell, _ = SearchCell.objects.get_or_create(facets=facets.of_the_cell(words))
    columns = _columns(version)
    texts = (
        f"{listing.dataset.title} {_spaced(listing.dataset.name)} {listing.dataset.account.name}",
        listing.summary,
        " ".join(f"{_spaced(name)} {description}" for name, description in columns)[:_TEXT_READ],
        listing.card[:_TEXT_READ],
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
    """Names of the columns of all tables, each once, with their descriptions and the names of their classes."""
    found: dict[str, str] = {}
    for table in [] if version is None else version.layout["tables"]:
        for column in table["schema"]:
            classes = (name for names in (column.get("classes") or {}).values() for name in names)
            found.setdefault(column["name"][:_NAME_READ], " ".join([column.get("description") or "", *classes]))
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
    SearchCount.objects.bulk_create(
        (SearchCount(word=word, facet=word.partition(":")[0]) for word in sorted(new - old)), ignore_conflicts=True
    )
    for word in sorted(old ^ new):
        SearchCount.objects.filter(word=word).update(listings=F("listings") + (1 if word in new else -1))
