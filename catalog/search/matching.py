"""Which entries a choice finds, and how many there are of each facet value: all by bounded queries.

Words, sellers and generators are looked up in the index of ``SearchEntry.text``, where facet values are words too; at
most ``COUNTED`` of what it finds is counted. Without them, the cells are counted, of which there are few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import CombinedSearchQuery, SearchQuery, SearchQueryField, SearchRank
from django.db import connection
from django.db.models import F, FloatField, QuerySet, Value
from django.db.models.functions import Cast

from catalog.models import SearchCell, SearchCount, SearchEntry
from catalog.search.choices import Choice
from catalog.search.entries import MARK
from catalog.search.facets import BY_NAME, FACETS, Facet

LANGUAGE = "english"
#: Of what words find, so many are counted; counts are exact up to this.
COUNTED = 1_000
#: Of what words find, so many are ranked by relevance.
RANKED = 1_000

_MANY = tuple(facet for facet in FACETS if not facet.few)

# Filters and words are one text query; one of them that is empty adds nothing.
_COUNT_IN_TEXT = """
    WITH found AS MATERIALIZED (
        SELECT facets FROM catalog_searchentry
        WHERE text @@ (%s::tsquery && websearch_to_tsquery('english', %s)) LIMIT %s
    )
    SELECT '', count(*) FROM found UNION ALL
    SELECT word, count(*) FROM found, unnest(facets) AS word
    WHERE split_part(word, ':', 1) = ANY(%s) GROUP BY word
"""
_COUNT_BY_SELLER = """
    WITH cells AS MATERIALIZED (SELECT %s::bigint[] AS ids)
    SELECT word, (
        SELECT count(*) FROM (
            SELECT 1 FROM catalog_searchentry entry
            WHERE entry.seller = split_part(word, ':', 2) AND cell_id = ANY((SELECT ids FROM cells)::bigint[]) LIMIT %s
        ) AS limited
    ) FROM unnest(%s::varchar[]) AS word
"""
_COUNT_BY_VALUE = {
    "seller": _COUNT_BY_SELLER,
    "generator": _COUNT_BY_SELLER.replace("entry.seller", "entry.generator"),
}


@dataclass(frozen=True)
class Count:
    """How many there are; ``exact`` if not more."""

    number: int
    exact: bool = True

    def __str__(self) -> str:
        if self.number > COUNTED:
            return f"{COUNTED:,}+"
        return f"{self.number:,}" if self.exact else f"{self.number:,}+"


@dataclass(frozen=True)
class Counts:
    """How many a choice finds, and how many each facet value would, the other facets as they are."""

    found: Count
    by_word: Mapping[str, Count]

    def of(self, facet: Facet, value: str) -> Count:
        """The count of one value."""
        return self.by_word.get(facet.word(value), Count(0))


@dataclass(frozen=True)
class Cell:
    """A combination of facet values, and how many listings have just this one; one listing is a cell, too."""

    id: int
    words: frozenset[str]
    listings: int


def counted(choice: Choice) -> Counts:
    """Count what ``choice`` finds. A facet's own values are counted as if none of them were chosen."""
    others = [facet for facet in FACETS if facet.name not in choice.filters]
    if choice.words:
        return _counted_by_words(choice, others)
    cells = [] if _is_indexed(choice) or not choice.filters else _cells()
    found, by_word = _counted(choice, others, cells)
    for name in choice.filters:
        by_word |= _counted(choice.without(name), [BY_NAME[name]], cells)[1]
    return Counts(found, by_word)


def total(choice: Choice) -> Count:
    """How many ``choice`` finds."""
    return _counted(choice, [], _cells() if choice.filters and not _is_indexed(choice) else [])[0]


def matching(choice: Choice, found: Count) -> QuerySet[SearchEntry]:
    """The entries that ``choice`` finds, of which there are ``found``; with ``rank`` where it is sorted by relevance.

    Where they are few they are found first and sorted then; where they are many the first of their order come soon.
    The planner cannot know which, the count does. By relevance no more than ``RANKED`` are shown.
    """
    entries = _conditions(choice)
    if found.number <= COUNTED or choice.order == "relevance":
        entries = SearchEntry.objects.defer("text").filter(pk__in=entries.values("pk")[:RANKED])
    if choice.order == "relevance":
        rank = SearchRank(F("text"), _words_query(choice.words))
        entries = entries.annotate(rank=Cast(rank, FloatField()))
    return entries


