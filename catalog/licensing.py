"""Who may have what. All that hands out data asks ``may_have`` or ``may_look``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from catalog import certificates, licence_letters
from catalog.certificates import Paid as Paid
from catalog.models import Dataset, File, Licence, LicenceSuspension, Listing, Offer, ShelfState, Terms, Version
from catalog.models.licence_state import NEXT
from catalog.models.version import VersionQuerySet
from marketplace.accounts.models import Account

_MARKED_AT_ONCE = 500
#: Nobody takes a dataset more often than this; who does is told of the newest.
_LOOKED_AT = 50


class NotOffered(Exception):
    """The offer is closed, its listing is not on the shelf, or there is no version that new buyers may have."""


class OwnRows(Exception):
    """The version holds rows of its owner's upload: nobody else may ever have it."""


class PaymentNeeded(Exception):
    """The offer has a price; a licence to it is granted by its purchase."""


@dataclass(frozen=True)
class Cause:
    """What a licence was granted for: a kind of ``Licence.Cause`` and the UUID of the thing."""

    kind: str
    id: UUID


@dataclass(frozen=True)
class Ground:
    """Why licences are suspended: a ``LicenceSuspension.Reason`` and the UUID of the dispute or the refund."""

    reason: str
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
    """The version that the dataset's page shows: the newest on the shelf, else the newest that the account may read.

    So whoever asks may look at it.
    """
    public = shown(dataset).newest_first().select_related("shelf").first()
    return public or held(account, dataset).newest_first().select_related("shelf").first()


def may_read_file(account: Account | None, file: File) -> bool:
    """May ``account`` read this file: any with a licence, the free sample of a public version without."""
    return (file.sample and is_public(file.version)) or may_have(account, file.version)


def may_compare(account: Account | None, version: Version) -> bool:
    """May ``account`` compare a table of its own with the version? Its owner may without a licence: no row is shown."""
    owns = account is not None and account.id == version.dataset.account_id
    return may_have(account, version) or (owns and version.shelf.state != ShelfState.State.WITHDRAWN)


def licence_for(account: Account, version: Version) -> Licence | None:
    """The licence in force that gives ``account`` the version, the oldest if there are several."""
    licences = Licence.objects.in_force().filter(account=account).covering(version).select_related("terms")
    return licences.order_by("granted_at").first()


def reading_licence(account: Account | None, version: Version) -> Licence | None:
    """The licence under which ``account`` may read all of ``version``, as ``may_have`` says; ``None`` if it may not."""
    if account is None or version.shelf.state == ShelfState.State.WITHDRAWN:
        return None
    return licence_for(account, version)


def lapsed(account: Account | None, version: Version) -> Licence | None:
    """A licence that would give ``account`` the version and is not in force: the suspended one before one that is over.

    ``None`` also where another licence gives it, or the bytes are gone.
    """
    if account is None or version.shelf.state == ShelfState.State.WITHDRAWN:
        return None
    licences = Licence.objects.filter(account=account).covering(version).select_related("dataset__account")
    found = list(licences.standing().order_by("-granted_at")[:_LOOKED_AT])
    if any(licence.stands == Licence.State.IN_FORCE for licence in found):
        return None
    return next((licence for licence in found if licence.stands == Licence.State.SUSPENDED), next(iter(found), None))


