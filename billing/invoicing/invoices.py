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
from django.db.models import Sum
from django.db.models.functions import Now
from django.urls import reverse

from billing.invoicing import countries, profiles
from billing.models import BillingProfile, Entry, Invoice, Numbering, Payment, Refund, Transaction
from marketplace.accounts import notices
from marketplace.accounts.models import Account, Membership, User
from marketplace.accounts.notices import Notice
from marketplace.web.templatetags.units import amount

Kind = Invoice.Kind

_PREFIX: Final = {Kind.INVOICE: "INV", Kind.CREDIT: "CRN", Kind.RECALL: "CCN"}
_ALL: Final = 10_000
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


def follow(payment: Payment) -> None:
    """Make each document that a payment lacks: of what was captured, of refunds that succeeded, of those that failed.

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


def credit(refund: Refund) -> Invoice:
    """The credit note for a refund that succeeded; made now, with a letter, unless it is there.

    It refers to the invoice and has its names; its tax is what the ledger gave back. Raises NotBooked when the ledger
    has nothing of the refund, or what it paid back was never invoiced because it had been paid twice.
    """
    with transaction.atomic():
        back = Refund.objects.select_related("payment__account", "intent").get(id=refund.id)
        found = Invoice.objects.filter(refund=back, kind=Kind.CREDIT).first()
        if found is not None:
            return found
        tax = _tax_given_back(back)
        invoice = issue(back.payment)
        number = _next_number(Kind.CREDIT)
        note = _correct(number, invoice, back, tax=tax, paid_at=back.ended_at or number.now)
        _tell(note, f"{amount(note.gross, note.currency)} goes back to you", _returned(note))
        return note


def recall(refund: Refund) -> Invoice:
    """What takes back the credit note of a refund that failed after all; made now, with a letter, unless it is there.

    Raises NotBooked when there is no credit note.
    """
    with transaction.atomic():
        back = Refund.objects.select_related("payment__account").get(id=refund.id)
        documents = {document.kind: document for document in Invoice.objects.filter(refund=back)}
        if Kind.RECALL in documents:
            return documents[Kind.RECALL]
        if Kind.CREDIT not in documents:
            raise NotBooked(f"there is no credit note of {back}")
        note = documents[Kind.CREDIT]
        number = _next_number(Kind.RECALL)
        recalled = _correct(number, note, back, tax=note.tax, paid_at=back.ended_at or number.now)
        _tell(recalled, f"A refund of {amount(note.gross, note.currency)} did not arrive", _failed(recalled, note))
        return recalled


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


def _correct(number: _Number, corrected: Invoice, back: Refund, *, tax: int, paid_at: datetime) -> Invoice:
    """A document of the refund ``back`` with the names of the one that it corrects."""
    return _write(
        number,
        payment=back.payment,
        refund=back,
        corrects=corrected,
        issuer=corrected.issuer,
        buyer=corrected.buyer,
        line=_line(back.payment.description, back.amount, tax, corrected.lines[0]["rate"]),
        purchase_order=corrected.purchase_order,
        reverse_charge=corrected.reverse_charge,
        paid_at=paid_at,
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


def _tax_given_back(back: Refund) -> int:
    """The tax in a refund, as it was booked."""
    booked = Transaction.objects.filter(key=f"refund:{back.stripe_id}").first()
    if booked is None or back.intent.surplus:
        raise NotBooked(f"the ledger has nothing of {back} that was invoiced")
    return int(booked.entries.filter(book=Entry.Book.TAX).aggregate(tax=Sum("amount", default=0))["tax"])


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
