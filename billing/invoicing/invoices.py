"""Invoices for what was paid and credit notes for what went back: made once, numbered without gaps, never changed.

They follow what the ledger says, in the transaction that books it, under the payment's lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.db.models.functions import Now
from django.urls import reverse

from billing.invoicing import countries, profiles
from billing.models import BillingProfile, Dispute, Entry, Invoice, Numbering, Payment, Refund, Transaction
from marketplace.accounts import notices
from marketplace.accounts.models import Account, Membership, User
from marketplace.accounts.notices import Notice
from marketplace.web.templatetags.units import amount

Kind = Invoice.Kind

_PREFIX: Final = {Kind.INVOICE: "INV", Kind.CREDIT: "CRN", Kind.RECALL: "CCN"}
_ALL: Final = 10_000
#: The parts of a price, in the ledger.
_SOLD: Final = (Entry.Book.TAX, Entry.Book.PLATFORM_REVENUE, Entry.Book.SELLER)
#: Rates of tax are whole or half per cents, in basis points.
_RATES: Final = range(0, 5_050, 50)


class NotBooked(Exception):
    """The ledger does not know of what was to be invoiced or credited."""


@dataclass(frozen=True)
class Line:
    """What was paid for: ``net`` and ``tax`` are ``gross`` together; ``rate`` in basis points, if it is known.

    Some places have rates with parts of a basis point.
    """

    description: str
    net: int
    tax: int
    gross: int
    rate: int | float | None


@dataclass(frozen=True)
class _Number:
    """What a new document is called, and the moment it is made."""

    kind: str
    year: int
    serial: int
    now: datetime

    def __str__(self) -> str:
        return f"{_PREFIX[Kind(self.kind)]}-{self.year}-{self.serial:06}"


@dataclass(frozen=True)
class _Moved:
    """What went back or came back, the tax in it, and when."""

    gross: int
    tax: int
    at: datetime


def follow(payment: Payment) -> None:
    """Make each document that a payment lacks: of what was captured, of refunds that succeeded, of those that failed,
    and of what was lost to the buyer's bank.

    Called in the transaction that saved the payment, under its lock, as often as need be.
    """
    if Payment.objects.filter(id=payment.id, captured__gt=0).exists():
        issue(payment)
    refunds = payment.refunds.filter(intent__surplus=False).order_by("created_at", "id")
    for refund in refunds.filter(state=Refund.State.SUCCEEDED).exclude(documents__kind=Kind.CREDIT):
        credit(refund)
    credited = refunds.filter(state=Refund.State.FAILED, documents__kind=Kind.CREDIT)
    for refund in credited.exclude(documents__kind=Kind.RECALL):
        recall(refund)
    lost = payment.disputes.of_what_paid().booked_as_lost().filter(state=Dispute.State.LOST, document=None)
    for dispute in lost.order_by("opened_at", "id"):
        called_back(dispute)


def issue(payment: Payment) -> Invoice:
    """The invoice for what was captured of ``payment``; made now, with a receipt by mail, unless it is there.

    Raises NotBooked when nothing was captured.
    """
    with transaction.atomic():
        paid = Payment.objects.select_related("account").get(id=payment.id)
        if not paid.captured:
            raise NotBooked(f"nothing was captured of {paid}")
        found = Invoice.objects.invoices().filter(payment=paid).first()
        if found is not None:
            return found
        number = _next_number(Kind.INVOICE)
        profile = BillingProfile.objects.filter(account=paid.account).first()
        seller, buyer = issuer(), profiles.party(paid.account)
        invoice = _write(
            number,
            payment=paid,
            issuer=seller,
            buyer=buyer,
            line=_line(paid.description, paid.captured, paid.tax, _rate(paid)),
            purchase_order="" if profile is None else profile.purchase_order,
            reverse_charge=not paid.tax and _buyer_owes_the_tax(seller, buyer),
            paid_at=paid.paid_at or number.now,
        )
        _tell(invoice, f"Receipt: {amount(invoice.gross, invoice.currency)} paid", _receipt(invoice))
        return invoice


def credit(refund: Refund) -> Invoice | None:
    """The credit note for a refund that succeeded; made now, with a letter, unless it is there.

    It refers to the invoice and has its names; amount and tax are what the ledger gave back: ``None`` where a bank had
    taken all of it before. Raises NotBooked when the ledger has nothing of the refund, or what it paid back was never
    invoiced because it had been paid twice.
    """
    with transaction.atomic():
        back = Refund.objects.select_related("payment__account", "intent").get(id=refund.id)
        found = Invoice.objects.filter(refund=back, kind=Kind.CREDIT).first()
        if found is not None:
            return found
        if back.intent.surplus:
            raise NotBooked(f"{back} was paid without a cause, and was not invoiced")
        gross, tax = _given_back(f"refund:{back.stripe_id}")
        if not gross:
            return None
        invoice = issue(back.payment)
        number = _next_number(Kind.CREDIT)
        moved = _Moved(gross, tax, back.ended_at or number.now)
        note = _correct(number, invoice, moved, refund=back)
        _tell(note, f"{amount(note.gross, note.currency)} goes back to you", _returned(note))
        return note


def recall(refund: Refund) -> Invoice:
    """What takes back the credit note of a refund that failed after all; made now, with a letter, unless it is there.

    Its tax is the ledger's, which need not be the note's to the cent: the parts of all that went back so far are
    rounded together, and other refunds may lie between. Raises NotBooked when there is no credit note.
    """
    with transaction.atomic():
        back = Refund.objects.select_related("payment__account").get(id=refund.id)
        documents = {document.kind: document for document in Invoice.objects.filter(refund=back)}
        if Kind.RECALL in documents:
            return documents[Kind.RECALL]
        if Kind.CREDIT not in documents:
            raise NotBooked(f"there is no credit note of {back}")
        note = documents[Kind.CREDIT]
        gross, tax = _given_back(f"refund-failed:{back.stripe_id}")
        number = _next_number(Kind.RECALL)
        moved = _Moved(-gross, -tax, back.ended_at or number.now)
        recalled = _correct(number, note, moved, refund=back)
        _tell(recalled, f"A refund of {amount(note.gross, note.currency)} did not arrive", _failed(recalled, note))
        return recalled


def called_back(dispute: Dispute) -> Invoice | None:
    """The credit note for what a bank took back of a payment; made now, with a letter, unless it is there.

    ``None`` where it took only what had gone back before, which a credit note says already. Raises NotBooked when the
    ledger has nothing of it.
    """
    with transaction.atomic():
        lost = Dispute.objects.select_related("payment__account").get(id=dispute.id)
        found = Invoice.objects.filter(dispute=lost).first()
        if found is not None:
            return found
        gross, tax = _given_back(f"dispute-lost:{lost.stripe_id}")
        if not gross:
            return None
        invoice = issue(lost.payment)
        number = _next_number(Kind.CREDIT)
        note = _correct(number, invoice, _Moved(gross, tax, lost.ended_at or number.now), dispute=lost)
        _tell(note, f"Your bank took {amount(note.gross, note.currency)} back", _taken(note))
        return note


def issuer() -> Mapping[str, Any]:
    """Who sells, as the settings say now."""
    lines = [line.strip() for line in settings.INVOICE_ISSUER_ADDRESS.split("|")]
    return {
        "schema": profiles.SCHEMA,
        "name": settings.INVOICE_ISSUER_NAME,
        "address": [line for line in lines if line],
        "country": settings.INVOICE_ISSUER_COUNTRY,
        "tax_id": settings.INVOICE_ISSUER_TAX_ID,
        "demo": settings.INVOICE_ISSUER_DEMO,
    }


def owes_the_tax(account: Account) -> bool:
    """Does ``account`` owe the tax of what it buys itself, by its billing profile as it is now?"""
    return _buyer_owes_the_tax(issuer(), profiles.party(account))


def may_read(user: User, account: Account) -> bool:
    """May ``user`` read what ``account`` paid? Its owners and billing members may, and staff who may see invoices."""
    if user.has_perm("billing.view_invoice"):
        return True
    return Membership.objects.filter(account=account, user=user, role__in=notices.MONEY).exists()


def readable(payment: Payment, user: User) -> list[Invoice]:
    """The documents of a payment, the oldest first; none for somebody who may not read them."""
    if not may_read(user, payment.account):
        return []
    return list(payment.invoices.order_by("issued_at", "id"))


def _next_number(kind: str) -> _Number:
    """The next of a series; nobody else takes a number of it until we commit.

    The moment is read once the lock is there, so numbers and dates have one order.
    """
    Numbering.objects.bulk_create([Numbering(kind=kind, year=0, serial=0)], ignore_conflicts=True)
    Numbering.objects.select_for_update(no_key=True).get(kind=kind)
    last = Numbering.objects.annotate(now=Now()).get(kind=kind)
    if last.now.year > last.year:
        return _Number(kind, last.now.year, 1, last.now)
    return _Number(kind, last.year, last.serial + 1, last.now)


def _write(number: _Number, *, payment: Payment, line: Line, **known: Any) -> Invoice:
    Numbering.objects.filter(kind=number.kind).update(year=number.year, serial=number.serial)
    return Invoice.objects.create(
        kind=number.kind,
        year=number.year,
        serial=number.serial,
        number=str(number),
        account=payment.account,
        payment=payment,
        currency=payment.currency,
        lines=[asdict(line)],
        net=line.net,
        tax=line.tax,
        gross=line.gross,
        issued_at=number.now,
        **known,
    )


def _correct(
    number: _Number, corrected: Invoice, moved: _Moved, *, refund: Refund | None = None, dispute: Dispute | None = None
) -> Invoice:
    """A document of what ``moved`` by a refund or a dispute, with the names of the one that it corrects."""
    return _write(
        number,
        payment=corrected.payment,
        refund=refund,
        dispute=dispute,
        corrects=corrected,
        issuer=corrected.issuer,
        buyer=corrected.buyer,
        line=_line(corrected.payment.description, moved.gross, moved.tax, corrected.lines[0]["rate"]),
        purchase_order=corrected.purchase_order,
        reverse_charge=corrected.reverse_charge,
        paid_at=moved.at,
    )


def _line(description: str, gross: int, tax: int, rate: int | float | None) -> Line:
    return Line(description, gross - tax, tax, gross, rate)


def _rate(paid: Payment) -> int | float | None:
    """The rate that Stripe gave, in basis points; where it gave none, the one that the amounts allow."""
    if paid.tax_percent is None:
        return _rate_from(paid.captured, paid.tax)
    points = Decimal(paid.tax_percent) * 100
    return int(points) if points == points.to_integral_value() else float(points)


def _rate_from(gross: int, tax: int) -> int | None:
    """The one rate at which ``tax`` is the tax within ``gross``, in basis points; ``None`` when several may be it."""
    if not tax:
        return 0
    fitting = [rate for rate in _RATES if (2 * gross * rate + _ALL + rate) // (2 * (_ALL + rate)) == tax]
    return fitting[0] if len(fitting) == 1 else None


def _given_back(key: str) -> tuple[int, int]:
    """What the buyer has back by a transaction of the ledger, and the tax in it; below zero where it failed.

    Raises NotBooked.
    """
    booked = Transaction.objects.filter(key=key).first()
    if booked is None:
        raise NotBooked(f"the ledger has nothing of {key}")
    parts = booked.entries.filter(book__in=_SOLD).aggregate(
        gross=Sum("amount", default=0), tax=Sum("amount", filter=Q(book=Entry.Book.TAX), default=0)
    )
    return int(parts["gross"]), int(parts["tax"])


def _buyer_owes_the_tax(seller: Mapping[str, Any], buyer: Mapping[str, Any]) -> bool:
    """Is it a sale from one country of the European Union to a business in another whose id was checked?"""
    both = {seller["country"], buyer["country"]}
    return bool(buyer["tax_id_checked"] and len(both) == 2 and both <= countries.EUROPEAN_UNION)


def _receipt(invoice: Invoice) -> list[str]:
    tax = f", {amount(invoice.tax, invoice.currency)} of it tax" if invoice.tax else ""
    return [
        f"{invoice.account.name} paid {amount(invoice.gross, invoice.currency)}{tax}, for: "
        f"{invoice.lines[0]['description']}.",
        f"It is on invoice {invoice.number}.",
    ]


def _returned(note: Invoice) -> list[str]:
    return [
        f"{amount(note.gross, note.currency)} of what {note.account.name} paid goes back to where it came from: "
        f"{note.lines[0]['description']}. Banks take up to ten days to show it.",
        f"It is on credit note {note.number}.",
    ]


def _taken(note: Invoice) -> list[str]:
    return [
        f"{amount(note.gross, note.currency)} of what {note.account.name} paid was taken back through the bank, and "
        f"the dispute is decided: {note.lines[0]['description']}. What it paid for is not licensed any more.",
        f"It is on credit note {note.number}.",
    ]


def _failed(recalled: Invoice, note: Invoice) -> list[str]:
    return [
        f"{amount(note.gross, note.currency)} that was on its way back to {recalled.account.name} came back to us: "
        f"{recalled.lines[0]['description']}. We look for another way and write to you.",
        f"Credit note {note.number} is cancelled by {recalled.number}.",
    ]


def _tell(document: Invoice, subject: str, paragraphs: list[str]) -> None:
    path = reverse("billing:invoice", args=[document.id])
    notice = Notice(subject, paragraphs, path, f"See the {document.get_kind_display()}, signed in")
    for address in profiles.addresses(document.account):
        notices.tell_person(address, notice)
