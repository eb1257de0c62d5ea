"""The shelves: home, browsing and searching are one page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from catalog.search import choices, shelves
from catalog.search.matching import matching
from marketplace.web import keyset

_PAGE = 20


@require_GET
def browse(request: HttpRequest) -> HttpResponse:
    """Listings that have the words and the filters of the address, in its order, those being made among them."""
    looked = shelves.look(choices.read(request.GET))
    # The first page ends within as many as it shows, and the next one begins with one more.
    most = None if request.GET.get("cursor") else keyset.requested_size(request, _PAGE) + 1
    found = matching(looked.choice, looked.counts, most=most)
    page = keyset.requested_page(request, found, order=looked.choice.columns, size=_PAGE)
    hits = shelves.hits(looked.choice.words, page)
    lesson = None if request.GET else shelves.lesson(hits)
    return render(request, "catalog/browse.html", {"shelves": looked, "hits": hits, "page": page, "lesson": lesson})
