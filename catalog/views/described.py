"""A version described for programs and for lists of references."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from catalog import citation, licensing
from catalog.croissant import document
from catalog.views.seen import seen_version
from marketplace.accounts.reading import reading_account


@require_safe
def croissant(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """Croissant JSON-LD."""
    version = seen_version(request, owner, name, number)
    account = reading_account(request)
    licence = None if account is None else licensing.licence_for(account, version)
    described = document(version, getattr(version.dataset, "listing", None), licence)
    return HttpResponse(json.dumps(described, ensure_ascii=False, indent=1), content_type="application/ld+json")


@require_safe
def cff(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """CITATION.cff."""
    version = seen_version(request, owner, name, number)
    return HttpResponse(citation.cff(version), content_type="text/yaml; charset=utf-8")


@require_safe
def bibtex(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """An entry for BibTeX."""
    version = seen_version(request, owner, name, number)
    return HttpResponse(citation.bibtex(version), content_type="application/x-bibtex; charset=utf-8")
