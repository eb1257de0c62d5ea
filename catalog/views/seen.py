"""Which version of which dataset an address means, for whoever looks: what they may not see is not there."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from catalog import licensing
from catalog.models import Dataset, Version
from marketplace.accounts.acting import acting_account


def version_of(found: Dataset, number: str) -> Version | None:
    """The version ``number`` (``1.2.0``) of ``found``, if its bytes exist."""
    versions = found.versions.readable().select_related("shelf", "dataset__account")
    try:
        major, minor, patch = (int(part) for part in number.split("."))
    except ValueError:
        return None
    return versions.filter(major=major, minor=minor, patch=patch).first()


def seen_version(request: HttpRequest, owner: str, name: str, number: str) -> Version:
    """The version at this address. Raises Http404 when there is none that the reader may see."""
    found = get_object_or_404(Dataset.objects.named(owner, name))
    version = version_of(found, number)
    if version is None or not licensing.may_look(acting_account(request), version):
        raise Http404(f"There is no version {number} of {owner}/{name} that you may see.")
    return version


def licence_needed(request: HttpRequest, version: Version, message: str) -> HttpResponse:
    """The page that says which licence is missing."""
    return render(request, "catalog/licence_needed.html", {"version": version, "message": message}, status=403)
