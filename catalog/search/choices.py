"""What a visitor asks of the shelves, as the address says it: words, filters, order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.http import QueryDict

from catalog.search.facets import BY_NAME, FACETS, VALUE, Facet
from marketplace.web.problems import Fault, Problem

LONGEST_WORDS = 200
_MOST_VALUES = 20

#: Orders by name: what people call it, and the columns; the last makes it unique.
ORDERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "relevance": ("relevance", ("-rank", "-listing_id")),
    "newest": ("newest", ("-shown_at", "-listing_id")),
    "price": ("price, low first", ("price", "-listing_id")),
    "size": ("most rows", ("-rows", "-listing_id")),
}


@dataclass(frozen=True)
class Choice:
    """Words to find, values chosen by facet, and the order."""

    words: str
    filters: Mapping[str, tuple[str, ...]]
    order: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the order sorts by."""
        return ORDERS[self.order][1]

    def without(self, facet: str) -> Choice:
        """The same with no value chosen for ``facet``."""
        return replace(self, filters={name: values for name, values in self.filters.items() if name != facet})

    def without_value(self, facet: str, value: str) -> Choice:
        """The same with ``value`` taken from those chosen for ``facet``."""
        left = tuple(other for other in self.filters.get(facet, ()) if other != value)
        return replace(self, filters={**self.without(facet).filters, **({facet: left} if left else {})})

    def without_filters(self) -> Choice:
        """The same with no value chosen at all."""
        return replace(self, filters={})

    def saying(self, words: str) -> Choice:
        """The same with other words."""
        return replace(self, words=words)

    def wanted(self, facets: Iterable[Facet]) -> list[list[str]]:
        """For each of ``facets`` that has values chosen, these as they are kept: any one of a list, of every list."""
        return [
            [facet.word(value) for value in self.filters[facet.name]] for facet in facets if facet.name in self.filters
        ]

    def query(self) -> str:
        """The query of the address that says this choice, without ``?``."""
        query = QueryDict(mutable=True)
        if self.words:
            query["q"] = self.words
        for facet in FACETS:
            query.setlist(facet.name, list(self.filters.get(facet.name, ())))
        if self.order != default_order(self.words):
            query["sort"] = self.order
        return query.urlencode(safe="/")


def default_order(words: str) -> str:
    """The order when none is asked for."""
    return "relevance" if words else "newest"


def read(query: QueryDict) -> Choice:
    """The choice that an address makes. Raises Problem 400 that names every parameter that cannot be understood."""
    faults = [*_words_faults(query), *_filter_faults(query), *_order_faults(query)]
    if faults:
        raise Problem(400, "This search cannot be understood", faults=faults)
    words = " ".join(query.get("q", "").split())
    chosen = {name: tuple(dict.fromkeys(query.getlist(name))) for name in BY_NAME if query.getlist(name)}
    return Choice(words, chosen, query.get("sort") or default_order(words))


def _words_faults(query: QueryDict) -> Iterable[Fault]:
    words = query.get("q", "")
    if len(words) > LONGEST_WORDS:
        yield Fault(
            "q",
            f"{len(words)} characters are more than the {LONGEST_WORDS} that are searched for.",
            "Leave out words that many datasets have.",
            "maxLength",
        )
    if any(ord(letter) < ord(" ") for letter in words):
        yield Fault("q", "There is a control character in the words.", "Use letters, digits and spaces.", "pattern")


def _filter_faults(query: QueryDict) -> Iterable[Fault]:
    for facet in FACETS:
        values = query.getlist(facet.name)
        if len(values) > _MOST_VALUES:
            yield Fault(
                facet.name, f"{len(values)} values are too many.", f"Choose at most {_MOST_VALUES}.", "maxItems"
            )
        for value in values[:_MOST_VALUES]:
            if facet.values and value not in facet.values:
                known = ", ".join(facet.values)
                yield Fault(facet.name, f"There is no “{value[:40]}”.", f"Use one of {known}.", "enum")
            elif not VALUE.fullmatch(value):
                yield Fault(facet.name, f"“{value[:40]}” is no name.", "Use the filters of the page.", "pattern")


def _order_faults(query: QueryDict) -> Iterable[Fault]:
    order = query.get("sort", "")
    if order and order not in ORDERS:
        yield Fault("sort", f"There is no order “{order[:40]}”.", f"Use one of {', '.join(ORDERS)}.", "enum")
    elif order == "relevance" and not query.get("q", "").strip():
        yield Fault("sort", "Relevance needs words to be relevant to.", "Add q, or use newest, price or size.", "enum")
