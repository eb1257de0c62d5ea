"""What sellers are owed: it arises as a payment is captured, follows refunds and disputes, and is released at its time.

Whoever changes it holds the payment's row, then the seller's, then the payable's.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest, Now

from billing import kinds
from billing.books import postings
from billing.books.shares import refunded
from billing.models import Dispute, Payable, Payment, PayoutHold, Refund, Reversal, SellerAccount, Transfer
from billing.selling import debts
from marketplace.accounts.models import Account
from marketplace.work import queue

_A_SWEEP = 200  # payables
#: When a transfer is tried again that Stripe did not take, or that was not heard of.
_AGAIN: Final = timedelta(hours=1)


def keep(payment: Payment) -> None:
    """Owe the seller their share of a captured payment, and bring it up to what refunds and disputes of it say now.

    Called under the payment's lock, in the transaction that changed any of them; harmless any number of times.
    """
    payable = _owe(payment)
    if payable is None:
        return
    gone, at_risk = _gone(payment)
    if (payable.refunded, payable.disputed) != (gone, at_risk - gone):
        payable = locked(payment)
        if at_risk < payable.refunded + payable.disputed:
            _due_from_now(payable)
        payable.refunded, payable.disputed = gone, at_risk - gone
        follow(payable)


def follow(payable: Payable) -> None:
    """Save a payable that changed, under its locks, with the state that follows and the work that it asks for."""
    if payable.sendable > 0 and payable.carried > 0:
        debts.forgive(payable, min(payable.sendable, payable.carried))
    if payable.sendable < 0:
        queue.enqueue(kinds.REVERSAL, payable.id)
    if payable.owed > 0:
        # What is owed again, as after a dispute that was won, is released by the sweep if nothing keeps it back.
        if payable.state in {Payable.State.TRANSFERRED, Payable.State.CLOSED}:
            _due_from_now(payable)
        released = payable.state == Payable.State.RELEASABLE and not payable.disputed
        payable.state = Payable.State.RELEASABLE if released else Payable.State.PENDING
    else:
        payable.state = Payable.State.TRANSFERRED if payable.received else Payable.State.CLOSED
    payable.save()
    payable.refresh_from_db(fields=["releasable_at"])


def why_not(payable: Payable) -> str:
    """What keeps the payable from being sent now, as a sentence for its seller; empty when nothing does."""
    if Dispute.objects.open().filter(payment=payable.payment_id).exists():
        return "The buyer disputes the payment. It is sent when the dispute is decided for you."
    if Refund.objects.of_what_paid().unbooked().filter(payment=payable.payment_id).exists():
        return "A refund of the payment is on its way."
    if PayoutHold.objects.in_force().filter(account=payable.seller_id).exists():
        return "Payouts of this account are on hold."
    state = SellerAccount.objects.values_list("state", flat=True).get(account=payable.seller_id)
    if state != SellerAccount.State.ACTIVE:
        return f"Your account at Stripe is {SellerAccount.State(state).label}."
    return ""


def locked(payment: Payment) -> Payable:
    """The payable of a payment whose lock the caller holds, under the seller's lock and its own."""
    lock_seller(Payable.objects.values_list("seller", flat=True).get(payment=payment))
    return (
        Payable.objects.select_for_update(no_key=True, of=("self",))
        .select_related("seller", "payment")
        .get(payment=payment)
    )


def lock_seller(account_id: UUID) -> SellerAccount:
    """The row under which all that a seller is owed and owes is changed."""
    return SellerAccount.objects.select_for_update(no_key=True).get(account=account_id)


def seller_account(account: Account) -> SellerAccount:
    """The account as a seller; made as soon as somebody asks for it."""
    return SellerAccount.objects.get_or_create(account=account)[0]


def release_due() -> None:
    """Sweep: release what is over its window and free; send, and take back, what was asked for and not heard of."""
    with transaction.atomic():
        due = Payable.objects.free().filter(state=Payable.State.PENDING, releasable_at__lte=Now())
        found = _some(due.order_by("releasable_at"))
        Payable.objects.filter(id__in=found).update(state=Payable.State.RELEASABLE, tried_at=Now())
        queue.enqueue_all(kinds.TRANSFER, found)
    with transaction.atomic():
        unheard = Transfer.objects.filter(state=Transfer.State.REQUESTED).values("payable")
        for asked in (Payable.objects.filter(state=Payable.State.RELEASABLE), Payable.objects.filter(id__in=unheard)):
            found = _some(asked.filter(tried_at__lt=Now() - _AGAIN).order_by("tried_at"))
            Payable.objects.filter(id__in=found).update(tried_at=Now())
            queue.enqueue_all(kinds.TRANSFER, found)
    with transaction.atomic():
        late = Reversal.objects.filter(state=Reversal.State.REQUESTED, created_at__lt=Now() - _AGAIN)
        for excess in (Payable.objects.in_excess(), Payable.objects.filter(id__in=late.values("transfer__payable"))):
            queue.enqueue_all(kinds.REVERSAL, _some(excess.order_by("id")))


def _some(payables: QuerySet[Payable]) -> list[UUID]:
    return list(
        payables.select_for_update(no_key=True, of=("self",), skip_locked=True).values_list("id", flat=True)[:_A_SWEEP]
    )


def _due_from_now(payable: Payable) -> None:
    """What is owed again is late from today, not from the day on which it was first due; the caller saves."""
    payable.releasable_at = Greatest(F("releasable_at"), Now())


def _owe(payment: Payment) -> Payable | None:
    """What is owed for a payment: it may be sent when the refund window is over. ``None`` where nobody is owed."""
    share = postings.whole(payment).seller
    if payment.seller is None or not share:
        return None
    found = Payable.objects.filter(payment=payment).first()
    if found is None:
        seller_account(payment.seller)
        Payable.objects.create(
            payment=payment,
            seller=payment.seller,
            currency=payment.currency,
            amount=share,
            releasable_at=Now() + timedelta(days=settings.REFUND_DAYS),
        )
        found = Payable.objects.get(payment=payment)
    return found


def _gone(payment: Payment) -> tuple[int, int]:
    """The seller's part of what went back, and the same if open disputes are lost too."""
    disputed = sum(payment.disputes.of_what_paid().open().values_list("amount", flat=True))
    all_gone = min(payment.captured, payment.captured - payment.kept + disputed)
    return (
        postings.gone(payment).seller,
        refunded(postings.whole(payment), payment.captured, all_gone).seller,
    )
