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
            _follow(payment, intent, seen)


def _follow(payment: Payment, intent: Intent, seen: DisputeSeen) -> None:
    told = {"payment": payment, "intent": intent, "amount": seen.amount, "reason": seen.reason}
    dispute, _ = Dispute.objects.get_or_create(stripe_id=seen.id, defaults=told)
    dispute.evidence_due = seen.evidence_due
    for movement in seen.movements:
        postings.disputed(payment, movement)
    ground = Ground(LicenceSuspension.Reason.DISPUTE, dispute.id)
    if dispute.state == Dispute.State.OPEN:
        # A licence stands on the charge that paid for it, whatever becomes of another that came without a cause.
        if not intent.surplus:
            licensing.suspend(payment.cause, ground)
        if seen.won:
            dispute.state, dispute.ended_at = Dispute.State.WON, Now()
            licensing.restore(payment.cause, ground)
        elif seen.lost:
            dispute.state, dispute.ended_at = Dispute.State.LOST, Now()
            _lose(payment, dispute, seen)
            if not intent.surplus:
                licensing.revoke(payment.cause, Licence.Revoked.CHARGED_BACK)
    dispute.save()


def _lose(payment: Payment, dispute: Dispute, seen: DisputeSeen) -> None:
    held = Entry.objects.filter(
        book=Book.DISPUTES_HELD, transaction__key__in=[f"dispute:{movement.id}" for movement in seen.movements]
    ).aggregate(total=Sum("amount"))["total"]
    if held and dispute.intent.surplus:
        postings.surplus_lost(payment, dispute, int(held))
    elif held:
        payment.charged_back += postings.dispute_lost(payment, dispute, int(held)) or 0
