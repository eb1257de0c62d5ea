"""Pages of the catalogue: shelves, a dataset, its files, the library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST, require_safe

from catalog import attachments, delivery, downloads, licensing, previews
from catalog.models import Attachment, Dataset, File, Licence, Listing, Offer, PreviewPicture, Version
from catalog.pages import hit, links, sheets_of
from catalog.shapes import ReplayEnvelope
from marketplace import storage
from marketplace.accounts.acting import acting_account
from marketplace.accounts.models import Account
from marketplace.accounts.reading import reading_account
from marketplace.web import keyset

_PAGE = 20
_FILES_SHOWN = 200
_VERSIONS_SHOWN = 50
_SHOWN = ("statistics", "preview", "replay")


@require_GET
def browse(request: HttpRequest) -> HttpResponse:
    """The shelves: listings newest first, those being made among them with their progress."""
    listings = (
        Listing.objects.public()
        .select_related("dataset__account")
        .prefetch_related(
            Prefetch(
                "dataset__versions",
                Version.objects.on_shelf()
                .newest_of_each_dataset()
                .prefetch_related(
                    Prefetch("attachments", Attachment.objects.filter(kind__in=["statistics", "preview"]))
                ),
            ),
            Prefetch("offers", Offer.objects.filter(open=True).order_by("price")),
        )
    )
    page = keyset.requested_page(request, listings, order=("-shown_at", "-id"), size=_PAGE)
    return render(request, "catalog/browse.html", {"hits": [hit(listing) for listing in page.items], "page": page})


@require_GET
def dataset(request: HttpRequest, owner: str, name: str, number: str | None = None) -> HttpResponse:
    """A dataset at one version: data, statistics, provenance, files.

    Without ``number`` it is the newest on the shelf, else the newest that the account may read; while the first one is
    being made, the page says so to everybody else.
    """
    found = get_object_or_404(Dataset.objects.named(owner, name))
    listing = getattr(found, "listing", None)
    account = acting_account(request)
    version = licensing.newest_for(account, found) if number is None else _version(found, number)
    if version is None or not licensing.may_look(account, version):
        if number is None and listing is not None and listing.state == Listing.State.ANNOUNCED:
            return render(request, "catalog/announced.html", {"dataset": found, "listing": listing})
        raise Http404(f"There is no {f'version {number} of ' if number else 'dataset '}{found} that you may see.")
    return render(request, "catalog/dataset.html", _dataset_context(account, found, version, listing))


@require_safe
def file(request: HttpRequest, owner: str, name: str, number: str, path: str) -> HttpResponse:
    """Redirect to a signed link, or say which licence is missing; programs show a token."""
    account = reading_account(request)
    version = _seen_version(request, owner, name, number)
    found = get_object_or_404(
        File.objects.select_related("version__dataset__account", "version__shelf"), version=version, path=path
    )
    try:
        return downloads.answer(request, account, found)
    except delivery.NotLicensed as error:
        return _licence_needed(request, version, str(error))


@require_safe
def seed(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """Redirect a licence holder to seed and salt."""
    version = _seen_version(request, owner, name, number)
    try:
        return HttpResponseRedirect(delivery.seed_link(reading_account(request), version))
    except delivery.NotLicensed as error:
        return _licence_needed(request, version, str(error))


@require_safe
def manifest(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """The very bytes whose SHA-256 names the version."""
    version = _seen_version(request, owner, name, number)
    return HttpResponse(bytes(version.manifest.body), content_type="application/json")


@require_safe
def checksums(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """``SHA256SUMS`` of all files."""
    version = _seen_version(request, owner, name, number)
    return HttpResponse(delivery.checksums(version), content_type="text/plain; charset=utf-8")


@require_safe
def attachment(request: HttpRequest, owner: str, name: str, number: str, kind: str) -> HttpResponse:
    """A document about the version, as it was stored."""
    version = _seen_version(request, owner, name, number)
    found = get_object_or_404(Attachment, version=version, kind=kind)
    try:
        of_kind = attachments.kind(kind)
    except LookupError as error:
        raise Http404(f"There is no document {kind} here.") from error
    if not of_kind.public and not licensing.may_have(reading_account(request), version):
        return _licence_needed(request, version, f"The {of_kind.title.lower()} is for licence holders.")
    return HttpResponse(attachments.read(found), content_type=found.media_type)


@require_GET
def picture(request: HttpRequest, version_id: UUID, sha256: str) -> HttpResponse:
    """A picture of a preview, under its digest: it never changes, so browsers keep it."""
    found = get_object_or_404(
        PreviewPicture.objects.select_related("version__shelf", "version__dataset"), version=version_id, sha256=sha256
    )
    if not licensing.may_look(acting_account(request), found.version):
        raise Http404("There is no such picture that you may see.")
    response = HttpResponse(storage.read_blob(sha256), content_type=found.media_type)
    audience = "public" if licensing.is_public(found.version) else "private"
    response["Cache-Control"] = f"{audience}, max-age=31536000, immutable"
    return response


@login_required
@require_POST
def acquire(request: HttpRequest, owner: str, name: str, offer: UUID) -> HttpResponse:
    """Take an offer that costs nothing; the licence is in the library."""
    found = get_object_or_404(Offer, id=offer, listing__dataset__account__slug=owner, listing__dataset__name=name)
    account = acting_account(request)
    if account is None:
        raise Http404("You are not a member of any account.")
    try:
        licensing.acquire(account, found)
    except (licensing.NotOffered, licensing.PaymentNeeded) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The licence is yours. All files can be downloaded below.")
    return redirect("catalog:dataset", owner, name)


@login_required
@require_GET
def library(request: HttpRequest) -> HttpResponse:
    """What the account holds licences to."""
    licences = (
        Licence.objects.filter(account=acting_account(request))
        .exclude(cause_kind=Licence.Cause.MADE)
        .select_related("dataset__account", "version", "version__shelf")
    )
    page = keyset.requested_page(request, licences, order=("-granted_at", "-id"), size=_PAGE)
    return render(request, "catalog/library.html", {"page": page})


def _dataset_context(
    account: Account | None, found: Dataset, version: Version, listing: Listing | None
) -> dict[str, Any]:
    documents = {document.kind: document for document in version.attachments.all()}
    shown = {kind: attachments.load(documents[kind]) for kind in _SHOWN if kind in documents}
    return {
        "dataset": found,
        "version": version,
        "listing": listing,
        "offer": None if listing is None else listing.offers.filter(open=True).order_by("price").first(),
        "may_have": licensing.may_have(account, version),
        "licence": None if account is None else licensing.licence_for(account, version),
        "versions": links(account, version, most=_VERSIONS_SHOWN),
        "files": version.files.order_by("path")[:_FILES_SHOWN],
        "files_in_all": version.files.count(),
        "documents": documents,
        "picture_base": reverse("catalog:picture", args=[version.id, "-"]).removesuffix("-"),
        "sheets": sheets_of(version, shown.get("preview"), shown.get("statistics")),
        "first_rows": "shown" if "preview" in shown else "coming" if previews.is_coming(version) else "missing",
        "replay": _replay_words(shown.get("replay")),
        "maker": version.recipe["generator"]["name"].split("/"),
        "runtime": version.recipe["runtime"].removeprefix("sha256:"),
    }


def _replay_words(envelope: Mapping[str, Any] | None) -> str:
    """What the signed report of the last replay says; we wrote it, so its signature is not checked here."""
    if envelope is None:
        return ""
    return ReplayEnvelope.model_validate(envelope).payload.predicate.words


def _version(found: Dataset, number: str) -> Version | None:
    versions = found.versions.readable().select_related("shelf", "dataset__account")
    try:
        major, minor, patch = (int(part) for part in number.split("."))
    except ValueError:
        return None
    return versions.filter(major=major, minor=minor, patch=patch).first()


def _seen_version(request: HttpRequest, owner: str, name: str, number: str) -> Version:
    found = Dataset.objects.named(owner, name).first()
    version = None if found is None else _version(found, number)
    if version is None or not licensing.may_look(reading_account(request), version):
        raise Http404(f"There is no version {number} of {owner}/{name} that you may see.")
    return version


def _licence_needed(request: HttpRequest, version: Version, message: str) -> HttpResponse:
    return render(request, "catalog/licence_needed.html", {"version": version, "message": message}, status=403)
