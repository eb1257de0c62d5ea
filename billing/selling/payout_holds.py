"""Keeping a seller's money back while something is looked into, with reasons, in full view of the seller.

Only staff place a hold. It says why, what would lift it, and by when it is reviewed; the seller answers it.
"""

from __future__ import annotations

from datetime import date

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.urls import reverse

from billing.models import PayoutHold
from billing.selling import payables
from marketplace.accounts import notices
from marketplace.accounts.models import Account, User
from marketplace.accounts.notices import Notice

State = PayoutHold.State


class HoldMoved(Exception):
    """The hold is not in a state from which this may happen, or there is one already."""


def place(account: Account, by: User, *, reason: str, evidence_wanted: str, review_by: date) -> PayoutHold:
    """Keep back all that is owed to the account until the hold is lifted; the seller is told by mail.

    Raises HoldMoved when one is in force, and ValueError without a reason or without what would lift it.
    """
    if not reason.strip() or not evidence_wanted.strip():
        raise ValueError("say why, and what evidence would lift the hold: the seller reads both")
    payables.seller_account(account)
    try:
        with transaction.atomic():
            payables.lock_seller(account.id)
            hold = PayoutHold.objects.create(
                account=account,
                placed_by=by,
                reason=reason.strip(),
                evidence_wanted=evidence_wanted.strip(),
                review_by=review_by,
            )
            wanted = f"What would lift it: {hold.evidence_wanted}"
            review = f"It is reviewed by {review_by.day} {review_by:%B %Y}. Answer it on its page."
            _tell(hold, "Your payouts are on hold", [hold.reason, wanted, review])
            return hold
    except IntegrityError as error:
        raise HoldMoved(f"A hold on payouts of {account} is in force already. Decide that one first.") from error


def answer(hold: PayoutHold, text: str) -> PayoutHold:
    """Add what the seller says to the hold. Raises HoldMoved when it is lifted, and ValueError without a text."""
    if not text.strip():
        raise ValueError("say what staff should know")
    with transaction.atomic():
        hold = _in_force(hold)
        hold.answer = "\n\n".join(filter(None, [hold.answer, text.strip()]))
        hold.answered_at = Now()
        hold.save(update_fields=["answer", "answered_at"])
    return hold


def lift(hold: PayoutHold, by: User, decision: str) -> PayoutHold:
    """End the hold; what is due is sent with the next sweep. Raises HoldMoved, and ValueError without a reason."""
    return _decide(hold, State.LIFTED, by, decision, "The hold on your payouts is lifted")


def uphold(hold: PayoutHold, by: User, decision: str) -> PayoutHold:
    """Keep the hold after its review; it may still be lifted. Raises HoldMoved, and ValueError without a reason."""
    if hold.state == State.UPHELD:
        raise HoldMoved("This hold is upheld already.")
    return _decide(hold, State.UPHELD, by, decision, "The hold on your payouts is upheld")


def _decide(hold: PayoutHold, state: str, by: User, decision: str, subject: str) -> PayoutHold:
    if not decision.strip():
        raise ValueError("say why: the seller reads it")
    with transaction.atomic():
        hold = _in_force(hold)
        hold.state, hold.decision, hold.decided_by, hold.decided_at = state, decision.strip(), by, Now()
        hold.save(update_fields=["state", "decision", "decided_by", "decided_at"])
        _tell(hold, subject, [hold.decision])
    return hold


def _in_force(hold: PayoutHold) -> PayoutHold:
    """The hold, locked. Raises HoldMoved when it is lifted."""
    found = PayoutHold.objects.select_for_update(no_key=True, of=("self",)).select_related("account").get(id=hold.id)
    if found.state not in PayoutHold.IN_FORCE:
        raise HoldMoved(f"This hold is {found.get_state_display()} already.")
    return found


def _tell(hold: PayoutHold, subject: str, paragraphs: list[str]) -> None:
    path = reverse("billing:payout-hold", args=[hold.id])
    notices.tell(hold.account, Notice(subject, paragraphs, path, "Read it in full"), roles=notices.MONEY)
