"""Which entries a choice finds, and how many there are of each facet value: all by bounded queries.

Words, sellers and generators are looked up in the indexes of ``SearchEntry.text``, where facet values are words too;
what is found is read tier by tier until there are surely more than ``COUNTED``. Without them, the cells are counted, of
which there are few. A facet's own values are counted as if none of them were chosen: what misses no filter counts for
every facet, what misses one filter alone counts for the values of that one.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import CombinedSearchQuery, SearchQuery, SearchQueryField, SearchRank
from django.db import connection
from django.db.models import F, FloatField, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from catalog.models import SearchEntry
from catalog.search.choices import Choice
from catalog.search.entries import MARK
from catalog.search.facets import BY_NAME, FACETS, Facet

LANGUAGE = "english"
#: Of what words find, so many are counted; counts are exact up to this.
COUNTED = 1_000
#: So many found in a quarter of all entries are surely more than ``COUNTED`` in all of them, and are read alone.
ENOUGH = 500

_FEW = [facet for facet in FACETS if facet.few]
_MANY = [facet for facet in FACETS if not facet.few]
#: What a listing misses is a number with these bits.
_BITS = {facet.name: 1 << place for place, facet in enumerate(FACETS)}

# Filters and words are one text query; one of them that is empty adds nothing.
_SOUGHT = """
    SELECT * FROM catalog_search_found(
        %s::tsquery && websearch_to_tsquery('english', %s), websearch_to_tsquery('english', %s), %s, %s
    )
"""
_NUMBER = "CASE WHEN count(*) = %s AND max(tier) <= 4 THEN %s ELSE count(*) END"
_COUNT_FOUND = f"WITH found AS ({_SOUGHT}) SELECT {_NUMBER} FROM found"  # noqa: S608
_COUNT_IN_TEXT = f"""
    WITH found AS MATERIALIZED ({_SOUGHT}),
    by_cell AS (SELECT cell_id, count(*) AS listings FROM found GROUP BY cell_id)
    SELECT 'found', 0, {_NUMBER}, array_agg(listing_id ORDER BY rank DESC, listing_id DESC)::text FROM found
    UNION ALL SELECT word, 0, sum(by_cell.listings)::bigint, NULL
    FROM by_cell JOIN catalog_searchcell cell ON cell.id = cell_id, unnest(facets) AS word GROUP BY word
"""  # noqa: S608
_COUNT_LARGEST_IN_TEXT = """
    UNION ALL (
        SELECT '{facet}:' || {facet}, 0, count(*), NULL FROM found WHERE {facet} <> ''
        GROUP BY {facet} ORDER BY count(*) DESC, {facet} COLLATE "C" LIMIT {offered}
    )
"""
# A listing that misses one filter alone is counted for the values of that one; whoever reads it tells them apart.
_COUNT_OWN_IN_TEXT = f"""
    WITH found AS MATERIALIZED (
        SELECT *, {{missed_itself}} AS missed_itself FROM ({_SOUGHT}) AS found
    ), judged AS MATERIALIZED (
        SELECT cell_id, missed_itself, by_cell.listings, facets, missed_itself + {{missed}} AS missed
        FROM (SELECT cell_id, missed_itself, count(*) AS listings FROM found GROUP BY cell_id, missed_itself) AS by_cell
        JOIN catalog_searchcell cell ON cell.id = cell_id
    )
    SELECT 'found', 0, {_NUMBER}, NULL FROM found
    UNION ALL SELECT word, missed, sum(listings)::bigint, NULL FROM judged, unnest(facets) AS word
    WHERE missed & (missed - 1) = 0 AND split_part(word, ':', 1) = ANY(%s) GROUP BY word, missed
"""  # noqa: S608
_COUNT_OWN_OF_MANY = """
    UNION ALL SELECT '{facet}:' || {facet}, missed, count(*), NULL FROM found JOIN judged USING (cell_id, missed_itself)
    WHERE {facet} <> '' AND missed & ~{bit} = 0 GROUP BY {facet}, missed
"""
_COUNT_IN_CELLS = """
    WITH judged AS MATERIALIZED (
        SELECT id, facets, listings, {missed} AS missed FROM catalog_searchcell cell WHERE listings > 0
    ), chosen AS MATERIALIZED (SELECT array_agg(id) AS ids, sum(listings) AS listings FROM judged WHERE missed = 0)
    SELECT 'found', 0, coalesce(listings, 0)::bigint, ids::text FROM chosen
    UNION ALL SELECT word, missed, sum(listings)::bigint, NULL FROM judged, unnest(facets) AS word
    WHERE missed & (missed - 1) = 0 GROUP BY word, missed
"""
_COUNT_OF_LARGEST = """
    UNION ALL SELECT word, 0, (
        SELECT count(*) FROM (
            SELECT FROM catalog_searchentry entry
            WHERE entry.{facet} = substr(word, {start}) AND cell_id = ANY((SELECT ids FROM chosen)::bigint[]) LIMIT %s
        ) AS limited
    ), NULL FROM ({largest}) AS largest
