"""Sending sellers what they are owed, and taking back what they may not keep: through Stripe, one payable at a time.

A row is committed before each call, and its id is the call's idempotency key. The call itself is made under the lock of
the payment, so that no dispute or refund of it is recorded between the last look and the money. A row that is met again
was perhaps called for already: Stripe is asked what became of it before anything else.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from billing import kinds
from billing.books import ledger
from billing.books.ledger import Book
from billing.models import Intent, Payable, Payment, Reversal, Transfer
from billing.processor import Refused, connect
from billing.selling import debts, payables
from marketplace.work import queue
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease

_LONGEST: Final = 500
_OVERTAKEN: Final = "Overtaken: a refund, a dispute or a hold came first."
_NOT_NEEDED: Final = "No longer needed: nothing has to be taken back."


def send(lease: Lease) -> None:
    """Perform ``billing.transfer``: send what the payable owes, less what its seller owes us."""
    transfer = Transfer.objects.filter(payable=lease.subject, state=Transfer.State.REQUESTED).first()
    if transfer is not None:
        _perform_transfer(transfer, again=True)
    if (transfer := _ask_for_transfer(lease.subject)) is not None:
        _perform_transfer(transfer, again=False)


def take_back(lease: Lease) -> None:
    """Perform ``billing.reversal``: take back what was sent in excess; what Stripe cannot take back is owed to us."""
    for reversal in _on_their_way(lease.subject):
        _perform_reversal(reversal, again=True)
    _ask_for_reversals(lease.subject)
    for reversal in _on_their_way(lease.subject):
        _perform_reversal(reversal, again=False)


def give_up(payable: UUID, fault: WorkFault) -> None:
    """Nothing to record: the rows say what was asked for, and a sweep asks again."""


def look(stripe_id: str) -> bool:
    """See what Stripe says of a transfer, and write down what we did not hear of; ``False`` if it is none of ours."""
    told = connect.transfer(stripe_id)
    row = (
        None
        if told is None or told.row is None
        else Transfer.objects.filter(id=told.row).select_related("payable__payment").first()
    )
    if told is None or row is None:
        return False
    with transaction.atomic():
        payable = _locked(row.payable.payment_id)
        # Read under the lock: what is written down is never older than what was written before.
        _sent(payable, row, connect.transfer(stripe_id) or told)
    return True


def _ask_for_transfer(payable_id: UUID) -> Transfer | None:
    """The row of a transfer that may be made, after the seller's debts were paid of it; ``None`` if none may."""
    with transaction.atomic():
        payable = _locked(Payable.objects.values_list("payment_id", flat=True).get(id=payable_id))
        on_its_way = payable.transfers.filter(state=Transfer.State.REQUESTED)
        if payable.state != Payable.State.RELEASABLE or on_its_way.exists():
            return None
        if payables.why_not(payable):
            payable.state = Payable.State.PENDING
            payable.save(update_fields=["state"])
            return None
        debts.pay_off(payable)
        payables.follow(payable)
        if payable.sendable <= 0:
            return None
        destination = payable.seller.seller_account.stripe_id
        return Transfer.objects.create(payable=payable, amount=payable.sendable, destination=destination)


def _perform_transfer(transfer: Transfer, *, again: bool) -> None:
    with transaction.atomic():
        payment = Payment.objects.locked(transfer.payable.payment_id)
        transfer.refresh_from_db()
        if transfer.state != Transfer.State.REQUESTED:
            return
        told = connect.transfer_of(transfer.id, payment=payment.id) if again else None
        if told is None:
            payable = transfer.payable
            payable.refresh_from_db()
            if payables.why_not(payable) or payable.sendable < transfer.amount:
                _end(transfer, _OVERTAKEN)
                queue.enqueue(kinds.TRANSFER, payable.id)
                return
            try:
                told = _transfer(payment, payable, transfer)
            except Refused as refusal:
                _refused(payment, transfer, refusal)
                return
        _sent(_locked(payment.id), transfer, told)


def _transfer(payment: Payment, payable: Payable, transfer: Transfer) -> connect.TransferSeen:
    # Tied to its charge the money may be sent before it is available. A later one is not: Stripe counts what was sent
    # of a charge also where it was taken back.
    charge = "" if payable.transferred else _charge(payment)
    return connect.send(
        row=transfer.id,
        payment=payment.id,
        amount=transfer.amount,
        currency=payable.currency,
        destination=transfer.destination,
        charge=charge,
        key=f"transfer:{transfer.id}",
    )


def _reverse(sent: Transfer, reversal: Reversal) -> connect.ReversalSeen:
    return connect.take_back(str(sent.stripe_id), reversal.amount, row=reversal.id, key=f"reversal:{reversal.id}")


