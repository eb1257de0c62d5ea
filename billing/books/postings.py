"""What each movement of money is in the ledger. Every function is called under the payment's lock, as often as need be.

The keys are those of Stripe's objects, so a movement that is seen twice, or by two, is posted once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Q, Sum

from billing.books import shares
from billing.books.ledger import Book, Line, credit, debit, post
from billing.books.shares import Shares
from billing.models import Dispute, Entry, Intent, Payment, Refund, Transaction
from billing.processor.payments import Movement

#: What a buyer paid is in these books.
_BUYERS: Final = (Book.TAX, Book.PLATFORM_REVENUE, Book.SELLER, Book.UNAPPLIED)
_CHANGED: Final = "dispute-changed:"


@dataclass(frozen=True)
class _Decided:
    """What was posted of the decision of a dispute so far: what the bank took, and how much of it the buyer has."""

    keys: frozenset[str]
    taken: int
    buyers: int


def captured(payment: Payment, intent: Intent) -> bool:
    """Post that what ``intent`` took came to our balance; ``False`` when it was posted before."""
    key = f"capture:{intent.stripe_id}"
    if intent.surplus:
        lines = [debit(Book.STRIPE_CLEARING, intent.received), credit(Book.UNAPPLIED, intent.received)]
        return post(key, lines, currency=payment.currency, payment=payment)
    parts = _parts(payment, whole(payment), -1)
    return post(
        key, [debit(Book.STRIPE_CLEARING, payment.captured), *parts], currency=payment.currency, payment=payment
    )


def fee(payment: Payment, charge: str, amount: int) -> None:
    """Post what Stripe keeps of a charge."""
    if amount:
        lines = [debit(Book.STRIPE_FEES, amount), credit(Book.STRIPE_CLEARING, amount)]
        post(f"fee:{charge}", lines, currency=payment.currency, payment=payment)


def refunded(payment: Payment, refund: str, amount: int) -> int | None:
    """Post that ``amount`` goes back to the buyer, each part in proportion to all that went back so far.

    Return how much of it had not gone back before: what a bank took already while the refund was on its way is a cost,
    like the dispute's fee. ``None`` when it was posted before.
    """
    before = payment.refunded + payment.charged_back
    paid = min(amount, payment.kept)
    lines = [
        *_gone(payment, before, before + paid),
        debit(Book.DISPUTE_FEES, amount - paid),
        credit(Book.STRIPE_CLEARING, amount),
    ]
    return paid if post(f"refund:{refund}", lines, currency=payment.currency, payment=payment) else None


def refund_failed(payment: Payment, refund: str, amount: int) -> int | None:
    """Post that ``amount``, which went out as a refund, came back to our balance; return what ``refunded`` did of it.

    ``None`` when it was posted before.
    """
    costs = Entry.objects.filter(book=Book.DISPUTE_FEES, transaction__key=f"refund:{refund}")
    cost = int(costs.aggregate(total=Sum("amount", default=0))["total"])
    before = payment.refunded + payment.charged_back
    lines = [
        *_gone(payment, before, before - (amount - cost)),
        credit(Book.DISPUTE_FEES, cost),
        debit(Book.STRIPE_CLEARING, amount),
    ]
    posted = post(f"refund-failed:{refund}", lines, currency=payment.currency, payment=payment)
    return amount - cost if posted else None


def surplus_returned(payment: Payment, refund: str, amount: int) -> bool:
    """Post that what was paid without a cause goes back."""
    lines = [debit(Book.UNAPPLIED, amount), credit(Book.STRIPE_CLEARING, amount)]
    return post(f"refund:{refund}", lines, currency=payment.currency, payment=payment)


def surplus_stayed(payment: Payment, refund: str, amount: int) -> bool:
    """Post that what was paid without a cause could not go back and is with us again."""
    lines = [credit(Book.UNAPPLIED, amount), debit(Book.STRIPE_CLEARING, amount)]
    return post(f"refund-failed:{refund}", lines, currency=payment.currency, payment=payment)


def disputed(payment: Payment, movement: Movement) -> None:
    """Post what a balance transaction of a dispute took, or gave back, and its fee."""
    lines = [
        debit(Book.STRIPE_CLEARING, movement.amount - movement.fee),
        credit(Book.DISPUTES_HELD, movement.amount),
        debit(Book.DISPUTE_FEES, movement.fee),
    ]
    post(f"dispute:{movement.id}", lines, currency=payment.currency, payment=payment)


def dispute_decided(payment: Payment, dispute: Dispute, taken: int) -> int:
    """Post what of ``taken``, by all movements of a dispute that is over, is in no book yet but what is held.

    Of what is lost the buyer has as much as had not gone back before; of what is won, no more than was booked as lost
    once. What the bank has beyond that is a cost like its fee. Money may move after the decision, and the decision may
    become another one: each time the difference is posted. Returns by how much more of what paid is with the bank.
    """
    so_far = _decided(dispute)
    rest = taken - so_far.taken
    if not rest:
        return 0
    lost = dispute.state == Dispute.State.LOST
    most = _contestable(payment, dispute, so_far.buyers) if lost else so_far.buyers
    more = min(max(taken, 0), most) - so_far.buyers
    gone = payment.refunded + payment.charged_back
    parts = [debit(Book.UNAPPLIED, more)] if dispute.intent.surplus else _gone(payment, gone, gone + more)
    lines = [*parts, debit(Book.DISPUTE_FEES, rest - more), credit(Book.DISPUTES_HELD, rest)]
    first_loss = lost and lost_key(dispute) not in so_far.keys
    key = lost_key(dispute) if first_loss else f"{_CHANGED}{dispute.stripe_id}:{len(so_far.keys)}"
    post(key, lines, currency=payment.currency, payment=payment)
    return 0 if dispute.intent.surplus else more


def with_the_bank(dispute: Dispute) -> int:
    """What the buyer has by a dispute, of what the charge took, in minor units."""
    return _decided(dispute).buyers


def decided_anew() -> set[str]:
    """The ids at Stripe of disputes that something was posted of after, or instead of, the first loss."""
    keys = Transaction.objects.filter(key__startswith=_CHANGED).values_list("key", flat=True)
    return {key.removeprefix(_CHANGED).rpartition(":")[0] for key in keys}


def lost_key(dispute: Dispute) -> str:
    """The key of what was posted when a dispute was lost; its credit note says the same."""
    return f"dispute-lost:{dispute.stripe_id}"


def whole(payment: Payment) -> Shares:
    """The parts of all that was captured."""
    return shares.shares(payment.captured, payment.tax, payment.commission)


def gone(payment: Payment) -> Shares:
    """The parts of what went back to the buyer or to the buyer's bank so far."""
    if not payment.captured:
        return Shares(0, 0, 0)
    return shares.refunded(whole(payment), payment.captured, payment.refunded + payment.charged_back)


