"""Who may have what. All that hands out data asks ``may_have`` or ``may_look``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from catalog.models import Dataset, File, Licence, Listing, Offer, ShelfState, Terms, Version
from catalog.models.version import VersionQuerySet
from marketplace.accounts.models import Account


class NotOffered(Exception):
    """The offer is closed, its listing is not on the shelf, or there is no version that new buyers may have."""


class PaymentNeeded(Exception):
    """The offer has a price; a licence to it is granted by its purchase."""


@dataclass(frozen=True)
class Cause:
    """What a licence was granted for: a kind of ``Licence.Cause`` and the UUID of the thing."""

    kind: str
    id: UUID


def may_have(account: Account | None, version: Version) -> bool:
    """May ``account`` read all of ``version``? Only with a licence in force, and while the bytes exist."""
    if account is None or version.shelf.state == ShelfState.State.WITHDRAWN:
        return False
    return Licence.objects.in_force().filter(account=account).covering(version).exists()


def may_look(account: Account | None, version: Version) -> bool:
    """May ``account`` (``None``: anybody) see what the page shows: statistics, the free sample, the manifest?"""
    return is_public(version) or may_have(account, version)


def is_public(version: Version) -> bool:
    """Is the version shown to everybody: listed, and on the shelf?"""
    return (
        version.shelf.state == ShelfState.State.ON_SHELF
        and Listing.objects.filter(dataset_id=version.dataset_id, state=Listing.State.ON_SHELF).exists()
    )


def held(account: Account | None, dataset: Dataset) -> VersionQuerySet:
    """The versions of ``dataset`` that ``account`` may read all of; what ``may_have`` says of one, said of all."""
    licences = Licence.objects.in_force().filter(account=account, dataset=dataset)
    readable = dataset.versions.readable()
    found = readable.filter(id__in=licences.values("version"))
    oldest = licences.filter(later_versions=True).select_related("version").oldest_version_first().first()
    return found if oldest is None else found | readable.since(oldest.version)


def shown(dataset: Dataset) -> VersionQuerySet:
    """The versions of ``dataset`` that are shown to everybody; what ``is_public`` says of one, said of all."""
    return dataset.versions.on_shelf().filter(dataset__listing__state=Listing.State.ON_SHELF)


def newest_for(account: Account | None, dataset: Dataset) -> Version | None:
    """The version that the dataset's page shows: the newest on the shelf, else the newest that the account may read."""
    return shown(dataset).newest_first().first() or held(account, dataset).newest_first().first()


def may_read_file(account: Account | None, file: File) -> bool:
    """May ``account`` read this file: any with a licence, the free sample of a public version without."""
    return (file.sample and is_public(file.version)) or may_have(account, file.version)


def licence_for(account: Account, version: Version) -> Licence | None:
    """The licence in force that gives ``account`` the version, the oldest if there are several."""
    licences = Licence.objects.in_force().filter(account=account).covering(version).select_related("terms")
    return licences.order_by("granted_at").first()


def grant(
    account: Account,
    version: Version,
    *,
    cause: Cause,
    terms: Terms,
    offer: Offer | None = None,
    later_versions: bool = False,
) -> Licence:
    """Return the account's licence for this cause, made now if it does not exist yet.

    Seats and end are those of ``offer``; without one there is no end.
    """
    licence, _ = Licence.objects.get_or_create(
        account=account,
        version=version,
        cause_kind=cause.kind,
        cause_id=cause.id,
        defaults={
            "dataset_id": version.dataset_id,
            "offer": offer,
            "terms": terms,
            "seats": None if offer is None else offer.seats,
            "ends_at": None if offer is None or offer.days is None else Now() + timedelta(days=offer.days),
            "later_versions": later_versions,
        },
    )
    return licence


def acquire(account: Account, offer: Offer) -> Licence:
    """Take a free offer: a licence to the newest version on the shelf, and to later ones if the offer says so.

    Taking it twice gives the same licence. Raises NotOffered, also when the licence that it gave is over, or
    PaymentNeeded.
    """
    with transaction.atomic():
        listing = Listing.objects.select_for_update().get(id=offer.listing_id)
        version = listing.newest_on_shelf
        if not offer.open or listing.state != Listing.State.ON_SHELF or version is None:
            raise NotOffered(f"{listing.dataset} is not offered now. What you have licensed stays yours.")
        if offer.price:
            raise PaymentNeeded(f"{listing.dataset} costs {offer.price} minor units of {offer.currency}.")
        earlier = Licence.objects.filter(account=account, offer=offer)
        if (held := earlier.in_force().covering(version).first()) is not None:
            return held
        if offer.days is not None and earlier.exists():
            raise NotOffered(f"{account} had its {offer.days} days of {offer.terms.title.lower()}; take another offer.")
        return grant(
            account,
            version,
            cause=Cause(Licence.Cause.FREE, offer.id),
            terms=offer.terms,
            offer=offer,
            later_versions=offer.later_versions,
        )
