"""A seller's listing on its way to the shelf: the first of an account is looked at by staff before others see it."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse

from catalog import publishing
from catalog.models import Dataset, Licence, Listing, Review, Version
from marketplace.accounts import notices
from marketplace.accounts.models import Account, User
from marketplace.accounts.notices import Notice

#: The account of the marketplace itself.
_HOUSE: Final = "house"
_GO_ON: Final = "See your listing"


class NotShown(Exception):
    """The listing does not come to the shelf; the message says why and what to do."""


class ReviewMoved(Exception):
    """The review is not in a state from which this may happen."""


def is_trusted(account: Account) -> bool:
    """Do listings of ``account`` come to the shelf unseen? The house's, the demo's, and once staff approved one."""
    approved = Review.objects.filter(listing__dataset__account=account, state=Review.State.APPROVED)
    return account.demo or account.slug == _HOUSE or approved.exists()


def show(listing: Listing) -> Listing:
    """Put the listing on the shelf, or ask staff to look at it if it is the account's first.

    Raises NotShown with what is missing.
    """
    with transaction.atomic():
        listing = (
            Listing.objects.select_for_update(no_key=True, of=("self",))
            .select_related("dataset__account")
            .get(id=listing.id)
        )
        _refuse_what_cannot_be_shown(listing)
        if is_trusted(listing.dataset.account):
            publishing.put_on_shelf(listing)
            return listing
        review, created = Review.objects.get_or_create(listing=listing)
        if not created:
            raise NotShown(_why_not(review))
        return listing


def approve(review: Review, by: User) -> Review:
    """Put the listing on the shelf; later ones of the account are not looked at first. Raises ReviewMoved, NotShown."""
    with transaction.atomic():
        review = _undecided(review)
        listing = review.listing
        _decide(review, Review.State.APPROVED, by, "")
        _refuse_what_cannot_be_shown(listing)
        publishing.put_on_shelf(listing)
        _tell(listing.dataset, f"{listing.dataset.title} is on the shelf", ["Staff looked at it and approved it."])
        return review


def refuse(review: Review, by: User, reasons: str) -> Review:
    """Keep the listing from the shelf, and say why. Raises ReviewMoved, and ValueError without reasons."""
    if not reasons.strip():
        raise ValueError("say why: the seller reads the reasons and may answer them")
    with transaction.atomic():
        review = _undecided(review)
        dataset = review.listing.dataset
        _decide(review, Review.State.REFUSED, by, reasons.strip())
        left = "You may appeal once." if review.may_appeal else "You have appealed; this is final."
        _tell(dataset, f"{dataset.title} was not put on the shelf", [review.reasons, left])
        return review


def appeal(review: Review, text: str) -> Review:
    """Ask staff to look again, once. Raises ReviewMoved, and ValueError without a text."""
    if not text.strip():
        raise ValueError("say what staff should look at again")
    with transaction.atomic():
        review = Review.objects.select_for_update(no_key=True).get(id=review.id)
        if not review.may_appeal:
            raise ReviewMoved(_why_not(review))
        review.state, review.appeal, review.appealed_at = Review.State.APPEALED, text.strip(), Now()
        review.save(update_fields=["state", "appeal", "appealed_at"])
        return review


def _refuse_what_cannot_be_shown(listing: Listing) -> None:
    """Raise NotShown for a listing without a version, one that is shown already, and for an order's dataset."""
    if listing.state in {Listing.State.ON_SHELF, Listing.State.ANNOUNCED}:
        raise NotShown(f"{listing.dataset} is {listing.get_state_display()} already.")
    if not Version.objects.on_shelf().filter(dataset=listing.dataset_id).exists():
        raise NotShown("There is no version on the shelf yet. Make one first, or wait until it is made.")
    if not listing.offers.open().exists():
        raise NotShown("No licence is offered yet. Open an offer first: buyers choose among them.")
    ordered = Licence.objects.filter(
        dataset=listing.dataset, account=listing.dataset.account, cause_kind=Licence.Cause.ORDER
    )
    if ordered.exists():
        raise NotShown("This dataset was made to order. A delivered dataset cannot be listed.")


def _why_not(review: Review) -> str:
    if review.state == Review.State.REFUSED:
        last = "You may appeal once." if review.may_appeal else "You have appealed; this is final."
        return f"Staff refused this listing. {last}"
    return "Staff are looking at this listing. You are told by e-mail."


def _undecided(review: Review) -> Review:
    """The review, locked. Raises ReviewMoved when somebody has decided meanwhile."""
    found = (
        Review.objects.select_for_update(no_key=True, of=("self", "listing"))
        .select_related("listing__dataset__account")
        .get(id=review.id)
    )
    if found.state not in {Review.State.REQUESTED, Review.State.APPEALED}:
        raise ReviewMoved(f"This review is {found.get_state_display()} already.")
    return found


def _decide(review: Review, state: str, by: User, reasons: str) -> None:
    review.state, review.reasons, review.decided_by, review.decided_at = state, reasons, by, Now()
    review.save(update_fields=["state", "reasons", "decided_by", "decided_at"])


def _tell(dataset: Dataset, subject: str, paragraphs: list[str]) -> None:
    path = reverse("catalog:dataset", args=[dataset.account.slug, dataset.name])
    notices.tell(dataset.account, Notice(subject, [f"{dataset}: {subject}.", *paragraphs], path, _GO_ON))
