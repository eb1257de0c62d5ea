"""Which version of which dataset an address means, for whoever looks: what they may not see is not there."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from catalog import holding, licensing
from catalog.models import Dataset, Version
from marketplace.accounts.models import Account
from marketplace.accounts.reading import reading_account
from marketplace.web.problems import Problem


def version_of(found: Dataset, number: str) -> Version | None:
    """The version ``number`` (``1.2.0``) of ``found``, if its bytes exist."""
    return found.versions.readable().numbered(number).select_related("shelf", "dataset__account").first()


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
    account, version = reading_account(request), version_of(dataset_at(owner, name, number), number)
    if version is None or not licensing.may_look(account, version):
        refuse_lapsed(account, version)
        raise nothing_there(owner, name, number)
    return version


def refuse_lapsed(account: Account | None, version: Version | None) -> None:
    """Raise Problem 403 for who held a licence to a version that is not shown: to them it is no secret that it exists.

    It says why the licence gives nothing now. For everybody else nothing happens.
    """
    licence = None if version is None else licensing.lapsed(account, version)
    if licence is not None:
        told = holding.notice(licence)
        raise Problem(403, told.title, f"{told.why} {told.remedy}", type=f"licence-{licence.state}")


def licence_needed(request: HttpRequest, version: Version, message: str) -> HttpResponse:
    """The page that says which licence is missing, or why the one that the reader has gives nothing now."""
    licence = licensing.lapsed(reading_account(request), version)
    context = {
        "version": version,
        "message": message,
        "licence": licence,
        "notice": None if licence is None else holding.notice(licence),
    }
    return render(request, "catalog/licence_needed.html", context, status=403)
