"""Giving money back: asked for as a row, sent to Stripe as work, followed until it arrived or came back."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Now

from billing import kinds
from billing.books import postings
from billing.models import Intent, Payment, Purchase, Refund
from billing.processor import Refused
from billing.processor import payments as at_stripe
from billing.processor.payments import RefundSeen
from catalog import delivery, licensing
from catalog.licensing import Ground
from catalog.models import Licence, LicenceSuspension
from marketplace.accounts.models import User
from marketplace.work import queue
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease


class TooMuch(Exception):
    """More is asked back than was paid and is not on its way back already; the message says how much there is."""


def ask(
    payment: Payment,
    amount: int,
    *,
    reason: str,
    by: User | None = None,
    note: str = "",
    intent: Intent | None = None,
) -> Refund:
    """Have ``amount`` minor units given back, of what ``intent`` took if it is not the one that paid.

    A licence goes at once when all is asked back. Raises TooMuch.
    """
    with transaction.atomic():
        payment = Payment.objects.locked(payment.id)
        if intent is None:
            intent = payment.intents.filter(state=Intent.State.SUCCEEDED, surplus=False).first()
        there = 0 if intent is None else _left(payment, intent)
        if intent is None or not 0 < amount <= there:
            raise TooMuch(f"{amount} minor units were asked back; {there} of {payment.currency} can be given back.")
        refund = Refund.objects.create(
            payment=payment, intent=intent, amount=amount, reason=reason, requested_by=by, note=note
        )
        queue.enqueue(kinds.REFUND, refund.id)
        queue.enqueue(kinds.SETTLE, payment.id)
        _suspend_if_all(payment, refund)
        return refund


def may_return(purchase: Purchase) -> bool:
    """May the buyer have all that is left back without a reason? Within 14 days, while the data was not used.

    It is used when a signed link to a file of it is handed out, or rows are shown that are not of the free sample.
    """
    if purchase.state not in {Purchase.State.FULFILLED, Purchase.State.PARTIALLY_REFUNDED}:
        return False
    young = Purchase.objects.filter(
        id=purchase.id, fulfilled_at__gt=Now() - timedelta(days=settings.REFUND_DAYS)
    ).exists()
    licences = Licence.objects.filter(cause_kind=Licence.Cause.PURCHASE, cause_id=purchase.id)
    return young and not delivery.was_used(licences)


def send(lease: Lease) -> None:
    """Perform ``billing.refund``: ask Stripe, under the key of the row, and have the payment looked at."""
    refund = Refund.objects.select_related("intent").get(id=lease.subject)
    found: RefundSeen | None = None
    refusal = ""
    if refund.state == Refund.State.REQUESTED and refund.stripe_id is None:
        try:
            found = at_stripe.refund(
                str(refund.intent.stripe_id), refund.amount, row=refund.id, key=f"refund-{refund.id}"
            )
        except Refused as error:
            refusal = str(error)
    with lease.finishing():
        payment = Payment.objects.locked(refund.payment_id)
        if found is not None:
            _adopt(refund.id, found)
        elif refusal:
            _fail(payment, Refund.objects.get(id=refund.id), refusal)
        queue.enqueue(kinds.SETTLE, payment.id)


def not_sent(refund_id: UUID, fault: WorkFault) -> None:
    """Record that a refund could not be asked for; staff see it, and may ask again."""
    refund = Refund.objects.get(id=refund_id)
    payment = Payment.objects.locked(refund.payment_id)
    _fail(payment, Refund.objects.get(id=refund_id), fault.message)


def look(payment: Payment) -> None:
    """Bring the refunds of a paid payment up to date, also those made at Stripe itself. The caller holds the lock.

    Raises processor.Refused or processor.Unavailable.
    """
    for intent in payment.intents.filter(state=Intent.State.SUCCEEDED):
        for seen in at_stripe.refunds(str(intent.stripe_id)):
            _follow(payment, intent, seen)


def returnable(payment: Payment) -> int:
    """What can still be asked back of what was paid, in minor units."""
    paid = payment.intents.filter(state=Intent.State.SUCCEEDED, surplus=False).first()
    return 0 if paid is None else max(0, _left(payment, paid))


def all_back(payment: Payment) -> bool:
    """Did all that was paid arrive at the buyer again?"""
    arrived = payment.refunds.filter(state=Refund.State.SUCCEEDED, intent__surplus=False)
    return bool(payment.captured) and (arrived.aggregate(total=Sum("amount"))["total"] or 0) >= payment.captured


def all_asked_back(payment: Payment) -> bool:
    """Is all that was paid back, or on its way?"""
    return bool(payment.captured) and not returnable(payment)


def _follow(payment: Payment, intent: Intent, seen: RefundSeen) -> None:
    refund = Refund.objects.filter(stripe_id=seen.id).first() or _row_of(payment, intent, seen)
    if refund.state in Refund.UNDER_WAY and (seen.booked or seen.succeeded):
        _book(payment, refund)
    if seen.failed and refund.state != Refund.State.FAILED:
        _unbook(payment, refund)
        _fail(payment, refund, seen.why or "Stripe could not pay it back.")
    elif seen.succeeded and refund.state != Refund.State.SUCCEEDED and refund.state != Refund.State.FAILED:
        refund.state, refund.ended_at = Refund.State.SUCCEEDED, Now()
        refund.save(update_fields=["state", "ended_at"])
        if all_back(payment):
            licensing.revoke(payment.cause, Licence.Revoked.REFUNDED)


def _row_of(payment: Payment, intent: Intent, seen: RefundSeen) -> Refund:
    """The row of a refund that Stripe has: ours, when the answer to our call was lost, or a new one."""
    ours = payment.refunds.filter(id=seen.row).first() if seen.row else None
    if ours is not None:
        return _adopt(ours.id, seen)
    refund = Refund.objects.create(
        payment=payment,
        intent=intent,
        amount=seen.amount,
        reason=Refund.Reason.AT_STRIPE,
        stripe_id=seen.id,
        state=Refund.State.SUBMITTED,
    )
    if not seen.failed:
        _suspend_if_all(payment, refund)
    return refund


def _adopt(refund_id: UUID, seen: RefundSeen) -> Refund:
    refund = Refund.objects.get(id=refund_id)
    if refund.stripe_id is None:
        refund.stripe_id, refund.state, refund.ended_at = seen.id, Refund.State.SUBMITTED, None
        refund.save(update_fields=["stripe_id", "state", "ended_at"])
    return refund


def _book(payment: Payment, refund: Refund) -> None:
    if refund.intent.surplus:
        postings.surplus_returned(payment, str(refund.stripe_id), refund.amount)
    else:
        payment.refunded += postings.refunded(payment, str(refund.stripe_id), refund.amount) or 0


def _unbook(payment: Payment, refund: Refund) -> None:
    booked = payment.transactions.filter(key=f"refund:{refund.stripe_id}").exists()
    if not booked:
        return
    if refund.intent.surplus:
        postings.surplus_stayed(payment, str(refund.stripe_id), refund.amount)
    else:
        payment.refunded -= postings.refund_failed(payment, str(refund.stripe_id), refund.amount) or 0


def _fail(payment: Payment, refund: Refund, why: str) -> None:
    refund.state, refund.ended_at, refund.fault_message = Refund.State.FAILED, Now(), why[:500]
    refund.save(update_fields=["state", "ended_at", "fault_message"])
    licensing.restore(payment.cause, _ground(refund))


def _suspend_if_all(payment: Payment, refund: Refund) -> None:
    if not refund.intent.surplus and _left(payment, refund.intent) == 0:
        licensing.suspend(payment.cause, _ground(refund))


def _left(payment: Payment, intent: Intent) -> int:
    """What can still be asked back of what ``intent`` took: not gone, and not asked back already."""
    asked = intent.refunds.exclude(state=Refund.State.FAILED).aggregate(total=Sum("amount"))["total"] or 0
    lost = 0 if intent.surplus else payment.charged_back
    return intent.received - int(asked) - lost


def _ground(refund: Refund) -> Ground:
    return Ground(LicenceSuspension.Reason.REFUND, refund.id)
