"""What programs and links fetch of a version: files, seed, manifest, digests, documents, pictures."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from catalog import attachments, delivery, downloads, licensing
from catalog.models import Attachment, File, PreviewPicture
from catalog.quality import drift
from catalog.views.seen import licence_needed, seen_version
from marketplace import storage
from marketplace.accounts.reading import reading_account


@require_safe
def file(request: HttpRequest, owner: str, name: str, number: str, path: str) -> HttpResponse:
    """Redirect to a signed link, or say which licence is missing; programs show a token."""
    version = seen_version(request, owner, name, number)
    found = get_object_or_404(
        File.objects.select_related("version__dataset__account", "version__shelf"), version=version, path=path
    )
    try:
        return downloads.answer(request, reading_account(request), found)
    except delivery.NotLicensed as error:
        return licence_needed(request, version, str(error))


@require_safe
def seed(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """Redirect a licence holder to seed and salt."""
    version = seen_version(request, owner, name, number)
    try:
        return HttpResponseRedirect(delivery.seed_link(reading_account(request), version))
    except delivery.NotLicensed as error:
        return licence_needed(request, version, str(error))


@require_safe
def manifest(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """The very bytes whose SHA-256 names the version."""
    version = seen_version(request, owner, name, number)
    return HttpResponse(bytes(version.manifest.body), content_type="application/json")


@require_safe
def checksums(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """``SHA256SUMS`` of all files."""
    version = seen_version(request, owner, name, number)
    return HttpResponse(delivery.checksums(version), content_type="text/plain; charset=utf-8")


@require_safe
def attachment(request: HttpRequest, owner: str, name: str, number: str, kind: str) -> HttpResponse:
    """A document about the version, as it was stored."""
    version = seen_version(request, owner, name, number)
    account = reading_account(request)
    documents = Attachment.objects.select_related("version__dataset", "version__shelf")
    found = get_object_or_404(documents, version=version, kind=kind)
    try:
        attachments.kind(kind)
    except LookupError as error:
        raise Http404(f"There is no document {kind} here.") from error
    if kind == drift.KIND and drift.of_version(account, version) is None:
        raise Http404(f"There is no document {kind} here.")
    try:
        return HttpResponse(delivery.document(account, found), content_type=found.media_type)
    except delivery.NotLicensed as error:
        return licence_needed(request, version, str(error))


@require_safe
def picture(request: HttpRequest, version_id: UUID, sha256: str) -> HttpResponse:
    """A picture of a preview, under its digest: it never changes, so browsers keep it."""
    found = get_object_or_404(
        PreviewPicture.objects.select_related("version__shelf", "version__dataset"), version=version_id, sha256=sha256
    )
    if not licensing.may_look(reading_account(request), found.version):
        raise Http404("There is no such picture that you may see.")
    response = HttpResponse(storage.read_blob(sha256), content_type=found.media_type)
    audience = "public" if licensing.is_public(found.version) else "private"
    response["Cache-Control"] = f"{audience}, max-age=31536000, immutable"
    return response
