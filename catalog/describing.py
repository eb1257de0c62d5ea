"""What a seller says of a dataset: title, one sentence, domain, and the card. It may change; versions never do."""

from __future__ import annotations

from django.db import transaction

from catalog.models import Listing
from catalog.search import entries


def describe(listing: Listing, *, title: str, summary: str, card: str, domain: str = "") -> None:
    """Say this of the dataset from now on; without ``domain`` it stays in the one that it is in."""
    with transaction.atomic():
        dataset = listing.dataset
        dataset.title = title
        dataset.save(update_fields=["title"])
        listing.summary, listing.card, listing.domain = summary, card, domain or listing.domain
        listing.save(update_fields=["summary", "card", "domain"])
        entries.refresh(listing)
