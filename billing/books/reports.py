"""What staff read about money: the books, and where a column and the ledger do not say the same."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import Concat, Least

from billing.books import ledger
from billing.models import (
    BillingProfile,
    CheckoutSession,
    Dispute,
    Entry,
    Event,
    Intent,
    Invoice,
    Payment,
    Reconciliation,
    Refund,
)

Book = Entry.Book
_AT_ONCE = 500
_POSTINGS_SHOWN = 200


@dataclass(frozen=True)
class Balance:
    """One book of the trial balance: what it holds is a debit or a credit, in minor units."""

    book: str
    name: str
    debit: int
    credit: int


@dataclass(frozen=True)
class PostedLine:
    """One line of a transaction, in minor units; ``seller`` is a slug where each seller has the book for itself."""

    name: str
    seller: str
    debit: int
    credit: int


@dataclass(frozen=True)
class Posting:
    """One transaction of the ledger."""

    key: str
    at: datetime
    lines: Sequence[PostedLine]


@dataclass(frozen=True)
class TrialBalance:
    """All books; ``debit`` and ``credit`` are the same, or the ledger is broken."""

    balances: Sequence[Balance]
    debit: int
    credit: int

    @property
    def even(self) -> bool:
        """Do both sides sum to the same?"""
        return self.debit == self.credit


@dataclass(frozen=True)
class Gap:
    """A series of documents that lacks a number: how many there are, and the highest."""

    kind: str
    year: int
    there: int
    highest: int


@dataclass(frozen=True)
class TaxDifference:
    """A document whose tax is not the ledger's, in minor units."""

    number: str
    on_paper: int
    in_ledger: int


@dataclass(frozen=True)
class Counts:
    """What waits for staff."""

    dead_events: int
    failed_refunds: int
    open_disputes: int
    unchecked_tax_ids: int
    days_with_differences: int


def trial_balance() -> TrialBalance:
    """The balance of every book."""
    balances = [
        Balance(book, str(Book(book).label), max(total, 0), max(-total, 0))
        for book, total in ledger.trial_balance().items()
    ]
    return TrialBalance(balances, sum(one.debit for one in balances), sum(one.credit for one in balances))


def counts() -> Counts:
    """How much waits for staff."""
    return Counts(
        dead_events=Event.objects.filter(state=Event.State.DEAD).count(),
        failed_refunds=Refund.objects.filter(state=Refund.State.FAILED).count(),
        open_disputes=Dispute.objects.open().count(),
        unchecked_tax_ids=BillingProfile.objects.unchecked().count(),
        days_with_differences=Reconciliation.objects.filter(state=Reconciliation.State.DONE)
        .exclude(differences=[])
        .count(),
    )


def postings(payment: Payment) -> Sequence[Posting]:
    """What the ledger has of a payment, the oldest first, and not more than a few hundred transactions."""
    found = payment.transactions.prefetch_related("entries__seller").order_by("at", "id")[:_POSTINGS_SHOWN]
    return [Posting(one.key, one.at, [_line(entry) for entry in one.entries.all()]) for one in found]


def payments_named(text: str) -> QuerySet[Payment]:
    """Payments that ``text`` names: by account, by an id of ours or of Stripe's, by a document. Empty names all."""
    if not text:
        return Payment.objects.all()
    named = Q(account__slug=text.lower()) | Q(seller__slug=text.lower())
    for table in ("intents", "sessions", "refunds", "disputes"):
        named |= Q(id__in=Payment.objects.filter(**{f"{table}__stripe_id": text}).values("id"))
    named |= Q(id__in=Intent.objects.filter(charge_id=text).values("payment"))
    named |= Q(id__in=Invoice.objects.filter(number=text.upper()).values("payment"))
    with contextlib.suppress(ValueError):
        named |= Q(id=UUID(text)) | Q(cause_id=UUID(text))
    return Payment.objects.filter(named)