def grant(
    account: Account,
    version: Version,
    *,
    cause: Cause,
    terms: Terms,
    offer: Offer | None = None,
    later_versions: bool = False,
    paid: Paid | None = None,
) -> Licence:
    """Return the account's licence for this cause, made now with its certificate if it does not exist yet.

    Seats and end are those of ``offer``; without one there is no end. The certificate says what was ``paid``. Raises
    OwnRows for another account than the owner of rows that ``version`` holds.
    """
    if version.keeps_rows and account.id != version.dataset.account_id:
        raise OwnRows(f"{version} holds rows of its owner's own upload, so nobody else may have it.")
    with transaction.atomic():
        licence, made = Licence.objects.get_or_create(
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
        if made:
            licence.refresh_from_db(fields=["ends_at", "granted_at"])
            certificates.issue(licence, paid=paid)
    return licence


def suspend(cause: Cause, why: Ground) -> list[Licence]:
    """Take the licences of a cause away for as long as ``why`` lasts; return those that were in force until now.

    Their holders are told by mail, here and in ``restore`` and ``revoke``. Doing it twice is harmless. One that is over
    or revoked stays as it is, and is not brought back by ``restore``.
    """
    suspended = []
    with transaction.atomic():
        for licence in _locked(cause):
            if licence.state not in (Licence.State.IN_FORCE, Licence.State.SUSPENDED):
                continue
            LicenceSuspension.objects.update_or_create(
                licence=licence, reason=why.reason, subject=why.id, defaults={"lifted_at": None}
            )
            if licence.state == Licence.State.IN_FORCE:
                _move(licence, Licence.State.SUSPENDED)
                licence_letters.taken_away(licence)
                suspended.append(licence)
    return suspended


def restore(cause: Cause, why: Ground) -> list[Licence]:
    """Say that ``why`` is over; return the licences of the cause that are in force again, having no other reason."""
    restored = []
    with transaction.atomic():
        for licence in _locked(cause):
            LicenceSuspension.objects.filter(licence=licence, reason=why.reason, subject=why.id, lifted_at=None).update(
                lifted_at=Now()
            )
            held = licence.suspensions.filter(lifted_at=None).exists()
            if licence.state == Licence.State.SUSPENDED and not held:
                _move(licence, Licence.State.IN_FORCE)
                licence_letters.given_back(licence)
                restored.append(licence)
    return restored


def revoke(cause: Cause, why: str) -> list[Licence]:
    """Take the licences of a cause away for good; ``why`` is a ``Licence.Revoked``. Return those taken away now.

    Doing it twice is harmless; the first reason stays. Raises ValueError for a reason that is none.
    """
    if why not in Licence.Revoked.values:
        raise ValueError(f"{why!r} is no reason to revoke a licence; they are {Licence.Revoked.values}")
    revoked = []
    with transaction.atomic():
        for licence in _locked(cause):
            if licence.state != Licence.State.REVOKED:
                licence.revoked_for = why
                _move(licence, Licence.State.REVOKED)
                licence_letters.taken_away(licence)
                revoked.append(licence)
    return revoked


def expire() -> None:
    """Mark licences whose end has come. They give nothing from that moment on, marked or not."""
    with transaction.atomic():
        for licence in (
            Licence.objects.over().order_by("id").select_for_update(no_key=True, skip_locked=True)[:_MARKED_AT_ONCE]
        ):
            _move(licence, Licence.State.EXPIRED)


def acquire(account: Account, offer: Offer) -> Licence:
    """Take a free offer: a licence to the newest version on the shelf, and to later ones if the offer says so.

    Taking it twice gives the same licence. Raises NotOffered, also when the licence that it gave is over, or
    PaymentNeeded.
    """
    with transaction.atomic():
        listing = Listing.objects.select_for_update(no_key=True).get(id=offer.listing_id)
        version = listing.newest_on_shelf
        if not offer.open or listing.state != Listing.State.ON_SHELF or version is None:
            raise NotOffered(f"{listing.dataset} is not offered now. What you have licensed stays yours.")
        if offer.price:
            raise PaymentNeeded(f"{listing.dataset} costs {offer.price} minor units of {offer.currency}.")
        earlier = Licence.objects.filter(account=account, offer=offer)
        if (held := earlier.in_force().covering(version).first()) is not None:
            return held
        if (taken := earlier.covering(version).taken_away().first()) is not None:
            raise NotOffered(
                f"{account}’s licence to {listing.dataset} is {taken.get_state_display()}; see your library."
            )
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


def _locked(cause: Cause) -> list[Licence]:
    """The licences of a cause, their rows locked until the transaction ends."""
    told = ("account", "version", "dataset__account")
    found = Licence.objects.for_cause(cause.kind, cause.id).select_related(*told)
    return list(found.select_for_update(no_key=True, of=("self",)))


def _move(licence: Licence, to: str) -> None:
    """Set the state of a licence whose row is locked. Raises ValueError for a step that the graph does not have."""
    if to not in NEXT[licence.state]:
        raise ValueError(f"a licence that is {licence.get_state_display()} does not become {to}")
    licence.state, licence.changed_at = to, Now()
    licence.save(update_fields=["state", "changed_at", "revoked_for"])
    licence.refresh_from_db(fields=["changed_at"])
