"""The shelves as a visitor sees them: what was found, the filters with their counts, and the way on from nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import Prefetch
from django.urls import reverse
from django.utils.safestring import SafeString

from catalog import attachments
from catalog.models import Attachment, Listing, Offer, SearchEntry, Version
from catalog.pages import Hit, hit
from catalog.search import marking, spelling
from catalog.search.choices import ORDERS, Choice
from catalog.search.facets import FACETS, Facet
from catalog.search.matching import Count, Counts, counted, says_something, total
from marketplace.web.keyset import Page
from marketplace.web.plots import Histogram

_COLUMNS_NAMED = 6


@dataclass(frozen=True)
class Option:
    """One value of a filter, how many listings it would give, and whether it is chosen."""

    facet: str
    value: str
    label: str
    count: Count
    chosen: bool


@dataclass(frozen=True)
class Filter:
    """A facet with the values that can be chosen."""

    name: str
    title: str
    options: Sequence[Option]


@dataclass(frozen=True)
class Way:
    """A link to another choice: what it says, and how many that gives."""

    words: str
    address: str
    count: Count | None = None


@dataclass(frozen=True)
class Lesson:
    """One real plot that teaches how to read all others: a column of a dataset that is on the page."""

    listing: Listing
    rows: int
    column: str
    plot: Histogram


@dataclass(frozen=True)
class Shelves:
    """Everything that the page shows beside the rows. ``asked`` are the words where others were searched instead."""

    choice: Choice
    counts: Counts
    filters: Sequence[Filter]
    in_use: Sequence[Way]
    cleared: str
    orders: Sequence[tuple[str, str]]
    asked: str = ""
    ways: Sequence[Way] = ()
    too_common: bool = False

    @property
    def found(self) -> Count:
        """How many the choice finds."""
        return self.counts.found


def look(choice: Choice) -> Shelves:
    """What the shelves show for ``choice``; with the nearest spelling where nothing is called by its words."""
    counts = counted(choice)
    if counts.found.number or not (choice.words or choice.filters):
        return _shelves(choice, counts)
    everywhere = total(choice.without_filters()) if choice.words else None
    if everywhere is not None and not everywhere.number:
        near = spelling.respelt(choice.words)
        if near is not None:
            return replace(look(choice.saying(near)), asked=choice.words)
    ways = [way for way in _ways(choice) if way.count and way.count.number]
    common = bool(choice.words) and not says_something(choice.words)
    return replace(_shelves(choice, counts), ways=ways, too_common=common)


def hits(words: str, page: Page[SearchEntry]) -> list[Hit]:
    """The rows of a page, in its order, with ``words`` marked and the columns that they match named."""
    listings = Listing.objects.select_related("dataset__account").defer("card")
    # What a row does not show stays where it is: recipes and terms are long.
    versions = Version.objects.on_shelf().newest_of_each_dataset().defer("recipe")
    offers = Prefetch("offers", Offer.objects.open().defer("terms__text"))
    found = listings.prefetch_related(offers).in_bulk([entry.listing_id for entry in page.items])
    # A listing that was closed a moment ago has an entry on the page and is shown no more.
    shown = [found[entry.listing_id] for entry in page.items if entry.listing_id in found]
    newest = {version.dataset_id: version for version in versions.filter(dataset__in=[one.dataset_id for one in shown])}
    documents = _documents(newest.values())
    return _marked(
        words,
        [
            hit(listing, version, {} if version is None else documents[version.id])
            for listing in shown
            for version in [newest.get(listing.dataset_id)]
        ],
    )


def _documents(versions: Iterable[Version]) -> dict[UUID, dict[str, Any]]:
    """The documents of ``versions`` that a row shows something of, by version and kind."""
    found: dict[UUID, dict[str, Any]] = {version.id: {} for version in versions}
    attached = list(Attachment.objects.filter(version__in=found, kind__in=["statistics", "preview"]))
    loaded = attachments.load_all(attached)
    for each in attached:
        found[each.version_id][each.kind] = loaded[each.sha256]
    return found


def lesson(rows: Sequence[Hit]) -> Lesson | None:
    """The histogram of ``rows`` that is spread over the most bars; None if there is none."""
    plots = [
        Lesson(row.listing, row.version.rows, name, plot)
        for row in rows
        if row.version is not None
        for name, plot in row.plots
        if isinstance(plot, Histogram)
    ]
    return max(plots, key=lambda one: _spread(one.plot.counts), default=None)


def _spread(counts: Sequence[float]) -> float:
    """How many bars there would be if all were as high and told as much."""
    squares = sum(count * count for count in counts)
    return sum(counts) ** 2 / squares if squares else 0


def _marked(words: str, rows: Sequence[Hit]) -> list[Hit]:
    """``rows`` with ``words`` marked, and of each the columns that match: by name first, by description after."""
    if not words:
        return list(rows)
    columns = [(number, column) for number, row in enumerate(rows) for column in _columns(row)]
    named: list[dict[str, None]] = [{} for _ in rows]
    for place in marking.matched(words, [column for _, column in columns]):
        number, column = columns[place]
        named[number][column["name"]] = None
    to_mark = [text for row, names in zip(rows, named, strict=True) for text in (row.title, row.summary, *names)]
    texts = iter(marking.marked(words, to_mark))
    return [
        replace(row, title=next(texts), summary=next(texts), columns_found=_first(islice(texts, len(names))))
        for row, names in zip(rows, named, strict=True)
    ]


def _columns(row: Hit) -> Iterator[Mapping[str, str]]:
    for table in row.version.layout["tables"] if row.version else ():
        yield from table["schema"]


def _first(columns: Iterable[SafeString]) -> list[SafeString]:
    return sorted(columns, key=lambda name: "<mark>" not in name)[:_COLUMNS_NAMED]


def _shelves(choice: Choice, counts: Counts) -> Shelves:
    orders = [(name, words) for name, (words, _) in ORDERS.items() if name != "relevance" or choice.words]
    return Shelves(
        choice=choice,
        counts=counts,
        filters=[each for facet in FACETS if (each := _filter(choice, facet, counts)).options],
        in_use=list(_in_use(choice)),
        cleared=address(choice.without_filters()),
        orders=orders,
    )


def _filter(choice: Choice, facet: Facet, counts: Counts) -> Filter:
    """The values of ``facet`` that would give something, and those that are chosen."""
    chosen = choice.filters.get(facet.name, ())
    found = counts.of(facet)
    by_size = sorted(found, key=lambda value: (-found[value].number, value))
    values = [value for value in facet.values or by_size[: facet.offered] if value in found or value in chosen]
    values += [value for value in chosen if value not in values]
    options = [
        Option(facet.name, value, facet.label(value), found.get(value, Count(0)), value in chosen) for value in values
    ]
    return Filter(facet.name, facet.title, [option for option in options if option.chosen or option.count.number])


def _in_use(choice: Choice) -> Iterator[Way]:
    """Each filter in use as a link that takes it away."""
    for facet in FACETS:
        for value in choice.filters.get(facet.name, ()):
            yield Way(facet.label(value), address(choice.without_value(facet.name, value)))


def _ways(choice: Choice) -> Iterator[Way]:
    """What to give up where nothing is found, the least first."""
    for facet in FACETS:
        if facet.name in choice.filters:
            left = choice.without(facet.name)
            labels = ", ".join(facet.label(value) for value in choice.filters[facet.name])
            yield Way(f"Without “{facet.title}: {labels}”", address(left), total(left))
    if len(choice.filters) > 1:
        left = choice.without_filters()
        yield Way("Without any filter", address(left), total(left))
    if choice.words and choice.filters:
        left = replace(choice, words="", order="newest")
        yield Way(f"Without the words “{choice.words}”", address(left), total(left))


def address(choice: Choice) -> str:
    """The address of the shelves under ``choice``."""
    query = choice.query()
    return f"{reverse('catalog:search')}?{query}" if query else reverse("catalog:browse")