def _decided(dispute: Dispute) -> _Decided:
    found = Transaction.objects.filter(Q(key=lost_key(dispute)) | Q(key__startswith=f"{_CHANGED}{dispute.stripe_id}:"))
    sums = dict(Entry.objects.filter(transaction__in=found).values_list("book").annotate(total=Sum("amount")))
    return _Decided(
        keys=frozenset(found.values_list("key", flat=True)),
        taken=-sums.get(Book.DISPUTES_HELD, 0),
        buyers=sum(sums.get(book, 0) for book in _BUYERS),
    )


def _contestable(payment: Payment, dispute: Dispute, before: int) -> int:
    """What a bank can have taken of what the buyer had paid, ``before`` of it by this dispute: not gone otherwise."""
    if not dispute.intent.surplus:
        return payment.kept + before
    asked = dispute.intent.refunds.exclude(state=Refund.State.FAILED).aggregate(total=Sum("amount"))["total"] or 0
    return max(0, dispute.intent.received - int(asked))


def _gone(payment: Payment, before: int, after: int) -> list[Line]:
    """Debits of each part as what is gone in all goes from ``before`` to ``after``; credits when it becomes less."""
    all_of_it = whole(payment)
    parts = shares.refunded(all_of_it, payment.captured, after) - shares.refunded(all_of_it, payment.captured, before)
    return _parts(payment, parts, 1)


def _parts(payment: Payment, parts: Shares, sign: int) -> list[Line]:
    """One line a part, debited with ``sign`` 1 and credited with -1; without a seller the rest is the platform's."""
    ours = parts.commission if payment.seller else parts.commission + parts.seller
    theirs = parts.seller if payment.seller else 0
    return [
        debit(Book.TAX, sign * parts.tax),
        debit(Book.PLATFORM_REVENUE, sign * ours),
        *([debit(Book.SELLER, sign * theirs, payment.seller)] if payment.seller else []),
    ]
