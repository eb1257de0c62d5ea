"""Charges that a bank called back: the licence is suspended, and comes back or goes, as the dispute is decided."""

from __future__ import annotations

from django.db.models import Sum
from django.db.models.functions import Now

from billing.books import postings
from billing.books.ledger import Book
from billing.models import Dispute, Entry, Intent, Payment
from billing.processor import payments as at_stripe
from billing.processor.payments import DisputeSeen
from catalog import licensing
from catalog.licensing import Ground
from catalog.models import Licence, LicenceSuspension


def look(payment: Payment) -> None:
    """Bring the disputes of a paid payment up to date. The caller holds its lock and saves.

    Raises processor.Refused or processor.Unavailable.
    """
    for intent in payment.intents.filter(state=Intent.State.SUCCEEDED):
        for seen in at_stripe.disputes(str(intent.stripe_id)):
            _follow(payment, seen)


def _follow(payment: Payment, seen: DisputeSeen) -> None:
    dispute, _ = Dispute.objects.get_or_create(
        stripe_id=seen.id, defaults={"payment": payment, "amount": seen.amount, "reason": seen.reason}
    )
    dispute.evidence_due = seen.evidence_due
    for movement in seen.movements:
        postings.disputed(payment, movement)
    ground = Ground(LicenceSuspension.Reason.DISPUTE, dispute.id)
    if dispute.state == Dispute.State.OPEN:
        licensing.suspend(payment.cause, ground)
        if seen.won:
            dispute.state, dispute.ended_at = Dispute.State.WON, Now()
            licensing.restore(payment.cause, ground)
        elif seen.lost:
            dispute.state, dispute.ended_at = Dispute.State.LOST, Now()
            _lose(payment, dispute, seen)
            licensing.revoke(payment.cause, Licence.Revoked.CHARGED_BACK)
    dispute.save()


def _lose(payment: Payment, dispute: Dispute, seen: DisputeSeen) -> None:
    held = Entry.objects.filter(
        book=Book.DISPUTES_HELD, transaction__key__in=[f"dispute:{movement.id}" for movement in seen.movements]
    ).aggregate(total=Sum("amount"))["total"]
    if held:
        payment.charged_back += postings.dispute_lost(payment, dispute, int(held)) or 0
