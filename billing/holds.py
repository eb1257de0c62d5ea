"""Keeping what is held until delivery: a hold ends after some days, so it is renewed in time, or let go."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from billing import kinds, payments
from billing.models import Customer, Intent, Payment
from billing.processor import Refused
from billing.processor import payments as at_stripe
from billing.settling import settle
from marketplace.work import queue
from marketplace.work.leases import Lease

#: This long before its end a hold is renewed.
RENEWED_BEFORE: Final = timedelta(hours=24)


def ending() -> QuerySet[Intent]:
    """Holds whose end is near."""
    return Intent.objects.filter(
        state=Intent.State.REQUIRES_CAPTURE, capture_before__lt=Now() + RENEWED_BEFORE, surplus=False
    )


def sweep() -> None:
    """Have holds renewed whose end is near."""
    with transaction.atomic():
        queue.enqueue_all(kinds.RENEW, ending().values_list("payment", flat=True)[:100])


def renew(lease: Lease) -> None:
    """Perform ``billing.renew``: hold anew on the saved card, then let go of the old hold; without a card, let go only.

    The new hold comes first, so that there is no moment without one where there can be one. Nothing is captured: a
    payment that cannot be held any more is open again, and whoever waits for it hears so.
    """
    payment = settle(lease.subject)
    for old in ending().filter(payment=payment).exclude(stripe_id=None):
        if payment.state != Payment.State.HELD:
            return
        _hold_anew(payment)
        with contextlib.suppress(Refused):  # it is captured or over: settling sees which
            at_stripe.cancel(str(old.stripe_id), key=f"cancel-{old.id}")
    settle(payment.id)


def _hold_anew(payment: Payment) -> None:
    customer = Customer.objects.filter(account=payment.account).exclude(payment_method="").first()
    newer = payment.intents.filter(state=Intent.State.REQUIRES_CAPTURE).exclude(id__in=ending().values("id"))
    if customer is None or newer.exists():
        return
    with transaction.atomic():
        Payment.objects.locked(payment.id)
        unanswered = payment.intents.filter(stripe_id=None, state=Intent.State.CREATED).first()
        attempt = unanswered or Intent.objects.create(payment=payment)
    payments.charge_attempt(attempt, payment, customer, hold=True)
    settle(payment.id)
