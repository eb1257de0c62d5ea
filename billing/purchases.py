"""A buyer takes an offer that has a price: begun, paid on a page of Stripe, given up."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse

from billing import fulfilment, payments, refunds
from billing.models import Payment, Purchase, Refund
from billing.payments import PaymentMoved
from billing.settling import settle
from catalog.licensing import Cause, NotOffered
from catalog.models import Licence, Listing, Offer, ShelfState
from marketplace.accounts.models import Account, User


class HeldAlready(Exception):
    """The account has what it would buy; the message says what to do instead."""


class NotReturnable(Exception):
    """The purchase cannot be given back without a reason; the message says why."""


def buy(account: Account, offer: Offer, *, by: User | None, key: UUID) -> Purchase:
    """Return the purchase that ``key`` stands for, begun now if it is new: the newest version at the offer's price.

    While one waits for payment another key gives that one. Raises NotOffered or HeldAlready.
    """
    with transaction.atomic():
        listing = (
            Listing.objects.select_for_update(no_key=True).select_related("dataset__account").get(id=offer.listing_id)
        )
        known = Purchase.objects.filter(account=account, key=key).first()
        unpaid = Purchase.objects.filter(account=account, offer=offer, state__in=Purchase.UNPAID).first()
        if (purchase := known or unpaid) is not None:
            return purchase
        version = listing.newest_on_shelf
        if not Offer.objects.filter(id=offer.id, open=True, price__gt=0).exists() or version is None:
            raise NotOffered(f"{listing.dataset} is not offered for this price now. Look at what is.")
        if listing.state != Listing.State.ON_SHELF:
            raise NotOffered(f"{listing.dataset} is not on the shelf now. What you have licensed stays yours.")
        held = Licence.objects.in_force().filter(account=account, offer=offer).covering(version)
        if held.exists():
            raise HeldAlready(f"{account} has this licence. You find it in your library.")
        purchase = Purchase(account=account, bought_by=by, key=key, offer=offer, version=version)
        purchase.payment = payments.begin(
            account,
            seller=listing.dataset.account,
            amount=offer.price,
            currency=offer.currency,
            description=f"{listing.dataset.title}, {offer.terms.title.lower()} licence",
            capture=Payment.Capture.AT_ONCE,
            cause=Cause(Licence.Cause.PURCHASE, purchase.id),
        )
        purchase.save()
        return purchase


def pay(purchase: Purchase) -> str:
    """The address of Stripe's page where the purchase is paid.

    No page is opened for what nobody could begin to buy any more: then the purchase ends. Raises PaymentMoved when
    there is nothing to pay, processor.Refused or processor.Unavailable.
    """
    if not purchase.payment.sessions.exists() and not _is_offered(purchase):
        give_up(purchase)
        raise PaymentMoved("This is not offered for that price any more. Nothing was charged.")
    here = f"{settings.PUBLIC_URL}{reverse('billing:purchase', args=[purchase.id])}"
    return payments.page(purchase.payment, success_url=f"{here}?back=paid", cancel_url=here)


def _is_offered(purchase: Purchase) -> bool:
    """Is the offer open, and what it gives on the shelf?"""
    on_shelf = ShelfState.objects.filter(version=purchase.version_id, state=ShelfState.State.ON_SHELF)
    open_offer = Offer.objects.filter(id=purchase.offer_id, open=True, listing__state=Listing.State.ON_SHELF)
    return on_shelf.exists() and open_offer.exists()


def give_up(purchase: Purchase) -> None:
    """Cancel a purchase that was not paid. Raises PaymentMoved when it was, or processor.Unavailable."""
    Purchase.objects.filter(id=purchase.id, state__in=Purchase.UNPAID).update(given_up_at=Now())
    if payments.void(purchase.payment).state == Payment.State.PAID:
        raise PaymentMoved("This was paid meanwhile; you have the licence.")
    settle(purchase.payment_id)


def give_back(purchase: Purchase, *, by: User) -> Refund:
    """Have all money of a purchase given back that is not back yet, as the policy lets every buyer do.

    Raises NotReturnable.
    """
    with transaction.atomic():
        payment = Payment.objects.locked(purchase.payment_id)
        purchase.refresh_from_db(fields=["state"])
        # What is handed out or shown at this moment is waited for: its record is written under the licence's lock.
        list(Licence.objects.for_cause(Licence.Cause.PURCHASE, purchase.id).select_for_update(no_key=True))
        if not refunds.may_return(purchase):
            raise NotReturnable(
                f"Within {settings.REFUND_DAYS} days, and while no data file was downloaded and no row was read beyond "
                "the free sample, you get your money back without a reason. This purchase is past that; write to us if "
                "something is wrong with the data."
            )
        refund = refunds.ask(payment, refunds.returnable(payment), reason=Refund.Reason.POLICY, by=by)
        fulfilment.follow(payment)
        return refund
