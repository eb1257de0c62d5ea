"""Which entries a choice finds, and how many there are of each facet value: all by bounded queries.

Words, sellers and generators are looked up in the indexes of ``SearchEntry.text``, where facet values are words too;
what is found is read tier by tier until there are more than ``COUNTED``. Without them, the cells are counted, of which
there are few. Either way one statement judges what it read: a listing that misses nothing counts for every facet, one
that misses a single facet counts for the values of that facet, since they are counted as if none were chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
from marketplace.web import keyset

LANGUAGE = "english"
#: Of what words find, so many are counted; counts are exact up to this.
COUNTED = 1_000
#: Of what words find, so many are ranked by relevance.
RANKED = 1_000

_FEW = [facet.name for facet in FACETS if facet.few]
_MANY = [facet for facet in FACETS if not facet.few]
#: What a listing misses is a number with these bits.
_BITS = {facet.name: 1 << place for place, facet in enumerate(FACETS)}

# Filters and words are one text query; one of them that is empty adds nothing.
_SOUGHT = "(%s::tsquery && websearch_to_tsquery('english', %s)), websearch_to_tsquery('english', %s), %s"
_COUNT_FOUND = f"SELECT count(*) FROM catalog_search_found({_SOUGHT})"  # noqa: S608
# A listing that misses one filter alone is counted too, for the values of that one; whoever reads it tells them apart.
_COUNT_IN_TEXT = f"""
    WITH judged AS MATERIALIZED (
        SELECT found.*, {{missed}} AS missed
        FROM catalog_search_found({_SOUGHT}) AS found JOIN catalog_searchcell cell ON cell.id = found.cell_id
    ), by_cell AS (SELECT cell_id, missed, count(*) AS listings FROM judged GROUP BY cell_id, missed)
    SELECT 'read', 0, count(*), NULL FROM judged
    UNION ALL SELECT 'found', 0, count(*), ((array_agg(listing_id ORDER BY rank DESC, listing_id DESC))[:%s])::text
    FROM judged WHERE missed = 0
    UNION ALL SELECT word, missed, sum(by_cell.listings)::bigint, NULL
    FROM by_cell JOIN catalog_searchcell cell ON cell.id = by_cell.cell_id, unnest(facets) AS word
    WHERE missed & (missed - 1) = 0 GROUP BY word, missed