def _refused(payment: Payment, transfer: Transfer, refusal: Refused) -> None:
    """Stripe did not take it: the payable stays to be sent, with the reason, and the account is looked at."""
    _end(transfer, str(refusal))
    payable = _locked(payment.id)
    payable.refusal, payable.tried_at = str(refusal)[:_LONGEST], Now()
    payable.save(update_fields=["refusal", "tried_at"])
    queue.enqueue(kinds.SELLER, payable.seller.seller_account.id)


def _ask_for_reversals(payable_id: UUID) -> None:
    """A row for each transfer that has to come back in part, the newest first; what none covers becomes a debt."""
    with transaction.atomic():
        payable = _locked(Payable.objects.values_list("payment_id", flat=True).get(id=payable_id))
        if _on_their_way(payable_id):
            return
        excess = -payable.sendable
        done = payable.transfers.filter(state=Transfer.State.DONE, amount__gt=F("reversed")).order_by("-id")
        for transfer in done if excess > 0 else []:
            part = min(excess, transfer.amount - transfer.reversed)
            Reversal.objects.create(transfer=transfer, amount=part)
            excess -= part
            if not excess:
                break
        if excess > 0:
            debts.carry(payable, excess)
            payables.follow(payable)


def _perform_reversal(reversal: Reversal, *, again: bool) -> None:
    sent = reversal.transfer
    with transaction.atomic():
        payment = Payment.objects.locked(sent.payable.payment_id)
        reversal.refresh_from_db()
        if reversal.state != Reversal.State.REQUESTED:
            return
        told = connect.reversal_of(reversal.id, transfer=str(sent.stripe_id)) if again else None
        if told is None:
            sent.payable.refresh_from_db()
            if -sent.payable.sendable < reversal.amount:
                _end(reversal, _NOT_NEEDED)
                payables.follow(_locked(payment.id))
                return
            try:
                told = _reverse(sent, reversal)
            except Refused as refusal:
                _end(reversal, str(refusal))
                payable = _locked(payment.id)
                debts.carry(payable, reversal.amount)
                payables.follow(payable)
                return
        payable = _locked(payment.id)
        _taken_back(payable, reversal, told.id)
        payables.follow(payable)


def _sent(payable: Payable, transfer: Transfer, told: connect.TransferSeen) -> None:
    """Write down a transfer that was made, and what was taken back of it; once, however often it is heard of."""
    transfer.refresh_from_db()
    if transfer.state != Transfer.State.DONE:
        transfer.state, transfer.stripe_id, transfer.ended_at = Transfer.State.DONE, told.id, Now()
        transfer.fault_message = ""
        transfer.save()
        payable.transferred += transfer.amount
        payable.refusal = ""
        ledger.post(
            f"transfer:{told.id}",
            [ledger.debit(Book.SELLER, transfer.amount, payable.seller), _clearing(-transfer.amount)],
            currency=payable.currency,
            payment=payable.payment,
        )
    for each in told.reversals:
        row = Reversal.objects.filter(id=each.row, transfer=transfer).first() if each.row else None
        row = row or Reversal.objects.filter(stripe_id=each.id).first()
        _taken_back(payable, row or Reversal(transfer=transfer, amount=each.amount), each.id)
    payables.follow(payable)


def _taken_back(payable: Payable, reversal: Reversal, stripe_id: str) -> None:
    """Write down a reversal that was made, once."""
    if reversal.state == Reversal.State.DONE:
        return
    reversal.state, reversal.stripe_id, reversal.ended_at = Reversal.State.DONE, stripe_id, Now()
    reversal.fault_message = ""
    reversal.save()
    Transfer.objects.filter(id=reversal.transfer_id).update(reversed=F("reversed") + reversal.amount)
    payable.reversed += reversal.amount
    ledger.post(
        f"reversal:{stripe_id}",
        [_clearing(reversal.amount), ledger.credit(Book.SELLER, reversal.amount, payable.seller)],
        currency=payable.currency,
        payment=payable.payment,
    )


def _clearing(amount: int) -> ledger.Line:
    return ledger.debit(Book.STRIPE_CLEARING, amount)


def _end(row: Transfer | Reversal, why: str) -> None:
    row.state, row.fault_message, row.ended_at = row.State.FAILED, why[:_LONGEST], Now()
    row.save(update_fields=["state", "fault_message", "ended_at"])


def _on_their_way(payable_id: UUID) -> list[Reversal]:
    rows = Reversal.objects.filter(transfer__payable=payable_id, state=Reversal.State.REQUESTED)
    return list(rows.select_related("transfer__payable").order_by("id"))


def _locked(payment_id: UUID) -> Payable:
    return payables.locked(Payment.objects.locked(payment_id))


def _charge(payment: Payment) -> str:
    intent = payment.intents.filter(state=Intent.State.SUCCEEDED, surplus=False).exclude(charge_id="").first()
    return "" if intent is None else intent.charge_id