"""
_LARGEST = """
    SELECT word, listings FROM catalog_searchcount WHERE facet = '{facet}' AND listings > 0
    ORDER BY listings DESC, word LIMIT {offered}
"""
_COUNT_CELLS = "SELECT coalesce(sum(listings), 0)::bigint FROM catalog_searchcell cell WHERE {missed} = 0"
_COUNT_KEPT = "SELECT word, listings::bigint FROM catalog_searchcount WHERE facet = ANY(%s) AND listings > 0"


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
    """How many a choice finds, and how many each facet value would, the other facets as they are.

    ``ids`` name what was read to count: listings by relevance, where words, sellers or generators
    were looked up; cells where other filters were; else nothing.
    """

    found: Count
    by_word: Mapping[str, Count]
    ids: Sequence[str] = ()

    def of(self, facet: Facet) -> dict[str, Count]:
        """The counts of a facet's values."""
        prefix = facet.word("")
        return {word.removeprefix(prefix): n for word, n in self.by_word.items() if word.startswith(prefix)}


def counted(choice: Choice) -> Counts:
    """Count what ``choice`` finds. A facet's own values are counted as if none of them were chosen."""
    if choice.words:
        return _counted_by_words(choice)
    counts = _counted(choice)
    if not _is_indexed(choice):
        return counts
    return _with_own_values(counts, {name: _counted(choice.without(name)) for name in choice.filters})


def total(choice: Choice) -> Count:
    """How many ``choice`` finds."""
    if _is_indexed(choice):
        return Count(_number(_COUNT_FOUND, [*_sought(choice), *_limits(), *_more()]))
    if choice.filters:
        missed, parameters = _missed(choice, _FEW)
        return Count(_number(_COUNT_CELLS.format(missed=missed), parameters))
    return _kept().found


def matching(choice: Choice, counts: Counts, *, most: int | None = None) -> QuerySet[SearchEntry]:
    """The entries that ``choice`` finds, of which ``counts`` tells; with ``rank`` where it is sorted by relevance.

    Where they are few they are found first and sorted then; where they are many the first of their order come soon.
    The planner cannot know which, the count does. By relevance no more are shown than were read to
    count them; whoever needs only the ``most`` relevant is spared the others.
    """
    # What the index needs is wide, and no page shows it.
    entries = SearchEntry.objects.only("listing", "price", "rows", "shown_at")
    few = counts.found.number <= COUNTED
    if choice.order == "relevance":
        ranked = entries.filter(pk__in=_listings(counts.ids[:most]))
        return ranked.annotate(rank=Cast(SearchRank(F("text"), _words_query(choice.words)), FloatField()))
    if _is_indexed(choice):
        if few:
            return entries.filter(pk__in=_listings(counts.ids))
        filters, words, _ = _sought(choice)
        query = CombinedSearchQuery(Cast(Value(filters), SearchQueryField()), "&&", _words_query(words), LANGUAGE)
        return entries.filter(text=query)
    if choice.filters:
        in_cells = entries.filter(cell_id__in=[int(id_) for id_ in counts.ids])
        return entries.filter(pk__in=in_cells.values("pk")[:COUNTED]) if few else in_cells
    return entries


def says_something(words: str) -> bool:
    """Is there a word to find in ``words``? Those that every text has are none."""
    return bool(_number("SELECT numnode(websearch_to_tsquery('english', %s))", [words]))


def _counted_by_words(choice: Choice) -> Counts:
    """Count what words and filters find together; and for the values of facets in use, what the words alone find.

    If that is too much, these are counted among the first that the words find: there are at least so many. To ask the
    index for each such facet again would take as long again, and only tells of what is not chosen.
    """
    counts = _counted_in_text(choice)
    if not choice.filters:
        return counts
    return _with_own_values(counts, dict.fromkeys(choice.filters, _counted_own_in_text(choice)))


def _with_own_values(counts: Counts, others: Mapping[str, Counts]) -> Counts:
    """``counts`` with those of the values of each facet in ``others`` from there."""
    by_word = {word: n for word, n in counts.by_word.items() if word.partition(":")[0] not in others}
    for name, other in others.items():
        by_word |= {BY_NAME[name].word(value): n for value, n in other.of(BY_NAME[name]).items()}
    return Counts(counts.found, by_word, counts.ids)


def _counted(choice: Choice) -> Counts:
    """Count what ``choice`` finds; where filters are looked up, the values of those that are in use not."""
    if _is_indexed(choice):
        return _counted_in_text(choice)
    return _counted_in_cells(choice) if choice.filters else _kept()


def _is_indexed(choice: Choice) -> bool:
    """Is there something that the index of words narrows down?"""
    return bool(choice.words) or any(facet.name in choice.filters for facet in _MANY)


