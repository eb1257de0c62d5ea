"""Posting to the ledger and reading its balances. A debit is above zero, a credit below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pgtrigger
from django.db import transaction
from django.db.models import Sum

from billing.models import Entry, Payment, Transaction
from marketplace.accounts.models import Account

Book = Entry.Book


class Unbalanced(Exception):
    """The lines of a transaction do not sum to zero, or there are none."""


@dataclass(frozen=True)
class Line:
    """``amount`` minor units on a book: debited above zero, credited below; of ``seller`` where each has its own."""

    book: str
    amount: int
    seller: Account | None = None


def debit(book: str, amount: int, seller: Account | None = None) -> Line:
    """A line that debits ``amount`` minor units."""
    return Line(book, amount, seller)


def credit(book: str, amount: int, seller: Account | None = None) -> Line:
    """A line that credits ``amount`` minor units."""
    return Line(book, -amount, seller)


def post(key: str, lines: Iterable[Line], *, currency: str, payment: Payment | None = None) -> bool:
    """Write a transaction, once a key; ``False`` when it was written before. Lines of nothing are left out.

    Called in the transaction that makes it true. Raises Unbalanced; the database refuses the same by itself, here and
    now, so that the fault shows where it was written.
    """
    written = [line for line in lines if line.amount]
    if sum(line.amount for line in written) or not written:
        raise Unbalanced(f"{key}: {written}")
    with transaction.atomic():
        new = Transaction(key=key, currency=currency, payment=payment)
        Transaction.objects.bulk_create([new], ignore_conflicts=True)
        if not Transaction.objects.filter(id=new.id).exists():
            return False
        Entry.objects.bulk_create(
            Entry(transaction=new, book=line.book, amount=line.amount, seller=line.seller) for line in written
        )
        pgtrigger.constraints(pgtrigger.Immediate, "billing.Entry:ledger_balanced")
        pgtrigger.constraints(pgtrigger.Deferred, "billing.Entry:ledger_balanced")
        return True


def balance(book: str, seller: Account | None = None) -> int:
    """What a book holds, in minor units: above zero a debit balance."""
    entries = Entry.objects.filter(book=book)
    if seller is not None:
        entries = entries.filter(seller=seller)
    return int(entries.aggregate(total=Sum("amount"))["total"] or 0)


def trial_balance() -> Mapping[str, int]:
    """The balance of every book, in the order of the books; they sum to zero."""
    sums = dict(Entry.objects.values_list("book").annotate(total=Sum("amount")))
    return {book: int(sums.get(book, 0)) for book in Entry.Book.values}
