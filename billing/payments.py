"""A payment's life, as those who sell see it: begun, paid on a page of Stripe, held, taken, charged later, let go.

Calls to Stripe are made outside of transactions, each under a key from a row that is committed; what they changed is
then read back by ``settling.settle``, which alone changes what we believe.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from billing import customers, kinds, taxing
from billing.models import CheckoutSession, Customer, Intent, Payment, SellerAccount
from billing.models.seller import COMMISSION
from billing.processor import Refused
from billing.processor import payments as at_stripe
from billing.settling import settle
from catalog.licensing import Cause
from marketplace.accounts.models import Account
from marketplace.work import queue
from marketplace.work.leases import Lease

#: How long a hosted page stays open; Stripe allows 30 minutes to 24 hours.
PAGE_OPEN = timedelta(hours=2)


class PaymentMoved(Exception):
    """The payment is not in a state from which this may happen; the message says which state it is in."""


def begin(
    account: Account,
    *,
    seller: Account | None,
    amount: int,
    currency: str,
    description: str,
    capture: str,
    cause: Cause,
) -> Payment:
    """Return a new payment of ``amount`` minor units, tax within it; nothing is asked of Stripe yet.

    The commission is the one that the seller has agreed to by now.
    """
    agreed = SellerAccount.objects.filter(account=seller).values_list("commission", flat=True).first()
    return Payment.objects.create(
        account=account,
        seller=seller,
        amount=amount,
        currency=currency,
        description=description,
        capture=capture,
        cause_kind=cause.kind,
        cause_id=cause.id,
        commission=COMMISSION if agreed is None else agreed,
    )


def page(
    payment: Payment,
    *,
    success_url: str,
    cancel_url: str,
    mode: str = CheckoutSession.Mode.PAYMENT,
    save_card: bool = False,
    at_once: bool = False,
) -> str:
    """The address of the open page where the payment is made; one is opened if none is.

    A payment that is captured at delivery is held there, unless ``at_once`` says that delivery is only waiting for it.
    Asking again gives the same page. Raises PaymentMoved, processor.Refused or processor.Unavailable.
    """
    customer = customers.customer_of(payment.account)
    payment = settle(payment.id)
    with transaction.atomic():
        payment = Payment.objects.locked(payment.id)
        if payment.state != Payment.State.OPEN:
            raise PaymentMoved(f"This is {payment.get_state_display()} already, so there is nothing to pay.")
        session = payment.sessions.filter(state=CheckoutSession.State.OPEN).first()
        if session is None:
            session = CheckoutSession.objects.create(payment=payment, mode=mode, expires_at=timezone.now() + PAGE_OPEN)
    if session.url:
        return session.url
    opened = _open(session, payment, customer, success_url, cancel_url, save_card, at_once)
    CheckoutSession.objects.filter(id=session.id).update(stripe_id=opened.id, url=opened.url)
    return opened.url


def capture(payment: Payment) -> Payment:
    """Take what is held, because it is delivered, and return the payment as it is then.

    A hold that is gone leaves the payment open. Doing it twice is harmless. Raises processor.Unavailable.
    """
    payment = settle(payment.id)
    held = payment.intents.filter(state=Intent.State.REQUIRES_CAPTURE, surplus=False).first()
    if held is None or held.stripe_id is None:
        return payment
    with contextlib.suppress(Refused):  # settling says what it is instead
        at_stripe.capture(held.stripe_id, key=f"capture-{held.id}")
    return settle(payment.id)


def charge_saved(payment: Payment, *, hold: bool = False) -> Payment:
    """Charge the account's saved card, or hold on it, and return the payment as it is then.

    A refusal leaves the payment open, with its reason in ``refusal``. An attempt whose answer was lost is repeated, not
    made anew. Raises processor.Unavailable.
    """
    payment = settle(payment.id)
    customer = Customer.objects.filter(account=payment.account).exclude(payment_method="").first()
    if payment.state != Payment.State.OPEN or customer is None:
        return payment
    with transaction.atomic():
        payment = Payment.objects.locked(payment.id)
        unanswered = payment.intents.filter(stripe_id=None, state=Intent.State.CREATED).first()
        attempt = unanswered or Intent.objects.create(payment=payment)
    charge_attempt(attempt, payment, customer, hold=hold)
    return settle(payment.id)


def void(payment: Payment) -> Payment:
    """Let go of a payment that was not made: its page closes, what is held is released. Return it as it is then.

    One that was paid stays paid; what is held for it besides is released. Doing it twice is harmless. Raises
    processor.Unavailable.
    """
    payment = settle(payment.id)
    if payment.state == Payment.State.PAID and not payment.intents.exclude(state__in=Intent.FINAL).exists():
        return payment
    for session in payment.sessions.filter(state=CheckoutSession.State.OPEN).exclude(stripe_id=None):
        with contextlib.suppress(Refused):  # it is complete, and settling sees what came of it
            at_stripe.expire_page(str(session.stripe_id), key=f"expire-{session.id}")
    payment = settle(payment.id)
    for intent in payment.intents.exclude(state__in=Intent.FINAL).exclude(stripe_id=None):
        with contextlib.suppress(Refused):
            at_stripe.cancel(str(intent.stripe_id), key=f"cancel-{intent.id}")
    payment = settle(payment.id)
    with transaction.atomic():
        payment = Payment.objects.locked(payment.id)
        if payment.state in {Payment.State.OPEN, Payment.State.HELD}:
            payment.state = Payment.State.CANCELLED
            payment.save(update_fields=["state"])
            queue.release(payment.id)
    return payment


def let_go(payment_id: UUID) -> None:
    """Have a payment voided, by whoever ends what it was for, in the transaction that ends it."""
    queue.enqueue(kinds.VOID, payment_id)


def perform_void(lease: Lease) -> None:
    """Perform ``billing.void``."""
    void(Payment.objects.get(id=lease.subject))


def _open(
    session: CheckoutSession,
    payment: Payment,
    customer: Customer,
    success_url: str,
    cancel_url: str,
    save_card: bool,
    at_once: bool,
) -> at_stripe.PageSeen:
    if session.mode == CheckoutSession.Mode.SETUP:
        return at_stripe.create_setup_page(
            payment=payment.id,
            customer=customer.stripe_id,
            currency=payment.currency,
            automatic_tax=settings.STRIPE_AUTOMATIC_TAX,
            success_url=success_url,
            cancel_url=cancel_url,
            expires_at=session.expires_at,
            key=f"session-{session.id}",
        )
    return at_stripe.create_page(
        payment=payment.id,
        customer=customer.stripe_id,
        description=payment.description,
        amount=payment.amount,
        currency=payment.currency,
        hold=payment.capture == Payment.Capture.AT_DELIVERY and not at_once,
        save_card=save_card,
        automatic_tax=settings.STRIPE_AUTOMATIC_TAX,
        success_url=success_url,
        cancel_url=cancel_url,
        expires_at=session.expires_at,
        key=f"session-{session.id}",
    )


def charge_attempt(attempt: Intent, payment: Payment, customer: Customer, *, hold: bool) -> None:
    """Charge the saved card for ``attempt``, or hold on it, and keep what Stripe calls it; settling reads the rest.

    The same attempt is made once, however often this is called. Where tax is to be worked out and nobody knows where
    the buyer is, nothing is charged. Raises processor.Unavailable.
    """
    try:
        attempt = taxing.work_out(attempt, payment, customer)
        seen = at_stripe.charge(
            row=attempt.id,
            payment=payment.id,
            customer=customer.stripe_id,
            method=customer.payment_method,
            description=payment.description,
            amount=payment.amount,
            currency=payment.currency,
            hold=hold,
            calculation=attempt.calculation,
            key=f"intent-{attempt.id}",
        )
    except (Refused, taxing.NoAddress) as refusal:
        left_behind = refusal.intent if isinstance(refusal, Refused) else ""
        state = Intent.State.CREATED if left_behind else Intent.State.FAILED
        Intent.objects.filter(id=attempt.id).update(stripe_id=left_behind or None, state=state)
        Payment.objects.filter(id=payment.id).update(refusal=str(refusal)[:500])
        return
    Intent.objects.filter(id=attempt.id).update(stripe_id=seen.id)


def sweep() -> None:
    """Look at payments that wait for something which may have happened unseen: no event may have come."""
    waiting = Payment.objects.waiting().values_list("id", flat=True)[:100]
    with transaction.atomic():
        for payment_id in waiting:
            queue.enqueue(kinds.SETTLE, payment_id)
            Payment.objects.filter(id=payment_id).update(looked_at=Now())
