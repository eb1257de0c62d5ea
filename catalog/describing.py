"""What a seller says of a dataset: title, one sentence, subject and the card. It may change; versions never do."""

from __future__ import annotations

from django.db import transaction

from catalog.models import Listing
from catalog.search import entries


def describe(listing: Listing, *, title: str, summary: str, domain: str, card: str) -> None:
    """Say this of the dataset from now on."""
    with transaction.atomic():
        dataset = listing.dataset
        dataset.title = title
        dataset.save(update_fields=["title"])
        listing.summary, listing.domain, listing.card = summary, domain, card
        listing.save(update_fields=["summary", "domain", "card"])
        entries.refresh(listing)