"""  # noqa: S608
_COUNT_OF_MANY = """
    UNION ALL (
        SELECT '{facet}:' || {facet}, 0, count(*), NULL FROM judged WHERE missed & ~{bit} = 0 AND {facet} <> ''
        GROUP BY {facet} ORDER BY count(*) DESC, {facet} COLLATE "C" LIMIT {offered}
    )
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

    ``ids`` are what was read to count it, as the database writes an array: listings by relevance, at most ``RANKED``,
    where words or many-valued filters were looked up; cells where other filters were; else empty.
    """

    found: Count
    by_word: Mapping[str, Count]
    ids: str = ""

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
        return Count(_number(_COUNT_FOUND, [*_sought(choice), COUNTED + 1]))
    if choice.filters:
        missed, parameters = _missed(choice)
        return Count(_number(_COUNT_CELLS.format(missed=missed), parameters))
    return _kept().found


def matching(choice: Choice, counts: Counts, *, first: bool = False) -> QuerySet[SearchEntry]:
    """The entries that ``choice`` finds, of which ``counts`` tells; with ``rank`` where it is sorted by relevance.

    Where they are few they are found first and sorted then; where they are many the first of their order come soon.
    The planner cannot know which, the count does. By relevance no more than ``RANKED`` are shown; whoever wants the
    ``first`` page alone is spared the ranks of all others.
    """
    # What the index needs is wide, and no page shows it.
    entries = SearchEntry.objects.only("listing", "price", "rows", "shown_at")
    few = counts.found.number <= COUNTED
    if choice.order == "relevance":
        read = keyset.LARGEST_SIZE + 1 if first else RANKED
        ranked = entries.filter(pk__in=RawSQL("SELECT unnest((%s::uuid[])[:%s])", [counts.ids or "{}", read]))
        return ranked.annotate(rank=Cast(SearchRank(F("text"), _words_query(choice.words)), FloatField()))
    if _is_indexed(choice):
        if few:
            return entries.filter(pk__in=RawSQL("SELECT unnest(%s::uuid[])", [counts.ids or "{}"]))
        filters, words, _ = _sought(choice)
        query = CombinedSearchQuery(Cast(Value(filters), SearchQueryField()), "&&", _words_query(words), LANGUAGE)
        return entries.filter(text=query)
    if choice.filters:
        in_cells = entries.filter(cell_id__in=[int(id_) for id_ in counts.ids.strip("{}").split(",") if id_])
        return entries.filter(pk__in=in_cells.values("pk")[:COUNTED]) if few else in_cells
    return entries


def says_something(words: str) -> bool:
    """Is there a word to find in ``words``? Those that every text has are none."""
    return bool(_number("SELECT numnode(websearch_to_tsquery('english', %s))", [words]))


def _counted_by_words(choice: Choice) -> Counts:
    """Count among what the words find, whatever the filters; if that is too much, ask the index for both together.

    Then the values of a facet that is in use are counted among the first that the words find: there are at least so
    many. To ask the index for each such facet again would take as long again, and only tells of what is not chosen.
    """
    by_words, read = _counted_in_text(choice, choice.without_filters())
    if read <= COUNTED or not choice.filters:
        return by_words
    together, _ = _counted_in_text(choice.without_filters(), choice)
    return _with_own_values(together, dict.fromkeys(choice.filters, by_words))


def _with_own_values(counts: Counts, others: Mapping[str, Counts]) -> Counts:
    """``counts`` with those of the values of each facet in ``others`` from there."""
    by_word = {word: n for word, n in counts.by_word.items() if word.partition(":")[0] not in others}
    for name, other in others.items():
        by_word |= {BY_NAME[name].word(value): n for value, n in other.of(BY_NAME[name]).items()}
    return Counts(counts.found, by_word, counts.ids)


def _counted(choice: Choice) -> Counts:
    """Count what ``choice`` finds; where filters are looked up, the values of those that are in use not."""
    if _is_indexed(choice):
        return _counted_in_text(choice.without_filters(), choice)[0]
    return _counted_in_cells(choice) if choice.filters else _kept()


def _is_indexed(choice: Choice) -> bool:
    """Is there something that the index of words narrows down?"""
    return bool(choice.words) or any(facet.name in choice.filters for facet in _MANY)


def _counted_in_text(judged: Choice, sought: Choice) -> tuple[Counts, int]:
    """Look up what ``sought`` says and count it by the filters of ``judged``; and how many were read for that."""
    missed, parameters = _missed(judged)
    sql = _COUNT_IN_TEXT.format(missed=missed)
    for facet in _MANY:
        # Those that are chosen may not be among the largest.
        offered = "ALL" if facet.name in judged.filters else facet.offered
        sql += _COUNT_OF_MANY.format(facet=facet.name, bit=_BITS[facet.name], offered=offered)
    rows = _rows(sql, [*parameters, *_sought(sought), COUNTED + 1, RANKED])
    read = next(n for word, _, n, _ in rows if word == "read")
    return _counts(rows, exact=read <= COUNTED), read


def _counted_in_cells(choice: Choice) -> Counts:
    missed, parameters = _missed(choice)
    sql = _COUNT_IN_CELLS.format(missed=missed)
    for facet in _MANY:
        largest = _LARGEST.format(facet=facet.name, offered=facet.offered)
        sql += _COUNT_OF_LARGEST.format(facet=facet.name, start=len(facet.word("")) + 1, largest=largest)
        parameters.append(COUNTED + 1)
    return _counts(_rows(sql, parameters), exact=True)


def _counts(rows: Sequence[tuple[str, int, int, str | None]], *, exact: bool) -> Counts:
    """The counts that ``rows`` tell: word, what those that have it miss, how many there are, and identifiers."""
    numbers: Counter[str] = Counter()
    for word, missed, number, _ in rows:
        if not missed & ~_BITS.get(word.partition(":")[0], 0):
            numbers[word] += number
    found = numbers.pop("found")
    ids = next((each for *_, each in rows if each), "")
    return Counts(Count(found, exact), {word: Count(n, exact) for word, n in numbers.items() if ":" in word}, ids)


def _kept() -> Counts:
    """The counts while nothing is chosen."""
    largest = (f" UNION ALL ({_LARGEST.format(facet=facet.name, offered=facet.offered)})" for facet in _MANY)
    rows = _rows(_COUNT_KEPT + "".join(largest), [_FEW])
    # Every listing has just one modality, so these say how many there are.
    found = sum(n for word, n in rows if word.startswith("modality:"))
    return Counts(Count(found), {word: Count(n) for word, n in rows})


def _missed(choice: Choice) -> tuple[str, list[Any]]:
    """SQL for the bits of those filters of ``choice`` that a listing does not have, and its parameters.

    A listing stands there as ``cell``, and as ``found`` where sellers and generators are chosen too.
    """
    bits, parameters = ["0"], []
    for facet in FACETS:
        if values := choice.filters.get(facet.name):
            has = "cell.facets && %s::varchar[]" if facet.few else f"found.{facet.name} = ANY(%s)"
            bits.append(f"CASE WHEN {has} THEN 0 ELSE {_BITS[facet.name]} END")
            parameters.append([facet.word(value) for value in values] if facet.few else list(values))
    return f"({' + '.join(bits)})", parameters


def _sought(choice: Choice) -> list[str]:
    """A text query for the filters, the words to find, and the words to rank by."""
    filters = " & ".join(f"({' | '.join(map(_quoted, words))})" for words in choice.wanted(FACETS))
    return [filters, choice.words, choice.words]


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
