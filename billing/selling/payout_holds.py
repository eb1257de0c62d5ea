"""Keeping a seller's money back while something is looked into, with reasons, in full view of the seller.

Only staff place a hold. It says why, what would lift it, and by when it is reviewed; the seller answers it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from billing.models import PayoutHold
from billing.selling import payables
from marketplace.accounts import notices
from marketplace.accounts.models import Account, User
from marketplace.accounts.notices import Notice

State = PayoutHold.State
#: Who decides; they are told of reviews that are overdue, this often until they decide.
DECIDES: Final = "billing.change_payouthold"
_REMINDED_EVERY: Final = timedelta(days=7)
_AT_ONCE: Final = 50


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


def sweep() -> None:
    """Tell staff of holds whose review is overdue: a seller waits for their money, and was told a date."""
    unheard = Q(reminded_at=None) | Q(reminded_at__lt=Now() - _REMINDED_EVERY)
    with transaction.atomic():
        late = PayoutHold.objects.overdue().filter(unheard).select_related("account")
        for hold in late.select_for_update(no_key=True, of=("self",), skip_locked=True)[:_AT_ONCE]:
            answered = "The seller answered it." if hold.answer else "The seller did not answer it so far."
            since = f"It was to be reviewed by {hold.review_by.day} {hold.review_by:%B %Y}; {hold.account} was told so."
            subject = f"The hold on payouts of {hold.account} is overdue for review"
            path = reverse("billing:staff-hold", args=[hold.id])
            notices.tell_staff(DECIDES, Notice(subject, [since, answered], path, "Decide it"))
            PayoutHold.objects.filter(id=hold.id).update(reminded_at=Now())


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