def says_something(words: str) -> bool:
    """Is there a word to find in ``words``? Those that every text has are none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT numnode(websearch_to_tsquery('english', %s)) > 0", [words])
        return bool(cursor.fetchone()[0])


def _counted_by_words(choice: Choice, others: Sequence[Facet]) -> Counts:
    """Count among what the words find, whatever the filters; if that is too much, ask the index for both together.

    Then the values of a facet that is in use are counted among the first that the words find: there are at least so
    many. To ask the index for each such facet again would take as long again, and only tells of what is not chosen.
    """
    words = CombinedSearchQuery(Cast(Value(""), SearchQueryField()), "&&", _words_query(choice.words), LANGUAGE)
    first = SearchEntry.objects.filter(text=words).values_list("facets", flat=True)[: COUNTED + 1]
    entries = [Cell(0, frozenset(facets), 1) for facets in first]
    exact = len(entries) <= COUNTED
    if exact or not choice.filters:
        found, by_word = _counted_among(choice, others, entries, exact)
    else:
        found, by_word = _counted_in_text(choice, others)
    for name in choice.filters:
        by_word |= _counted_among(choice.without(name), [BY_NAME[name]], entries, exact)[1]
    return Counts(found, by_word)


def _counted_among(
    choice: Choice, facets: Sequence[Facet], cells: Sequence[Cell], exact: bool
) -> tuple[Count, dict[str, Count]]:
    """How many of ``cells`` the filters of ``choice`` leave, and how many of these have each value of ``facets``."""
    chosen = _chosen(choice, cells)
    prefixes = tuple(facet.word("") for facet in facets)
    numbers: Counter[str] = Counter()
    for cell in chosen:
        for word in cell.words:
            if word.startswith(prefixes):
                numbers[word] += cell.listings
    by_word = {word: Count(number, exact) for word, number in numbers.items()}
    return Count(sum(cell.listings for cell in chosen), exact), by_word


def _counted(choice: Choice, facets: Sequence[Facet], cells: Sequence[Cell]) -> tuple[Count, dict[str, Count]]:
    """How many ``choice`` finds, and how many of them have each value of ``facets``."""
    if _is_indexed(choice):
        return _counted_in_text(choice, facets)
    if choice.filters:
        return _counted_in_cells(choice, facets, cells or _cells())
    return _kept(facets)


def _is_indexed(choice: Choice) -> bool:
    """Is there something that the index of words narrows down?"""
    return bool(choice.words) or any(facet.name in choice.filters for facet in _MANY)


def _counted_in_text(choice: Choice, facets: Sequence[Facet]) -> tuple[Count, dict[str, Count]]:
    rows = _rows(_COUNT_IN_TEXT, [*_text_query(choice), COUNTED + 1, [facet.name for facet in facets]])
    exact = dict(rows)[""] <= COUNTED
    by_word = {word: Count(number, exact) for word, number in rows}
    return by_word.pop(""), by_word


def _counted_in_cells(choice: Choice, facets: Sequence[Facet], cells: Sequence[Cell]) -> tuple[Count, dict[str, Count]]:
    found, by_word = _counted_among(choice, [facet for facet in facets if facet.few], cells, exact=True)
    ids = [cell.id for cell in _chosen(choice, cells)]
    for facet in facets:
        if not facet.few:
            parameters = [ids, COUNTED + 1, [row.word for row in _largest(facet)]]
            by_word |= {word: Count(number) for word, number in _rows(_COUNT_BY_VALUE[facet.name], parameters)}
    return found, by_word


def _kept(facets: Sequence[Facet]) -> tuple[Count, dict[str, Count]]:
    """The counts while nothing is chosen."""
    few = SearchCount.objects.filter(facet__in=[facet.name for facet in FACETS if facet.few], listings__gt=0)
    rows = [*few, *(row for facet in facets if not facet.few for row in _largest(facet))]
    # Every listing has just one modality, so these say how many there are.
    found = sum(row.listings for row in rows if row.facet == "modality")
    names = {facet.name for facet in facets}
    return Count(found), {row.word: Count(row.listings) for row in rows if row.facet in names}


def _largest(facet: Facet) -> list[SearchCount]:
    """The values of ``facet`` that most listings have."""
    return list(
        SearchCount.objects.filter(facet=facet.name, listings__gt=0).order_by("-listings", "word")[: facet.offered]
    )


def _conditions(choice: Choice) -> QuerySet[SearchEntry]:
    """The entries that ``choice`` finds: by the index of words where it narrows down, by their cells elsewhere."""
    # What the index needs is wide, and no page shows it.
    entries = SearchEntry.objects.defer("text")
    if _is_indexed(choice):
        filters, words = _text_query(choice)
        query = CombinedSearchQuery(Cast(Value(filters), SearchQueryField()), "&&", _words_query(words), LANGUAGE)
        return entries.filter(text=query)
    if choice.filters:
        return entries.filter(cell_id__in=[cell.id for cell in _chosen(choice, _cells())])
    return entries


def _cells() -> list[Cell]:
    """The cells that have listings."""
    rows = SearchCell.objects.filter(listings__gt=0).values_list("id", "facets", "listings")
    return [Cell(id_, frozenset(words), listings) for id_, words, listings in rows]


def _chosen(choice: Choice, cells: Sequence[Cell]) -> list[Cell]:
    """Those of ``cells`` whose listings ``choice`` finds."""
    wanted = [frozenset(words) for words in choice.wanted(FACETS)]
    return [cell for cell in cells if not any(words.isdisjoint(cell.words) for words in wanted)]


def _text_query(choice: Choice) -> list[str]:
    """A text query for the filters, and the words to find."""
    filters = " & ".join(f"({' | '.join(map(_quoted, words))})" for words in choice.wanted(FACETS))
    return [filters, choice.words]


def _words_query(words: str) -> SearchQuery:
    return SearchQuery(words, search_type="websearch", config=LANGUAGE)


def _quoted(word: str) -> str:
    """A facet value as a word of a text query."""
    escaped = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{MARK}{escaped}'"


def _rows(sql: str, parameters: Sequence[Any]) -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