def gaps() -> Iterator[Gap]:
    """Series of documents with a number missing."""
    series = Invoice.objects.values("kind", "year").annotate(there=Count("id"), highest=Max("serial"))
    for one in series.exclude(there=F("highest")).order_by("kind", "year"):
        yield Gap(**one)


def without_invoice() -> QuerySet[Payment]:
    """Payments that were captured and have no invoice."""
    invoice = Invoice.objects.invoices().filter(payment=OuterRef("id"))
    return Payment.objects.filter(~Exists(invoice), captured__gt=0)


def without_credit_note() -> QuerySet[Refund]:
    """Refunds that succeeded and have no credit note, though what they gave back was invoiced."""
    note = Invoice.objects.credit_notes().filter(refund=OuterRef("id"))
    arrived = Refund.objects.of_what_paid().filter(~Exists(note), state=Refund.State.SUCCEEDED)
    return arrived.filter(Exists(_given_back("refund:")))


def lost_without_credit_note() -> QuerySet[Dispute]:
    """Disputes that were lost and have no credit note, though they took back what was invoiced."""
    lost = Dispute.objects.of_what_paid().filter(state=Dispute.State.LOST)
    return lost.filter(Exists(_given_back("dispute-lost:")), document=None)


def _given_back(kind: str) -> QuerySet[Entry]:
    """Of a row with a ``stripe_id``, in a query: what its transaction of ``kind`` took back of a sale."""
    sold = (Book.TAX, Book.PLATFORM_REVENUE, Book.SELLER)
    return Entry.objects.filter(
        transaction__key=Concat(Value(kind), OuterRef("stripe_id")), book__in=sold, amount__gt=0
    )


def taxes_that_differ() -> Iterator[TaxDifference]:
    """Documents whose tax is not what the ledger has of capture, refund, its failure or dispute."""
    documents = Invoice.objects.select_related("refund", "dispute").order_by("id")
    taxes = Entry.objects.filter(book=Book.TAX)
    rest = documents.iterator()
    while some := list(islice(rest, _AT_ONCE)):
        captures = taxes.filter(
            transaction__key__startswith="capture:", transaction__payment__in=[one.payment_id for one in some]
        )
        taken = dict(captures.values_list("transaction__payment").annotate(tax=-Sum("amount")))
        gone = taxes.filter(transaction__key__in=[key for one in some if (key := _given_back_by(one))])
        returned = dict(gone.values_list("transaction__key").annotate(tax=Sum("amount")))
        for one in some:
            key = _given_back_by(one)
            booked = abs(returned.get(key, 0)) if key else taken.get(one.payment_id, 0)
            if one.tax != booked:
                yield TaxDifference(one.number, one.tax, booked)


def taxes_unlike_their_pages() -> QuerySet[Payment]:
    """Payments whose tax is not the one of the page where they were made, which old pages do not name by its intent."""
    complete = CheckoutSession.objects.filter(
        Q(stripe_intent=OuterRef("stripe_id")) | Q(stripe_intent=""),
        payment=OuterRef("payment"),
        state=CheckoutSession.State.COMPLETE,
        mode=CheckoutSession.Mode.PAYMENT,
    )
    same = complete.annotate(said=Least("tax", "payment__captured")).filter(said=F("payment__tax"))
    paid = Intent.objects.filter(state=Intent.State.SUCCEEDED, surplus=False, calculation="")
    return Payment.objects.filter(id__in=paid.filter(Exists(complete), ~Exists(same)).values("payment"))


def _given_back_by(document: Invoice) -> str:
    """The key of the transaction that a credit note, or what takes one back, is of; empty for an invoice."""
    if document.dispute:
        return f"dispute-lost:{document.dispute.stripe_id}"
    if document.refund is None:
        return ""
    kind = "refund-failed" if document.kind == Invoice.Kind.RECALL else "refund"
    return f"{kind}:{document.refund.stripe_id}"


def _line(entry: Entry) -> PostedLine:
    seller = entry.seller.slug if entry.seller else ""
    return PostedLine(str(Book(entry.book).label), seller, max(entry.amount, 0), max(-entry.amount, 0))
