"""The filters of the shelves: which there are, which values they take, and what people call them.

A facet value is one word, ``domain:finance``; what a listing has is a list of such words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from catalog.models import Listing, Offer, SearchEntry, Terms, Version

#: What people call a modality; the names are those of the generators' contract.
MODALITIES = {"tabular": "Table", "image": "Pictures", "multimodal": "Pictures and tables"}
_LICENCES = {
    str(kind): str(kind.label).capitalize()
    for kind in (Terms.Kind.EVALUATION, Terms.Kind.RESEARCH, Terms.Kind.COMMERCIAL, Terms.Kind.REDISTRIBUTION)
}
_PRICES = {"free": "Free", "to-100": "Under €100", "to-500": "€100 to €500", "over-500": "€500 and over"}
_PRICE_BOUNDS = ((1, "free"), (100_00, "to-100"), (500_00, "to-500"))
_ROWS = {"to-10k": "Under 10,000", "to-1m": "10,000 to 1 million", "over-1m": "1 million and over"}
_ROWS_BOUNDS = ((10_000, "to-10k"), (1_000_000, "to-1m"))


#: What a value looks like in an address; a generator may call its unit what it likes, and what is no name is no filter.
VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,119}")


@dataclass(frozen=True)
class Facet:
    """A filter: the name of its parameter, its heading, and its values with their words where they are fixed.

    A facet that is not ``few`` has as many values as there are sellers or generators; only the ``offered`` largest are
    shown.
    """

    name: str
    title: str
    values: Mapping[str, str] = field(default_factory=dict)
    few: bool = True
    offered: int = 8

    def word(self, value: str) -> str:
        """How ``value`` is kept: ``domain:finance``."""
        return f"{self.name}:{value}"

    def label(self, value: str) -> str:
        """What people call ``value``."""
        return self.values.get(value, value)


FACETS: tuple[Facet, ...] = (
    Facet("modality", "Kind", MODALITIES),
    Facet("domain", "Domain", {value: str(label).capitalize() for value, label in Listing.Domain.choices}),
    Facet("licence", "Licence for", _LICENCES),
    Facet("price", "Lowest price", _PRICES),
    Facet("rows", "Rows", _ROWS),
    Facet("unit", "What one unit is"),
    Facet("seller", "Seller", few=False),
    Facet("generator", "Generator", few=False),
)
BY_NAME = {facet.name: facet for facet in FACETS}


def words_of(listing: Listing, offers: Sequence[Offer], version: Version | None) -> list[str]:
    """The facet values of ``listing`` with its open ``offers`` and its newest ``version`` on the shelf, if any."""
    found: dict[str, Iterable[str]] = {
        "modality": [listing.modality],
        "domain": [listing.domain],
        "licence": sorted({offer.terms.kind for offer in offers}),
        "price": [price_band(lowest_price(offers))] if offers else [],
        "seller": [listing.dataset.account.slug],
    }
    if version is not None:
        found["rows"] = [rows_band(version.rows)]
        found["unit"] = [version.layout["unit"]]
        found["generator"] = [version.recipe["generator"]["name"]]
    return [facet.word(value) for facet in FACETS for value in found.get(facet.name, ()) if VALUE.fullmatch(value)]


def of_the_cell(words: Iterable[str]) -> list[str]:
    """Those of ``words`` whose facets have few values: what a cell is made of."""
    return [word for word in words if BY_NAME[word.partition(":")[0]].few]


def lowest_price(offers: Sequence[Offer]) -> int:
    """The lowest price in minor units, ``SearchEntry.NOT_OFFERED`` without an offer."""
    return min((offer.price for offer in offers), default=SearchEntry.NOT_OFFERED)


def price_band(price: int) -> str:
    """The value of the facet ``price``."""
    return next((band for bound, band in _PRICE_BOUNDS if price < bound), "over-500")


def rows_band(rows: int) -> str:
    """The value of the facet ``rows``."""
    return next((band for bound, band in _ROWS_BOUNDS if rows < bound), "over-1m")
