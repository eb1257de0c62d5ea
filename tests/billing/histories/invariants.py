"""What is true after each step, and what is true in the end, when everybody did what they had to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db.models import F, Q, Sum

from billing.books import ledger
from billing.books.ledger import Book
from billing.models import Dispute, Entry, Intent, Invoice, Payable, Payment, Purchase, Refund, Transaction
from catalog.models import Licence
from marketplace.doctor import checks
from marketplace.work.models import Piece
from tests.billing.histories.world import History

#: What may be said of a piece of work that is tried again.
_EXCUSES = ("Stripe gave no answer",)


def broken(history: History) -> list[str]:
    """What is not true now and must always be."""
    return [
        *_unbalanced(),
        *_wrong_amounts(),
        *_wrong_parts(),
        *_licences_without_money(),
        *_taken_before_delivery(history),
        *_sent_wrongly(history),
        *_torn_work(),
    ]


def broken_in_the_end(history: History) -> list[str]:
    """What is not true once all events came, all work is done and the sweeps found what was missed."""
    truth = Truth(history)
    return [
        *broken(history),
        *_unlike_stripe(truth),
        *_taken_twice(truth),
        *_given_back_wrongly(truth),
        *_still_held(truth),
        *_sent_unlike_stripe(truth),
        *_undelivered(truth),
        *_left_undone(),
        *_wrong_documents(),
        *_doctor(),
    ]


class Truth:
    """What Stripe itself says, by our payments."""

    def __init__(self, history: History) -> None:
        v1 = history.world.client.v1
        full = {"limit": 100}
        self.moved = list(v1.balance_transactions.list(full).auto_paging_iter())
        self.intents = list(v1.payment_intents.list(full).auto_paging_iter())
        self.refunds = list(v1.refunds.list(full).auto_paging_iter())
        self.disputes = list(v1.disputes.list(full).auto_paging_iter())
        self.transfers = list(v1.transfers.list(full).auto_paging_iter())
        #: The tax that a page found, or the calculation that a charge without a page names, by the intent that paid.
        self.taxes = {
            one.payment_intent: one.total_details.amount_tax
            for one in v1.checkout.sessions.list(full).auto_paging_iter()
            if one.total_details is not None
        }
        for intent in self.intents:
            if linked := intent.to_dict().get("hooks"):
                found = v1.tax.calculations.retrieve(linked["inputs"]["tax"]["calculation"])
                self.taxes[intent.id] = found.tax_amount_inclusive
        self.payments = {str(payment.id): payment for payment in history.payments()}

    def of(self, payment_id: str) -> list[Any]:
        """The intents of a payment."""
        return [intent for intent in self.intents if intent.metadata["lookalike_payment"] == payment_id]

    def back(self, intent: Any) -> int:
        """What went back of an intent, and did not come again."""
        gone = ("succeeded", "pending", "requires_action")
        moved = [one for one in self.refunds if one.payment_intent == intent.id and one.balance_transaction]
        return sum(one.amount for one in moved if one.status in gone)

    def lost(self, intent: Any) -> int:
        """What a bank took of an intent for good."""
        return sum(one.amount for one in self.disputes if one.payment_intent == intent.id and one.status == "lost")

    def contested(self, intent: Any) -> bool:
        """Was the intent ever contested? Then Stripe gives nothing of it back."""
        return any(one.payment_intent == intent.id for one in self.disputes)


def _unbalanced() -> Iterator[str]:
    for transaction in Transaction.objects.annotate(total=Sum("entries__amount")).exclude(total=0):
        yield f"{transaction.key} sums to {transaction.total}"
    books = ledger.trial_balance()
    if sum(books.values()):
        yield f"the books sum to {sum(books.values())}"
    if books[Book.DISPUTES_HELD] and not Dispute.objects.open().exists():
        yield f"{books[Book.DISPUTES_HELD]} is held for disputes, and none is open"


def _wrong_amounts() -> Iterator[str]:
    wrong = (
        Q(captured__gt=F("amount"))
        | Q(refunded__gt=F("captured"))
        | Q(state=Payment.State.PAID) & ~Q(captured=F("amount"))
        | ~Q(state=Payment.State.PAID) & ~Q(captured=0)
    )
    for payment in Payment.objects.filter(wrong):
        yield f"{payment} is {payment.state}, took {payment.captured} of {payment.amount}, gave {payment.refunded} back"
    keys = Counter(Transaction.objects.filter(key__startswith="capture:").values_list("payment", flat=True))
    for intent in Intent.objects.filter(surplus=True):
        keys[intent.payment_id] -= 1
    for payment_id, times in keys.items():
        if times > 1:
            yield f"payment {payment_id} was booked {times} times"


def _wrong_parts() -> Iterator[str]:
    """Each book has, of each payment, its part of what is kept: worked out from the sums, not from the steps."""
    entries = Entry.objects.filter(transaction__payment__isnull=False).values_list("transaction__payment", "book")
    held: dict[tuple[Any, str], int] = {
        (payment, book): total for payment, book, total in entries.annotate(total=Sum("amount"))
    }
    for payment in Payment.objects.filter(captured__gt=0):
        gone = payment.refunded + payment.charged_back
        commission = (payment.captured - payment.tax) * payment.commission // 10_000
        tax_gone = payment.tax * gone // payment.captured
        commission_gone = (payment.tax + commission) * gone // payment.captured - tax_gone
        rest = (payment.captured - payment.tax - commission) - (gone - tax_gone - commission_gone)
        ours = commission - commission_gone + (0 if payment.seller_id else rest)
        for book, part in ((Book.TAX, payment.tax - tax_gone), (Book.PLATFORM_REVENUE, ours)):
            if held.get((payment.id, book), 0) != -part:
                yield f"{book} has {held.get((payment.id, book), 0)} of {payment}, not {-part}"
        if not payment.kept and any(held.get((payment.id, book)) for book in (Book.TAX, Book.PLATFORM_REVENUE)):
            yield f"nothing is kept of {payment}, and a part of it stays"


def _licences_without_money() -> Iterator[str]:
    for licence in Licence.objects.in_force().filter(cause_kind=Licence.Cause.PURCHASE):
        payment = Payment.objects.filter(cause_id=licence.cause_id).first()
        if payment is None or payment.kept <= 0 or payment.account_id != licence.account_id:
            yield f"a licence is in force for purchase {licence.cause_id}, and nothing is paid for it"
        elif payment.disputes.exclude(state=Dispute.State.WON).exists():
            yield f"a licence is in force for purchase {licence.cause_id}, which is disputed"


def _taken_before_delivery(history: History) -> Iterator[str]:
    waiting = {str(order.payment) for order in history.orders if not order.delivered}
    if not waiting:
        return
    for charge in history.world.client.v1.charges.list({"limit": 100}).auto_paging_iter():
        named = charge.metadata["lookalike_payment"]
        if charge.captured and charge.paid and named in waiting:
            yield f"payment {named} was taken, and nothing was delivered"


def _sent_wrongly(history: History) -> Iterator[str]:
    """Nobody is sent more than their share, and nothing while the payment is contested."""
    contested = set(Dispute.objects.open().values_list("payment", flat=True))
    for payable in Payable.objects.select_related("payment"):
        share = payable.payment.captured - payable.payment.tax
        share -= share * payable.payment.commission // 10_000
        before, history.sent[payable.payment_id] = history.sent.get(payable.payment_id, 0), payable.transferred
        if not 0 <= payable.transferred - payable.reversed <= share:
            yield f"{payable.transferred} was sent and {payable.reversed} taken back of a share of {share}"
        if payable.transferred > before and {payable.payment_id} <= contested & history.contested:
            yield f"{payable.transferred - before} was sent for {payable.payment}, which is contested"
    history.contested = contested


def _torn_work() -> Iterator[str]:
    for piece in Piece.objects.exclude(fault_message=""):
        if not piece.fault_message.startswith(_EXCUSES):
            yield f"{piece}: {piece.fault_message}"


def _unlike_stripe(truth: Truth) -> Iterator[str]:
    net = sum(moved.net for moved in truth.moved)
    if ledger.balance(Book.STRIPE_CLEARING) != net:
        yield f"our balance at Stripe is {net}, the ledger says {ledger.balance(Book.STRIPE_CLEARING)}"
    for payment_id, payment in truth.payments.items():
        taken = [one for one in truth.of(payment_id) if one.status == "succeeded"]
        paid = set(
            payment.intents.filter(surplus=False, state=Intent.State.SUCCEEDED).values_list("stripe_id", flat=True)
        )
        back = sum(truth.back(one) for one in taken if one.id in paid)
        lost = sum(truth.lost(one) for one in taken if one.id in paid)
        taxes = [truth.taxes[one] for one in paid & truth.taxes.keys()]
        if payment.captured and taxes != [payment.tax]:
            yield f"{payment} says that {payment.tax} of it is tax, Stripe {taxes}"
        if payment.refunded != back or payment.charged_back != min(lost, payment.captured - back):
            yield f"{payment} says {payment.refunded} and {payment.charged_back} went back, Stripe {back} and {lost}"


def _taken_twice(truth: Truth) -> Iterator[str]:
    for payment_id, payment in truth.payments.items():
        taken = [one for one in truth.of(payment_id) if one.status == "succeeded"]
        unknown = {one.id for one in taken} - set(payment.intents.values_list("stripe_id", flat=True))
        if unknown:
            yield f"{payment} was taken by {unknown}, of which we know nothing"
        if sum(one.amount_received > 0 for one in taken) > 1 + payment.intents.filter(surplus=True).count():
            yield f"{payment} was taken {len(taken)} times"
        for surplus in payment.intents.filter(surplus=True):
            (intent,) = (one for one in taken if one.id == surplus.stripe_id)
            failed = any(one.payment_intent == intent.id and one.status == "failed" for one in truth.refunds)
            if truth.back(intent) != intent.amount_received and not failed and not truth.contested(intent):
                yield f"{payment} was taken once more by {intent.id}, and that stays with us"


def _given_back_wrongly(truth: Truth) -> Iterator[str]:
    rows = Counter(one.metadata["lookalike_refund"] for one in truth.refunds if "lookalike_refund" in one.metadata)
    for row, times in rows.items():
        if times > 1:
            yield f"refund {row} was made {times} times"
    at_stripe = {one.id: one for one in truth.refunds}
    for refund in Refund.objects.all():
        if refund.state in Refund.UNDER_WAY:
            yield f"refund {refund.id} is {refund.state} for ever"
        elif refund.stripe_id and (at_stripe[refund.stripe_id].status == "succeeded") != (
            refund.state == Refund.State.SUCCEEDED
        ):
            yield f"refund {refund.id} is {refund.state}, at Stripe {at_stripe[refund.stripe_id].status}"


def _still_held(truth: Truth) -> Iterator[str]:
    for payment_id, payment in truth.payments.items():
        if sum(one.status == "requires_capture" for one in truth.of(payment_id)) > 1:
            yield f"money of the buyer of {payment} is held more than once"
        if payment.state in {Payment.State.PAID, Payment.State.CANCELLED}:
            for one in truth.of(payment_id):
                if one.status == "requires_capture":
                    yield f"{payment} is {payment.state}, and {one.id} still holds money of the buyer"


def _sent_unlike_stripe(truth: Truth) -> Iterator[str]:
    for payment_id, payment in truth.payments.items():
        sent = [one for one in truth.transfers if one.transfer_group == payment_id]
        rows = Counter(one.metadata["lookalike_transfer"] for one in sent)
        if any(times > 1 for times in rows.values()):
            yield f"a transfer for {payment} was made twice"
        payable = Payable.objects.filter(payment=payment).first()
        there = sum(one.amount - one.amount_reversed for one in sent)
        if there != (0 if payable is None else payable.sent):
            yield f"{there} lies with the seller of {payment}, we say {payable and payable.sent}"
        if payable is not None and there > payable.amount - payable.refunded + max(0, payable.carried):
            yield f"{there} lies with the seller of {payment}, of whom nobody asks it back"


def _undelivered(truth: Truth) -> Iterator[str]:
    for purchase in Purchase.objects.select_related("payment"):
        payment = purchase.payment
        taken = any(one.status == "succeeded" for one in truth.of(str(payment.id)))
        if taken and purchase.state in Purchase.UNPAID:
            yield f"{purchase} was paid and is {purchase.state}"
        licences = Licence.objects.filter(cause_id=purchase.id)
        if licences.count() > 1:
            yield f"{purchase} has {licences.count()} licences"
        whole = payment.captured and payment.kept == payment.captured and not payment.refunds.exists()
        contested = payment.disputes.exclude(state=Dispute.State.WON).exists()
        if whole and not contested and not licences.in_force().exists():
            yield f"{purchase} is paid, and there is no licence in force"


def _left_undone() -> Iterator[str]:
    for piece in Piece.objects.unfinished():
        yield f"{piece} is never done: {piece.fault_message}"
    for piece in Piece.objects.filter(state=Piece.State.FAILED):
        yield f"{piece} was given up: {piece.fault_message}"
    for payment in Payment.objects.waiting():
        yield f"{payment} waits for ever"


def _wrong_documents() -> Iterator[str]:
    """An invoice less its credit notes is what is kept, and its tax what the ledger has, but for what was recalled."""
    for payment in Payment.objects.filter(captured__gt=0).prefetch_related("invoices"):
        sums: Counter[str] = Counter()
        for document in payment.invoices.all():
            sign = -1 if document.kind == Invoice.Kind.CREDIT else 1
            sums.update(gross=sign * document.gross, tax=sign * document.tax)
        if sums["gross"] != payment.kept:
            yield f"{payment} kept {payment.kept}, and its documents say {sums['gross']}"
        entries = Entry.objects.filter(book=Book.TAX, transaction__payment=payment)
        booked = -entries.aggregate(tax=Sum("amount", default=0))["tax"]
        if sums["tax"] != booked and not payment.invoices.filter(kind=Invoice.Kind.RECALL).exists():
            yield f"the tax of {payment} is {booked}, and its documents say {sums['tax']}"


def _doctor() -> Iterator[str]:
    """What the doctor says of money. Refunds that truly failed are for staff."""
    of_money = [check for check in checks() if check.name.startswith("billing.")]
    assert len(of_money) > 5
    for check in of_money:
        for fault in check.function():
            if "it failed" not in fault.message:
                yield f"{check.name}: {fault.subject}: {fault.message}"
