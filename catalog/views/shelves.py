"""The shelves."""

from __future__ import annotations

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from catalog.models import Attachment, Listing, Offer, Version
from catalog.pages import hit
from marketplace.web import keyset

_PAGE = 20


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
            Prefetch("offers", Offer.objects.open()),
        )
    )
    page = keyset.requested_page(request, listings, order=("-shown_at", "-id"), size=_PAGE)
    return render(request, "catalog/browse.html", {"hits": [hit(listing) for listing in page.items], "page": page})
