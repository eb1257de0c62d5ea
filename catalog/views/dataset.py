"""A dataset at one version, by tabs: each is a page of its own that asks only for what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET

from catalog import again, attachments, citation, difference, holding, licensing, previews, relations, sheets, snippets
from catalog.models import Attachment, Dataset, Licence, Listing, Offer, ShelfState, Version
from catalog.pages import links, sheets_of
from catalog.quality import drift, filled_cells, listed, reports
from catalog.related import related
from catalog.rows.access import Reach
from catalog.schema_org import json_ld
from catalog.shapes import ReplayEnvelope
from catalog.views.problems import problems_of
from catalog.views.seen import dataset_at, nothing_there, refuse_lapsed, version_of
from catalog.views.withdrawal import gone
from marketplace.accounts.acting import acting_account
from marketplace.accounts.models import Account
from marketplace.web import keyset

_FILES_SHOWN = 100
_VERSIONS_SHOWN = 50
_SHOWN = ("statistics", "preview")


@dataclass(frozen=True)
class Tab:
    """A tab in the head of a dataset's pages."""

    name: str
    words: str
    address: str


@dataclass(frozen=True)
class Seen:
    """What a reader asked for and may look at, and the licence that gives them all of it, if there is one.

    ``number`` is the one in the address, if there is one.
    """

    account: Account | None
    dataset: Dataset
    version: Version
    listing: Listing | None
    number: str | None
    licence: Licence | None

    @property
    def may_have(self) -> bool:
        """What ``licensing.may_have`` says."""
        return self.licence is not None and self.version.shelf.state != ShelfState.State.WITHDRAWN

    @cached_property
    def offers(self) -> Sequence[Offer]:
        """The open offers of the listing."""
        return [] if self.listing is None else list(self.listing.offers.open())

    @cached_property
    def documents(self) -> Mapping[str, Attachment]:
        """The documents of the version by their kinds."""
        return {document.kind: document for document in self.version.attachments.all()}

    def load(self, *kinds: str) -> dict[str, Any]:
        """Those of the documents ``kinds`` that are there, parsed."""
        found = [document for kind, document in self.documents.items() if kind in kinds]
        loaded = attachments.load_all(found)
        return {document.kind: loaded[document.sha256] for document in found}

    def context(self, tab: str) -> dict[str, Any]:
        """What the head of every tab shows, ``tab`` being the one that is open."""
        listing = self.listing
        lapsed = None if self.may_have else licensing.lapsed(self.account, self.version)
        return {
            "dataset": self.dataset,
            "version": self.version,
            "listing": listing,
            "offers": self.offers,
            "account": self.account,
            "manages": listing is not None and self.account == self.dataset.account,
            "may_have": self.may_have,
            "licence": self.licence,
            "lapsed": lapsed,
            "notice": None if lapsed is None else holding.notice(lapsed),
            "tabs": self._tabs(),
            "tab": tab,
            "base": self.address(),
        }

    def address(self, tab: str = "") -> str:
        """The address of a tab, at the version that the reader named or at whichever is newest."""
        named = [self.dataset.account.slug, self.dataset.name]
        if self.number is None:
            return reverse(f"catalog:dataset-{tab}" if tab else "catalog:dataset", args=named)
        return reverse(f"catalog:version-{tab}" if tab else "catalog:version", args=[*named, self.number])

    def _tabs(self) -> list[Tab]:
        shows = (column.get("media") or "" for table in self.version.layout["tables"] for column in table["schema"])
        first = "Pictures" if any(media.startswith("image/") for media in shows) else "Data"
        return [
            Tab("data", first, self.address()),
            *self._measured(),
            Tab("provenance", "Provenance", self.address("provenance")),
            Tab("load", "Load it", self.address("load")),
            Tab("files", "Files", self.address("files")),
            Tab("versions", "Versions", self.address("versions")),
            Tab("problems", "Problems", self.address("problems")),
        ]

    def _measured(self) -> list[Tab]:
        """What was counted; and the quality report, of what was learnt from a source or looked for by an answer key."""
        simulated = self.version.recipe["source"]["kind"] == "none"
        if simulated and "quality" not in self.documents:
            return [Tab("statistics", "Quality report", self.address("statistics"))]
        return [
            Tab("quality", "Quality report", self.address("quality")),
            Tab("statistics", "Statistics", self.address("statistics")),
        ]


