"""The ledger: what does not sum to zero is not written, what is written does not change, nothing is posted twice."""

from __future__ import annotations

import importlib

import pytest
from django.db import Error, IntegrityError, connection, transaction
from django.db.utils import InternalError

from billing.books import ledger
from billing.books.ledger import Book, Unbalanced, credit, debit
from billing.models import Entry, Transaction
from tests.factories import an_account

pytestmark = pytest.mark.django_db


def test_a_posting_is_in_the_books_and_they_sum_to_zero() -> None:
    seller = an_account("seller")
    lines = [debit(Book.STRIPE_CLEARING, 970), debit(Book.STRIPE_FEES, 30), credit(Book.SELLER, 1_000, seller)]
    assert ledger.post("capture:1", lines, currency="EUR")
    assert ledger.balance(Book.SELLER, seller) == -1_000
    assert ledger.trial_balance()["stripe_clearing"] == 970
    assert sum(ledger.trial_balance().values()) == 0


def test_the_same_key_posts_once() -> None:
    lines = [debit(Book.BANK, 5), credit(Book.STRIPE_CLEARING, 5)]
    assert ledger.post("payout:1", lines, currency="EUR")
    assert not ledger.post("payout:1", lines, currency="EUR")
    assert ledger.balance(Book.BANK) == 5


@pytest.mark.parametrize("lines", [[], [debit(Book.BANK, 1)], [debit(Book.BANK, 2), credit(Book.TAX, 1)]])
def test_what_does_not_sum_to_zero_is_refused_before_it_is_written(lines: list[ledger.Line]) -> None:
    with pytest.raises(Unbalanced):
        ledger.post("wrong", lines, currency="EUR")
    assert not Transaction.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_an_unbalanced_transaction_that_passes_by_our_code() -> None:
    with pytest.raises(IntegrityError, match="does not sum to zero"), transaction.atomic():
        written = Transaction.objects.create(key="wrong", currency="EUR")
        Entry.objects.create(transaction=written, book=Book.BANK, amount=7)
    assert not Transaction.objects.exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing_entry SET amount = amount + 1",
        "DELETE FROM billing_entry",
        "UPDATE billing_transaction SET key = 'other'",
        "DELETE FROM billing_transaction",
    ],
)
def test_what_is_written_is_never_changed(statement: str) -> None:
    ledger.post("payout:1", [debit(Book.BANK, 5), credit(Book.STRIPE_CLEARING, 5)], currency="EUR")
    with pytest.raises((InternalError, Error), match="pgtrigger"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert ledger.balance(Book.BANK) == 5


@pytest.mark.parametrize("table", ["billing_transaction", "billing_entry", "billing_invoice"])
def test_outside_of_tests_the_books_cannot_be_emptied(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migration = importlib.import_module("billing.migrations.0006_refuse_truncate")
    monkeypatch.setitem(connection.settings_dict, "NAME", "lookalike")
    with connection.schema_editor() as editor:
        migration.refuse(None, editor)
    with pytest.raises(Error, match="the books are only added to"), transaction.atomic():
        connection.cursor().execute(f"TRUNCATE {table} CASCADE")
    transaction.set_rollback(True)


def test_a_book_of_sellers_needs_a_seller_and_no_other_has_one() -> None:
    for line in (credit(Book.SELLER, 5), credit(Book.TAX, 5, an_account("seller"))):
        with pytest.raises(IntegrityError), transaction.atomic():
            ledger.post(f"wrong:{line.book}", [debit(Book.BANK, 5), line], currency="EUR")
