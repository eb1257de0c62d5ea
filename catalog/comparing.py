"""Datasets side by side: what of them is alike, in their own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from catalog import attachments
from catalog.models import Attachment, Dataset, Listing, Offer, Version
from catalog.models.terms import QUESTIONS
from catalog.pages import type_words
from catalog.search.facets import MODALITIES
from marketplace.web.templatetags.units import bytes_, money, thousands

_NOT_LISTED = "not listed"
_COLUMNS_SHOWN = 400


@dataclass(frozen=True)
class Compared:
    """One of the datasets: the version that is looked at, its listing, what it is offered for, its documents."""

    dataset: Dataset
    version: Version
    listing: Listing | None
    offers: Sequence[Offer]
    documents: Mapping[str, Attachment]
    files: int


@dataclass(frozen=True)
class Line:
    """One thing that is compared: its name, a text for each dataset, and where each is told at length, if anywhere."""

    name: str
    texts: Sequence[str]
    addresses: Sequence[str] = ()

    @property
    def cells(self) -> list[tuple[str, str]]:
        """Text and address for each dataset."""
        return list(zip(self.texts, self.addresses or [""] * len(self.texts), strict=True))

    @property
    def alike(self) -> bool:
        """Do they all say the same?"""
        return len(self.texts) > 1 and len(set(self.texts)) == 1


@dataclass(frozen=True)
class Comparison:
    """All lines, by subject. ``cut`` columns are not shown."""

    facts: Sequence[Line]
    licences: Sequence[Line]
    reports: Sequence[Line]
    columns: Sequence[Line]
    cut: int


def look_at(dataset: Dataset, version: Version) -> Compared:
    """Gather what is compared of ``version``."""
    listing = getattr(dataset, "listing", None)
    return Compared(
        dataset=dataset,
        version=version,
        listing=listing,
        offers=[] if listing is None else list(listing.offers.open()),
        documents={document.kind: document for document in version.attachments.all()},
        files=version.files.count(),
    )


def compare(compared: Sequence[Compared]) -> Comparison:
    """Put ``compared`` side by side."""
    columns = _columns(compared)
    return Comparison(
        facts=[Line(name, [words(each) for each in compared]) for name, words in _FACTS.items()],
        licences=_licences(compared),
        reports=_reports(compared),
        columns=columns[:_COLUMNS_SHOWN],
        cut=max(0, len(columns) - _COLUMNS_SHOWN),
    )


def _licences(compared: Sequence[Compared]) -> list[Line]:
    """What each may be had for, and under which of its offers each question is answered with yes."""
    kinds = dict.fromkeys(offer.terms.kind for each in compared for offer in each.offers)
    lines = [
        Line(
            next(o.terms.get_kind_display() for c in compared for o in c.offers if o.terms.kind == kind).capitalize(),
            [_prices([offer for offer in each.offers if offer.terms.kind == kind]) for each in compared],
        )
        for kind in kinds
    ]
    for name, question in QUESTIONS.items():
        lines.append(Line(question, [_allowed(each.offers, name) for each in compared]))
    return lines


def _prices(offers: Sequence[Offer]) -> str:
    return "; ".join(money(offer.price, offer.currency) for offer in offers) or "not offered"


def _allowed(offers: Sequence[Offer], question: str) -> str:
    """Is the answer yes under all offers, under some (which), or under none?"""
    if not offers:
        return "not offered"
    yes = list(dict.fromkeys(offer.terms.title for offer in offers if getattr(offer.terms, question)))
    if not yes:
        return "no"
    return "yes" if all(getattr(offer.terms, question) for offer in offers) else f"yes with {', '.join(yes)}"


def _reports(compared: Sequence[Compared]) -> list[Line]:
    """Each kind of document that anyone may read, and which of them have it."""
    return [
        Line(
            kind.title,
            ["there" if kind.name in each.documents else "not measured" for each in compared],
            [_document(each, kind.name) if kind.name in each.documents else "" for each in compared],
        )
        for kind in attachments.kinds()
        if kind.public and kind.name not in _NO_REPORTS
    ]


def _document(each: Compared, kind: str) -> str:
    named = [each.dataset.account.slug, each.dataset.name, each.version.number, kind]
    return reverse("catalog:attachment", args=named)


def _columns(compared: Sequence[Compared]) -> list[Line]:
    """Columns by name, those that several have first; a cell is the column's type, empty where there is none."""
    types = [_types(each.version) for each in compared]
    names = dict.fromkeys(name for each in types for name in each)
    order = sorted(names, key=lambda name: -sum(name in each for each in types))
    return [Line(name, [each.get(name, "") for each in types]) for name in order]


def _types(version: Version) -> dict[str, str]:
    """Type and unit of each column; the table's name stands before the column's where there are several tables."""
    tables: Sequence[Mapping[str, Any]] = version.layout["tables"]
    return {
        column["name"] if len(tables) == 1 else f"{table['name']}.{column['name']}": _described(column)
        for table in tables
        for column in table["schema"]
    }


def _described(column: Mapping[str, Any]) -> str:
    words = "picture" if (column.get("media") or "").startswith("image/") else type_words(str(column["type"]))
    return f"{words}, {column['unit']}" if column.get("unit") else words


def _unit(each: Compared) -> str:
    unit = each.version.layout["unit"]
    return f"{thousands(each.version.units)} {unit}{'' if each.version.units == 1 else 's'}"


def _source(each: Compared) -> str:
    source = each.version.recipe["source"]
    return "none: settings and seed" if source["kind"] == "none" else "fitted to an upload"


def _generator(each: Compared) -> str:
    return f"{each.version.recipe['generator']['name']} {each.version.recipe['generator']['version']}"


def _splits(each: Compared) -> str:
    return ", ".join(f"{split['name']} {thousands(split['units'])}" for split in each.version.recipe["splits"])


def _count_columns(each: Compared) -> str:
    return thousands(sum(len(table["schema"]) for table in each.version.layout["tables"]))


def _lowest(each: Compared) -> str:
    if not each.offers:
        return "not offered"
    lowest = money(each.offers[0].price, each.offers[0].currency)
    return f"from {lowest}" if len(each.offers) > 1 and each.offers[0].price else lowest


def _kind(each: Compared) -> str:
    return _NOT_LISTED if each.listing is None else MODALITIES.get(each.listing.modality, each.listing.modality)


def _domain(each: Compared) -> str:
    return _NOT_LISTED if each.listing is None else each.listing.get_domain_display()


#: Documents that are no measurement.
_NO_REPORTS = frozenset({"preview"})

_FACTS: Mapping[str, Callable[[Compared], str]] = {
    "Price": _lowest,
    "Kind": _kind,
    "Domain": _domain,
    "Units": _unit,
    "Rows": lambda each: thousands(each.version.rows),
    "Columns": _count_columns,
    "Splits": _splits,
    "Size": lambda each: f"{bytes_(each.version.bytes)} in {thousands(each.files)} files",
    "Version": lambda each: each.version.number,
    "Seller": lambda each: each.dataset.account.name,
    "Generator": _generator,
    "Source": _source,
}