@require_GET
def data(request: HttpRequest, owner: str, name: str, number: str | None = None) -> HttpResponse:
    """The data of a dataset, and what a buyer decides by.

    Without ``number`` it is the newest version on the shelf, else the newest that the account may read; while the first
    one is being made, the page says so to everybody else.
    """
    found = dataset_at(owner, name, number)
    seen = _seen(request, found, number)
    if seen is None:
        listing = getattr(found, "listing", None)
        if number is None and listing is not None and listing.state == Listing.State.ANNOUNCED:
            return render(request, "catalog/announced.html", {"dataset": found, "listing": listing})
        return gone(request, found, number)
    shown = seen.load(*_SHOWN)
    context = {
        "sheets": sheets.sheets(_look(seen, shown), sheets.wanted_of(seen.version, request.GET)),
        "relations": relations.drawing(seen.version.layout),
        "maker": seen.version.recipe["generator"]["name"].split("/"),
        "related": [] if seen.listing is None else related(seen.listing),
        "measures": listed(seen.version.measures),
        "json_ld": "" if seen.listing is None else json_ld(seen.version, seen.listing, seen.offers),
        "first_rows": "shown" if "preview" in shown else "coming" if previews.is_coming(seen.version) else "missing",
    }
    return render(request, "catalog/dataset.html", seen.context("data") | context)


@require_GET
def row(request: HttpRequest, owner: str, name: str, place: int, number: str | None = None) -> HttpResponse:
    """One row alone: its picture large, its objects, all its values; and the way to its neighbours."""
    seen = _seen_or_404(request, owner, name, number)
    look = _look(seen, seen.load(*_SHOWN))
    wanted = replace(sheets.wanted_of(seen.version, request.GET), offset=place)
    found = sheets.alone(look, wanted)
    if found is None:
        raise Http404(f"There is no row {place:,} of {seen.version} that you may see. {look.reach.limit()}")
    return render(request, "catalog/row.html", seen.context("data") | {"row": found})


@require_GET
def statistics(request: HttpRequest, owner: str, name: str, number: str | None = None) -> HttpResponse:
    """What was measured of the version: statistics by column, reports, and what was not measured."""
    seen = _seen_or_404(request, owner, name, number)
    shown = seen.load("statistics")
    return render(
        request,
        "catalog/tabs/statistics.html",
        seen.context("statistics") | _shown_context(seen, shown) | {"documents": set(shown)},
    )


@require_GET
def quality(request: HttpRequest, owner: str, name: str, number: str | None = None) -> HttpResponse:
    """The quality report: how like, useful, private and fair it is; the same as a document to who asks for JSON."""
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return quality_json(request, owner, name, number)
    seen = _seen_or_404(request, owner, name, number)
    documents = seen.load("quality", "statistics", *(("answer-key",) if seen.version.keeps_rows else ()))
    document, counted = documents.get("quality"), documents.get("statistics", {"tables": {}})
    context = {
        "reports": [] if document is None else reports(document),
        "rules": [rule for table in counted["tables"].values() for rule in table.get("rules", ())],
        "filled": filled_cells(documents.get("answer-key", {})),
        "twin": f"{seen.address('quality')}.json",
        "maker": seen.version.recipe["generator"]["name"].split("/"),
    }
    response = render(request, "catalog/tabs/quality.html", seen.context("quality") | context)
    patch_vary_headers(response, ["Accept"])
    return response


@require_GET
def quality_json(request: HttpRequest, owner: str, name: str, number: str | None = None) -> HttpResponse:
    """The quality report as it was stored."""
    version = _seen_or_404(request, owner, name, number).version
    found = version.attachments.filter(kind="quality").first()
    if found is None:
        raise Http404(
            f"There is no quality report of {version}: it was not judged, or there is nothing to judge it by."
        )
    response = HttpResponse(attachments.read(found), content_type=found.media_type)
    patch_vary_headers(response, ["Accept"])
    return response


@require_GET
def provenance(request: HttpRequest, owner: str, name: str, number: str | None = None) -> HttpResponse:
    """Generator, seed commitment and settings; who signed that; how it came out when it was made again."""
    seen = _seen_or_404(request, owner, name, number)
    version = seen.version
    context = {
        "documents": seen.documents,
        "replay": _replay_words(seen.load("replay").get("replay")),
        "maker": version.recipe["generator"]["name"].split("/"),
        "again": again.command(version),
        "runtime": version.recipe["runtime"].removeprefix("sha256:"),
        "files_in_all": version.files.count(),
    }
    return render(request, "catalog/tabs/provenance.html", seen.context("provenance") | context)