def _counted_in_text(choice: Choice) -> Counts:
    sql = _COUNT_IN_TEXT
    for facet in _MANY:
        sql += _COUNT_LARGEST_IN_TEXT.format(facet=facet.name, offered=facet.offered)
    return _counts(_rows(sql, [*_sought(choice), *_limits(), *_more()]))


def _counted_own_in_text(choice: Choice) -> Counts:
    """Count what the words of ``choice`` find, by its filters, for the values of the facets that are in use."""
    missed_itself, own_parameters = _missed(choice, _MANY)
    missed, parameters = _missed(choice, _FEW)
    sql = _COUNT_OWN_IN_TEXT.format(missed_itself=missed_itself, missed=missed)
    for facet in _MANY:
        if facet.name in choice.filters:
            sql += _COUNT_OWN_OF_MANY.format(facet=facet.name, bit=_BITS[facet.name])
    # They are not shown, so they are not ranked.
    sought = ["", choice.words, None, *_limits()]
    return _counts(_rows(sql, [*own_parameters, *sought, *parameters, *_more(), list(choice.filters)]))


def _counted_in_cells(choice: Choice) -> Counts:
    missed, parameters = _missed(choice, _FEW)
    sql = _COUNT_IN_CELLS.format(missed=missed)
    for facet in _MANY:
        largest = _LARGEST.format(facet=facet.name, offered=facet.offered)
        sql += _COUNT_OF_LARGEST.format(facet=facet.name, start=len(facet.word("")) + 1, largest=largest)
        parameters.append(COUNTED + 1)
    return _counts(_rows(sql, parameters), counted_to=sys.maxsize)


def _counts(rows: Sequence[tuple[str, int, int, str | None]], *, counted_to: int | None = None) -> Counts:
    """The counts that ``rows`` tell: word, what those that have it miss, how many there are, and identifiers.

    They are exact if no more than ``counted_to`` were found, ``COUNTED`` if it does not say.
    """
    numbers: Counter[str] = Counter()
    for word, missed, number, _ in rows:
        if not missed & ~_BITS.get(word.partition(":")[0], 0):
            numbers[word] += number
    found = numbers.pop("found")
    exact = found <= (COUNTED if counted_to is None else counted_to)
    ids = next((each for *_, each in rows if each), "")
    by_word = {word: Count(n, exact) for word, n in numbers.items()}
    return Counts(Count(found, exact), by_word, ids.strip("{}").split(",") if ids else [])


def _kept() -> Counts:
    """The counts while nothing is chosen."""
    largest = (f" UNION ALL ({_LARGEST.format(facet=facet.name, offered=facet.offered)})" for facet in _MANY)
    rows = _rows(_COUNT_KEPT + "".join(largest), [[facet.name for facet in _FEW]])
    # Every listing has just one modality, so these say how many there are.
    found = sum(n for word, n in rows if word.startswith("modality:"))
    return Counts(Count(found), {word: Count(n) for word, n in rows})


def _missed(choice: Choice, facets: Iterable[Facet]) -> tuple[str, list[Any]]:
    """SQL for the bits of those of ``facets`` of which a listing has no value that is chosen, and its parameters.

    A listing stands there as the ``cell`` it lies in, and as ``found`` for sellers and generators.
    """
    bits, parameters = ["0"], []
    for facet in facets:
        if values := choice.filters.get(facet.name):
            has = "cell.facets && %s::varchar[]" if facet.few else f"found.{facet.name} = ANY(%s)"
            bits.append(f"CASE WHEN {has} THEN 0 ELSE {_BITS[facet.name]} END")
            parameters.append([facet.word(value) for value in values] if facet.few else list(values))
    return f"({' + '.join(bits)})", parameters


def _sought(choice: Choice) -> list[str]:
    """A text query for the filters, the words to find, and the words to rank by."""
    filters = " & ".join(f"({' | '.join(map(_quoted, words))})" for words in choice.wanted(FACETS))
    return [filters, choice.words, choice.words]


def _listings(ids: Sequence[str]) -> RawSQL:
    return RawSQL("SELECT unnest(%s::uuid[])", [f"{{{','.join(ids)}}}"])


def _limits() -> list[int]:
    """How many entries are read at most, and how many of a quarter of them."""
    return [COUNTED + 1, ENOUGH]


def _more() -> list[int]:
    """How many found in a quarter say that there are more than are counted, and the number that stands for it."""
    return [ENOUGH, COUNTED + 1]


def _words_query(words: str) -> SearchQuery:
    return SearchQuery(words, search_type="websearch", config=LANGUAGE)


def _quoted(word: str) -> str:
    """A facet value as a word of a text query."""
    escaped = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{MARK}{escaped}'"


def _rows(sql: str, parameters: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _number(sql: str, parameters: Sequence[Any]) -> int:
    return int(_rows(sql, parameters)[0][0])
