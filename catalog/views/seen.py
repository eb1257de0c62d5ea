"""Which version of which dataset an address means, for whoever looks: what they may not see is not there."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from catalog import licensing
from catalog.models import Dataset, Version
from marketplace.accounts.reading import reading_account


def version_of(found: Dataset, number: str) -> Version | None:
    """The version ``number`` (``1.2.0``) of ``found``, if its bytes exist."""
    versions = found.versions.readable().select_related("shelf", "dataset__account")
    try:
        major, minor, patch = (int(part) for part in number.split("."))
    except ValueError:
        return None
    return versions.filter(major=major, minor=minor, patch=patch).first()


def dataset_at(owner: str, name: str, number: str | None = None) -> Dataset:
    """The dataset of this name. Raises Http404 in the words that hide one: both answers are the same."""
    found = Dataset.objects.named(owner, name).first()
    if found is None:
        raise nothing_there(owner, name, number)
    return found


def nothing_there(owner: str, name: str, number: str | None = None) -> Http404:
    """What is said of a dataset, or of a version of it, that the reader may not see or that does not exist."""
    return Http404(f"There is no {f'version {number} of ' if number else 'dataset '}{owner}/{name} that you may see.")


def seen_version(request: HttpRequest, owner: str, name: str, number: str) -> Version:
    """The version at this address. Raises Http404 when there is none that the reader may see."""
    version = version_of(dataset_at(owner, name, number), number)
    if version is None or not licensing.may_look(reading_account(request), version):
        raise nothing_there(owner, name, number)
    return version


def licence_needed(request: HttpRequest, version: Version, message: str) -> HttpResponse:
    """The page that says which licence is missing."""
    return render(request, "catalog/licence_needed.html", {"version": version, "message": message}, status=403)