@require_GET
def load(request: HttpRequest, owner: str, name: str, number: str | None = None) -> HttpResponse:
    """Lines to copy that load the version, and how to cite it."""
    seen = _seen_or_404(request, owner, name, number)
    shown = seen.context("load")
    context = {
        "setup": snippets.setup(token=seen.account is not None),
        "snippets": snippets.snippets(seen.version, whole=shown["may_have"], token=seen.account is not None),
        "citation": {"text": citation.text(seen.version), "bibtex": citation.bibtex(seen.version)},
    }
    return render(request, "catalog/tabs/load.html", shown | context)


@require_GET
def files(request: HttpRequest, owner: str, name: str, number: str | None = None) -> HttpResponse:
    """All files with their digests, by pages."""
    seen = _seen_or_404(request, owner, name, number)
    version = seen.version
    page = keyset.requested_page(request, version.files.all(), order=("path", "id"), size=_FILES_SHOWN)
    context = {
        "page": page,
        "files": page.items,
        "files_in_all": version.files.count(),
        "documents": seen.documents,
    }
    return render(request, "catalog/tabs/files.html", seen.context("files") | context)


@require_GET
def versions(request: HttpRequest, owner: str, name: str, number: str | None = None) -> HttpResponse:
    """The versions, newest first, how they differ, and how far the data moved."""
    seen = _seen_or_404(request, owner, name, number)
    moved = drift.of_version(seen.account, seen.version)
    named = [seen.dataset.account.slug, seen.dataset.name]
    context = {
        "versions": links(seen.account, seen.version, most=_VERSIONS_SHOWN),
        "difference": difference.shown(seen.version),
        "moved": None if moved is None else drift.shown(moved, solid="after"),
        "against": "" if moved is None else moved["against"]["number"],
        "comparable": licensing.may_compare(seen.account, seen.version),
        "drift_json": reverse("catalog:attachment", args=[*named, seen.version.number, drift.KIND]),
    }
    return render(request, "catalog/tabs/versions.html", seen.context("versions") | context)


@require_GET
def problems(request: HttpRequest, owner: str, name: str, number: str | None = None) -> HttpResponse:
    """Problems that people reported of any version, and what was answered."""
    seen = _seen_or_404(request, owner, name, number)
    return render(request, "catalog/tabs/problems.html", seen.context("problems") | problems_of(request, seen.version))


def _seen(request: HttpRequest, found: Dataset, number: str | None) -> Seen | None:
    account = acting_account(request)
    version = licensing.newest_for(account, found) if number is None else version_of(found, number)
    seen = None if version is None else _looked_at(account, found, version, number)
    if seen is None:
        refuse_lapsed(account, version or found.versions.readable().newest_first().first())
    return seen


def _looked_at(account: Account | None, found: Dataset, version: Version, number: str | None) -> Seen | None:
    """``version`` with the licence that ``account`` has to it; ``None`` if the account may not look at it."""
    licence = None if account is None else licensing.licence_for(account, version)
    seen = Seen(account, found, version, getattr(found, "listing", None), number, licence)
    # The newest for an account is one that it may look at.
    return seen if number is None or seen.may_have or licensing.is_public(version) else None


def _seen_or_404(request: HttpRequest, owner: str, name: str, number: str | None) -> Seen:
    found = dataset_at(owner, name, number)
    seen = _seen(request, found, number)
    if seen is None:
        raise nothing_there(owner, name, number)
    return seen


def _look(seen: Seen, shown: Mapping[str, Any]) -> sheets.Look:
    return sheets.Look(
        reach=Reach(seen.version, seen.licence if seen.may_have else None),
        base=seen.address(),
        picture_base=reverse("catalog:picture", args=[seen.version.id, "-"]).removesuffix("-"),
        preview=shown.get("preview"),
        statistics=shown.get("statistics"),
    )


def _shown_context(seen: Seen, shown: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sheets": sheets_of(seen.version, shown.get("preview"), shown.get("statistics")),
        "picture_base": reverse("catalog:picture", args=[seen.version.id, "-"]).removesuffix("-"),
        "maker": seen.version.recipe["generator"]["name"].split("/"),
    }


def _replay_words(envelope: Mapping[str, Any] | None) -> str:
    """What the signed report of the last replay says; we wrote it, so its signature is not checked here."""
    if envelope is None:
        return ""
    return ReplayEnvelope.model_validate(envelope).payload.predicate.words
