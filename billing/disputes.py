"""Charges that a bank called back: the licence is suspended, and comes back or goes, as the dispute is decided."""

from __future__ import annotations

from django.db.models.functions import Now

from billing.books import postings
from billing.models import Dispute, Intent, Payment
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
            # By what is idle nothing is taken or suspended; only what is open here already is followed to its end.
            if not seen.idle or payment.disputes.open().filter(stripe_id=seen.id).exists():
                _follow(payment, intent, seen)


def suspend(payment: Payment) -> None:
    """Suspend the licences of a payment that is disputed; for whoever grants them. The caller holds its lock."""
    for dispute in payment.disputes.of_what_paid().open():
        licensing.suspend(payment.cause, _ground(dispute))


def was_lost(payment: Payment) -> bool:
    """Did a bank call back what paid?"""
    return payment.disputes.of_what_paid().filter(state=Dispute.State.LOST).exists()


def _follow(payment: Payment, intent: Intent, seen: DisputeSeen) -> None:
    told = {"payment": payment, "intent": intent, "amount": seen.amount, "reason": seen.reason}
    dispute, _ = Dispute.objects.get_or_create(stripe_id=seen.id, defaults=told)
    dispute.evidence_due = seen.evidence_due
    for movement in seen.movements:
        postings.disputed(payment, movement)
    # A licence stands on the charge that paid for it, whatever becomes of another that came without a cause.
    if dispute.state == Dispute.State.OPEN and not intent.surplus:
        licensing.suspend(payment.cause, _ground(dispute))
    if seen.won and dispute.state != Dispute.State.WON:
        _win(payment, dispute)
    elif seen.lost and dispute.state != Dispute.State.LOST:
        _lose(payment, dispute)
    dispute.held = -sum(movement.amount for movement in seen.movements)
    if dispute.state != Dispute.State.OPEN:
        payment.charged_back += postings.dispute_decided(payment, dispute, dispute.held)
        dispute.held = 0
    dispute.save()


def _win(payment: Payment, dispute: Dispute) -> None:
    """The licence comes back; one that was revoked does not, if the bank had decided otherwise first: staff look."""
    dispute.state, dispute.ended_at = Dispute.State.WON, Now()
    licensing.restore(payment.cause, _ground(dispute))


def _lose(payment: Payment, dispute: Dispute) -> None:
    dispute.state, dispute.ended_at = Dispute.State.LOST, Now()
    if not dispute.intent.surplus:
        licensing.revoke(payment.cause, Licence.Revoked.CHARGED_BACK)


def _ground(dispute: Dispute) -> Ground:
    return Ground(LicenceSuspension.Reason.DISPUTE, dispute.id)
