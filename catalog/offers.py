"""What a listing is offered for: terms with a price, opened and closed, never changed."""

from __future__ import annotations

from django.db import transaction

from catalog.models import Listing, Offer, Terms
from catalog.search import entries


class SameOffer(Exception):
    """An open offer of the listing says the same already, at another price."""


def open_offer(
    listing: Listing,
    terms: Terms,
    *,
    price: int = 0,
    seats: int | None = None,
    days: int | None = None,
    later_versions: bool = True,
) -> Offer:
    """Return the open offer of ``listing`` that says this, ``price`` in minor units; a new one unless it is there.

    Raises SameOffer when it is there at another price or with other versions: close it first.
    """
    with transaction.atomic():
        offer, opened = Offer.objects.get_or_create(
            listing=listing,
            terms=terms,
            seats=seats,
            days=days,
            open=True,
            defaults={"price": price, "later_versions": later_versions},
        )
        if opened:
            entries.refresh(listing)
    if (offer.price, offer.later_versions) != (price, later_versions):
        raise SameOffer(f"{terms.title} is offered at {offer.price} minor units already. Close that offer first.")
    return offer


def close_offer(offer: Offer) -> None:
    """Take an offer away from buyers; licences under it stay. Closing it twice changes nothing."""
    with transaction.atomic():
        if Offer.objects.filter(id=offer.id, open=True).update(open=False):
            entries.refresh(offer.listing)
