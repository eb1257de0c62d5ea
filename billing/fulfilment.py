"""What a payment's state makes of its purchase: a licence when it is paid, another state when money goes back."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from billing import disputes, refunds
from billing.models import CheckoutSession, Intent, Payment, Purchase, Refund
from billing.states import move
from catalog import licensing
from catalog.certificates import Paid
from catalog.models import Listing, ShelfState, Version

#: When a purchase ends whose page never opened, as when Stripe was away.
NEVER_OPENED = timedelta(hours=2)
_S = Purchase.State
#: Paid, and not over.
_PAID = frozenset({_S.FULFILLED, _S.REFUNDING, _S.PARTIALLY_REFUNDED, _S.DISPUTED})


def follow(payment: Payment) -> None:
    """Bring the purchase of ``payment``, if it is of one, to where the payment is. The caller holds its lock."""
    purchase = (
        Purchase.objects.select_for_update(no_key=True, of=("self",))
        .select_related("account", "offer__terms", "version__shelf")
        .filter(payment=payment)
        .first()
    )
    if purchase is None:
        return
    if purchase.state in Purchase.UNPAID:
        _follow_unpaid(purchase, payment)
    if purchase.state in {_S.PAID, _S.REFUNDING} and purchase.fulfilled_at is None:
        _deliver(purchase, payment)
    if purchase.state in _PAID:
        move(purchase, _after_paying(purchase, payment))
    purchase.save()


def _follow_unpaid(purchase: Purchase, payment: Payment) -> None:
    if payment.state == Payment.State.PAID:
        move(purchase, _S.PAID)
    elif payment.state == Payment.State.CANCELLED:
        move(purchase, _S.CANCELLED)
        purchase.ended_at = Now()
    elif _ran_out(payment):
        move(purchase, _S.CANCELLED if purchase.given_up_at else _S.EXPIRED)
        purchase.ended_at = Now()
        payment.state = Payment.State.CANCELLED
        payment.save(update_fields=["state"])
    elif payment.sessions.exists():
        move(purchase, _S.AWAITING_PAYMENT)


def _ran_out(payment: Payment) -> bool:
    """Did its page close, or never open for hours, without a payment being made or on its way?"""
    states = set(payment.sessions.values_list("state", flat=True))
    if not states:
        return Payment.objects.filter(id=payment.id, created_at__lt=Now() - NEVER_OPENED).exists()
    under_way = payment.intents.filter(
        state__in=[Intent.State.PROCESSING, Intent.State.REQUIRES_CAPTURE, Intent.State.SUCCEEDED]
    )
    return states == {CheckoutSession.State.EXPIRED} and not under_way.exists()


def _deliver(purchase: Purchase, payment: Payment) -> None:
    """Grant the licence; where there is nothing left to license, give the money back.

    What went back, or is on its way, before we heard that it came, pays for no licence.
    """
    if refunds.all_asked_back(payment):
        move(purchase, _S.REFUNDING)
        return
    version = _deliverable(purchase)
    if version is None:
        if not payment.refunds.filter(reason=Refund.Reason.NOT_DELIVERED).exists():
            refunds.ask(payment, refunds.returnable(payment), reason=Refund.Reason.NOT_DELIVERED)
        move(purchase, _S.REFUNDING)
        return
    licensing.grant(
        purchase.account,
        version,
        cause=payment.cause,
        terms=purchase.offer.terms,
        offer=purchase.offer,
        later_versions=purchase.offer.later_versions,
        paid=Paid(purchase.id, payment.captured, payment.currency),
    )
    move(purchase, _S.FULFILLED)
    purchase.fulfilled_at = Now()


def _deliverable(purchase: Purchase) -> Version | None:
    """What was bought, unless its bytes were destroyed while the buyer paid; then the newest that there is."""
    if purchase.version.shelf.state != ShelfState.State.WITHDRAWN:
        return purchase.version
    return Listing.objects.get(id=purchase.offer.listing_id).newest_on_shelf


def _after_paying(purchase: Purchase, payment: Payment) -> str:
    if disputes.was_lost(payment):
        return _S.CHARGED_BACK
    if refunds.all_back(payment):
        return _S.REFUNDED
    if payment.disputes.of_what_paid().open().exists():
        return _S.DISPUTED
    # Where nothing could be delivered the money is owed until it is back.
    if purchase.fulfilled_at is None or refunds.all_asked_back(payment):
        return _S.REFUNDING
    return _S.PARTIALLY_REFUNDED if payment.refunded else _S.FULFILLED
