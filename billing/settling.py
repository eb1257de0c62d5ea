"""Settling: what Stripe says of a payment becomes what we believe, in one transaction, whoever asks and how often.

The return page, events and a sweep all end here. Stripe's objects are read while the payment is locked, so what is
applied is never older than what was applied before; a call that hangs holds up this one payment only.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from billing import disputes, fulfilment, mirroring, refunds
from billing.invoicing import invoices
from billing.models import Payment
from billing.selling import payables
from marketplace.work import queue
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease


def settle(payment_id: UUID) -> Payment:
    """Bring a payment, its ledger entries, purchase and licence up to date with Stripe, and return it.

    Harmless at any time and any number of times. Whoever waits for the payment is released when it moved. Raises
    processor.Refused or processor.Unavailable, and then nothing is changed.
    """
    with transaction.atomic():
        payment = Payment.objects.locked(payment_id)
        # By the database's clock, and before Stripe is read: what is told from now on may be news.
        begun = Payment.objects.values_list(Now(), flat=True).get(id=payment.id)
        before = _standing(payment)
        mirroring.look(payment)
        money_came = payment.captured or payment.intents.filter(surplus=True).exists()
        if money_came:
            refunds.look(payment)
        payment.save()
        fulfilment.follow(payment)
        if money_came:
            disputes.look(payment)
        if payment.captured:
            payment.save()
            fulfilment.follow(payment)
            payables.keep(payment)
            # Last: who takes a number keeps all others of its series waiting.
            invoices.follow(payment)
        Payment.objects.filter(id=payment.id).update(looked_at=begun)
        if _standing(payment) != before:
            queue.release(payment.id)
        payment.refresh_from_db(fields=["paid_at"])
        return payment


def perform(lease: Lease) -> None:
    """Perform ``billing.settle``."""
    settle(lease.subject)


def not_settled(payment_id: UUID, fault: WorkFault) -> None:
    """The sweep looks again; the failed piece is there for staff to see."""


def _standing(payment: Payment) -> tuple[Any, ...]:
    return (
        payment.state,
        payment.captured,
        payment.refunded,
        payment.charged_back,
        payment.refusal,
        payment.disputes.open().count(),
        *payment.sessions.values_list("state").order_by("id"),
    )
