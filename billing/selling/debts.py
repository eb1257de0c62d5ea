"""What sellers owe us: money that Stripe could not take back from them, kept from what they are owed later.

All that is ``carried`` by a seller's payables sums to what they owe, which is never below zero, and never more than
was sent to them. Fees of disputes are ours. Whoever calls this holds the seller's row; the caller saves the payable.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Sum
from uuid_utils.compat import uuid7

from billing.books import ledger
from billing.books.ledger import Book
from billing.models import Payable


def debt(seller_id: UUID) -> int:
    """What a seller owes us, in minor units."""
    carrying = Payable.objects.filter(seller=seller_id).exclude(carried=0)
    return int(carrying.aggregate(total=Sum("carried"))["total"] or 0)


def carry(payable: Payable, amount: int) -> None:
    """Make ``amount`` minor units, which lie with the seller and cannot be taken back, a debt of theirs."""
    payable.carried += amount
    _post("receivable", payable, amount)


def pay_off(payable: Payable) -> int:
    """Keep of what may be sent as much as the seller owes us; return how much that was."""
    kept = min(max(0, payable.sendable), debt(payable.seller_id))
    if kept:
        payable.carried -= kept
        _post("netting", payable, -kept)
    return kept


def forgive(payable: Payable, amount: int) -> None:
    """Take back that ``amount`` of this payable is a debt: it lies with the seller by right again.

    What was kept from other payables for it, the newest first, is owed there again.
    """
    too_much = max(0, amount - debt(payable.seller_id))
    payers = Payable.objects.filter(seller=payable.seller_id, carried__lt=0).exclude(id=payable.id)
    for payer in (
        payers.select_for_update(no_key=True, of=("self",))
        .select_related("seller", "payment")
        .order_by("-id")
        .iterator()
    ):
        if not too_much:
            break
        returned = min(too_much, -payer.carried)
        too_much -= returned
        payer.carried += returned
        payer.state = Payable.State.PENDING
        payer.save(update_fields=["carried", "state"])
        _post("returned", payer, returned)
    payable.carried -= amount
    _post("forgiven", payable, -amount)


def _post(what: str, payable: Payable, amount: int) -> None:
    """Post that the seller's debt grew by ``amount``, which the row of the payable says in the same transaction."""
    ledger.post(
        f"{what}:{uuid7()}",
        [
            ledger.debit(Book.SELLER_RECEIVABLE, amount, payable.seller),
            ledger.credit(Book.SELLER, amount, payable.seller),
        ],
        currency=payable.currency,
        payment=payable.payment,
    )
