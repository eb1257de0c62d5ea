"""What each movement of money is in the ledger. Every function is called under the payment's lock, as often as need be.

The keys are those of Stripe's objects, so a movement that is seen twice, or by two, is posted once.
"""

from __future__ import annotations

from django.db.models import Sum

from billing.books import shares
from billing.books.ledger import Book, Line, credit, debit, post
from billing.books.shares import Shares
from billing.models import Dispute, Intent, Payment, Refund
from billing.processor.payments import Movement


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


def refunded(payment: Payment, refund: str, amount: int) -> bool:
    """Post that ``amount`` goes back to the buyer, each part in proportion to all that went back so far."""
    before = payment.refunded + payment.charged_back
    lines = [*_gone(payment, before, before + amount), credit(Book.STRIPE_CLEARING, amount)]
    return post(f"refund:{refund}", lines, currency=payment.currency, payment=payment)


def refund_failed(payment: Payment, refund: str, amount: int) -> bool:
    """Post that ``amount``, which went out as a refund, came back to our balance."""
    before = payment.refunded + payment.charged_back
    lines = [*_gone(payment, before, before - amount), debit(Book.STRIPE_CLEARING, amount)]
    return post(f"refund-failed:{refund}", lines, currency=payment.currency, payment=payment)


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


def dispute_lost(payment: Payment, dispute: Dispute, held: int) -> int | None:
    """Post that ``held`` minor units, kept back for a dispute, are lost; return how much of them the buyer had paid.

    What a bank takes beyond that is a cost like its fee. ``None`` when it was posted before.
    """
    before = payment.refunded + payment.charged_back
    paid = min(held, payment.kept)
    lines = [
        *_gone(payment, before, before + paid),
        debit(Book.DISPUTE_FEES, held - paid),
        credit(Book.DISPUTES_HELD, held),
    ]
    posted = post(f"dispute-lost:{dispute.stripe_id}", lines, currency=payment.currency, payment=payment)
    return paid if posted else None


def surplus_lost(payment: Payment, dispute: Dispute, held: int) -> None:
    """Post that ``held`` minor units of what was paid without a cause went back through the bank.

    What had gone back by a refund already is a cost, like the dispute's fee.
    """
    asked = dispute.intent.refunds.exclude(state=Refund.State.FAILED).aggregate(total=Sum("amount"))["total"] or 0
    there = max(0, min(held, dispute.intent.received - int(asked)))
    lines = [
        debit(Book.UNAPPLIED, there),
        debit(Book.DISPUTE_FEES, held - there),
        credit(Book.DISPUTES_HELD, held),
    ]
    post(f"dispute-lost:{dispute.stripe_id}", lines, currency=payment.currency, payment=payment)


def whole(payment: Payment) -> Shares:
    """The parts of all that was captured."""
    return shares.shares(payment.captured, payment.tax, payment.commission)


def gone(payment: Payment) -> Shares:
    """The parts of what went back to the buyer or to the buyer's bank so far."""
    if not payment.captured:
        return Shares(0, 0, 0)
    return shares.refunded(whole(payment), payment.captured, payment.refunded + payment.charged_back)


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
