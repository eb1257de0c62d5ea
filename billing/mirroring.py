"""Reading where Stripe's pages and PaymentIntents of a payment stand, and what that makes of the payment."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models.functions import Now

from billing import customers, kinds, refunds
from billing.books import postings
from billing.models import CheckoutSession, Intent, Payment, Refund
from billing.processor import payments as at_stripe
from billing.processor.payments import IntentSeen, PageSeen
from marketplace.work import queue

#: Stripe opens no page that ends sooner (30 minutes), and asking takes a while.
_SHORTEST_PAGE = timedelta(minutes=35)
_PAGE_STATES = {
    "open": CheckoutSession.State.OPEN,
    "complete": CheckoutSession.State.COMPLETE,
    "expired": CheckoutSession.State.EXPIRED,
}


def look(payment: Payment) -> None:
    """Bring pages, intents and what they make of ``payment`` up to date. The caller holds its lock and saves.

    Raises processor.Refused or processor.Unavailable.
    """
    open_pages = payment.sessions.filter(state=CheckoutSession.State.OPEN)
    # Asked for, and no answer came: it can be asked for again only while Stripe takes its end.
    open_pages.filter(stripe_id=None, expires_at__lt=Now() + _SHORTEST_PAGE).update(state=CheckoutSession.State.EXPIRED)
    for session in open_pages.exclude(stripe_id=None):
        _read_page(payment, session, at_stripe.page(str(session.stripe_id)))
    for intent in payment.intents.exclude(stripe_id=None).order_by("created_at", "id"):
        if intent.state in Intent.FINAL and (intent.state != Intent.State.SUCCEEDED or intent.fee is not None):
            continue
        seen = at_stripe.intent(str(intent.stripe_id))
        if seen.state == Intent.State.SUCCEEDED and not _tax_is_said(payment, intent, seen):
            continue
        _read_intent(payment, intent, seen)
    _conclude(payment)


def _read_page(payment: Payment, session: CheckoutSession, seen: PageSeen) -> None:
    session.state = _PAGE_STATES.get(seen.status, CheckoutSession.State.OPEN)
    session.tax, session.tax_percent = min(seen.tax, payment.amount), seen.percent
    session.stripe_intent = seen.intent
    session.save(update_fields=["state", "tax", "tax_percent", "stripe_intent"])
    if seen.intent:
        Intent.objects.get_or_create(stripe_id=seen.intent, defaults={"payment": payment})
    customers.remember_card(payment.account, seen.method)


def _tax_is_said(payment: Payment, intent: Intent, seen: IntentSeen) -> bool:
    """Is the tax in what ``intent`` took said by all who may say it? A page says it once it is complete.

    The page was read before the intent, so it is read again. While it is open the money is not counted, for what was
    taken as the tax of a payment stays so; but not beyond its end, whatever Stripe says of it then.
    """
    if payment.captured or payment.state == Payment.State.CANCELLED or intent.state in Intent.FINAL:
        return True
    over = payment.sessions.filter(stripe_intent=seen.id).exclude(state=CheckoutSession.State.OPEN)
    if seen.attempt is not None or over.exists():
        return True
    pages = payment.sessions.exclude(stripe_id=None).filter(
        state=CheckoutSession.State.OPEN, mode=CheckoutSession.Mode.PAYMENT, stripe_intent__in=["", seen.id]
    )
    for session in pages:
        _read_page(payment, session, at_stripe.page(str(session.stripe_id)))
    return not pages.filter(expires_at__gt=Now()).exists()


def _read_intent(payment: Payment, intent: Intent, seen: IntentSeen) -> None:
    if seen.attempt is not None and seen.attempt != intent.id:
        _stand_for(payment, intent, seen.attempt)
    ended = intent.state in Intent.FINAL
    if not ended:
        intent.state = seen.state
        intent.received, intent.charge_id, intent.capture_before = seen.received, seen.charge, seen.capture_before
    if intent.state == Intent.State.SUCCEEDED and not ended:
        _came(payment, intent)
    if intent.state == Intent.State.SUCCEEDED and seen.fee is not None:
        postings.fee(payment, intent.charge_id, seen.fee)
        intent.fee = seen.fee
        if not intent.surplus:
            payment.fee = seen.fee
    intent.save()
    if seen.refusal and not ended:
        payment.refusal = seen.refusal[:500]
    if seen.saved and intent.state in {Intent.State.SUCCEEDED, Intent.State.REQUIRES_CAPTURE}:
        customers.remember_card(payment.account, seen.method)


def _came(payment: Payment, intent: Intent) -> None:
    """Money came. The first pays the payment; any other, or one that came when nothing was wanted, goes back."""
    intent.surplus = bool(payment.captured) or payment.state == Payment.State.CANCELLED
    if not intent.surplus:
        payment.captured = intent.received
        payment.tax, payment.tax_percent = _tax(payment, intent)
        payment.paid_at = Now()
    postings.captured(payment, intent)
    if intent.surplus:
        intent.save()
        refunds.ask(payment, intent.received, reason=Refund.Reason.SURPLUS, intent=intent)


def _stand_for(payment: Payment, intent: Intent, attempt_id: UUID) -> None:
    """An event told of ``intent`` before the answer to our call came: its row takes the place of the attempt's."""
    attempt = payment.intents.filter(id=attempt_id, stripe_id=None).first()
    if attempt is not None:
        intent.calculation, intent.tax, intent.tax_percent = attempt.calculation, attempt.tax, attempt.tax_percent
        attempt.delete()


def _tax(payment: Payment, intent: Intent) -> tuple[int, Decimal | None]:
    """The tax in what ``intent`` took and its rate: as calculated for it, or by the page where the card was given."""
    if intent.calculation:
        return min(intent.tax, payment.captured), intent.tax_percent
    pages = payment.sessions.order_by("-created_at")
    given = (
        pages.filter(stripe_intent=intent.stripe_id).first()
        or pages.filter(state=CheckoutSession.State.COMPLETE).first()
    )
    return (0, None) if given is None else (min(given.tax, payment.captured), given.tax_percent)


def _conclude(payment: Payment) -> None:
    """What the intents make of the payment. One that was given up stays so, whatever comes."""
    held = payment.intents.filter(state=Intent.State.REQUIRES_CAPTURE).exists()
    if held and (payment.captured or payment.state == Payment.State.CANCELLED):
        # Nobody wants it: the payment was made or given up.
        queue.enqueue(kinds.VOID, payment.id)
    if payment.state == Payment.State.CANCELLED:
        return
    payment.state = Payment.State.PAID if payment.captured else Payment.State.HELD if held else Payment.State.OPEN
    if payment.state != Payment.State.OPEN:
        payment.refusal = ""
