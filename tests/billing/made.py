"""Payments that came about, without a hosted page: rows and ledger entries as settling leaves them."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from billing.books import postings
from billing.models import Dispute, Intent, Payment, Refund
from billing.processor.payments import Movement
from catalog.models import Licence
from marketplace.accounts.models import Account


def a_payment(
    account: Account,
    amount: int = 12_000,
    *,
    tax: int = 0,
    fee: int = 0,
    seller: Account | None = None,
    description: str = "Card payments 1.4.0, commercial use",
) -> Payment:
    """What ``account`` paid, with a commission of 15 %."""
    with transaction.atomic():
        payment = Payment.objects.create(
            account=account,
            seller=seller,
            description=description,
            cause_kind=Licence.Cause.PURCHASE,
            cause_id=uuid7(),
            amount=amount,
            currency="EUR",
            commission=1_500,
            capture=Payment.Capture.AT_ONCE,
            state=Payment.State.PAID,
            captured=amount,
            tax=tax,
            fee=fee,
            paid_at=Now(),
        )
        intent = Intent.objects.create(
            payment=payment,
            stripe_id=f"pi_{payment.id.hex}",
            charge_id=f"ch_{payment.id.hex}",
            state=Intent.State.SUCCEEDED,
            received=amount,
            fee=fee,
        )
        postings.captured(payment, intent)
        postings.fee(payment, intent.charge_id, fee)
    payment.refresh_from_db()
    return payment


def a_refund(payment: Payment, amount: int, *, state: str = Refund.State.SUCCEEDED) -> Refund:
    """What went back of ``payment``, at Stripe and in the ledger."""
    intent = payment.intents.get()
    with transaction.atomic():
        refund = Refund.objects.create(
            payment=payment,
            intent=intent,
            amount=amount,
            reason=Refund.Reason.STAFF,
            stripe_id=f"re_{uuid7().hex}",
            state=state,
            ended_at=Now(),
        )
        payment.refunded += postings.refunded(payment, str(refund.stripe_id), amount) or 0
        payment.save(update_fields=["refunded"])
    return refund


def fail(refund: Refund) -> None:
    """Have a refund that went out come back to us."""
    payment = refund.payment
    with transaction.atomic():
        payment.refunded -= postings.refund_failed(payment, str(refund.stripe_id), refund.amount) or 0
        payment.save(update_fields=["refunded"])
        refund.state = Refund.State.FAILED
        refund.save(update_fields=["state"])


def a_dispute(payment: Payment, amount: int) -> Dispute:
    """What the bank of whoever paid holds back, at Stripe and in the ledger."""
    with transaction.atomic():
        dispute = Dispute.objects.create(
            payment=payment, intent=payment.intents.get(), stripe_id=f"du_{uuid7().hex}", amount=amount, held=amount
        )
        postings.disputed(payment, Movement(f"txn_{uuid7().hex}", -amount, 2_000))
    return dispute


def lose(dispute: Dispute, held: int) -> None:
    """Have a dispute decided for the buyer."""
    payment = dispute.payment
    with transaction.atomic():
        dispute.state, dispute.ended_at, dispute.held = Dispute.State.LOST, Now(), 0
        dispute.save(update_fields=["state", "ended_at", "held"])
        payment.charged_back += postings.dispute_decided(payment, dispute, held)
        payment.save(update_fields=["charged_back"])
