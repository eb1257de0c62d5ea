"""The ledger: transactions of entries, only added to. In the database a transaction sums to zero or fails."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.models.immutable import immutable
from marketplace.accounts.models import Account


class Transaction(models.Model):
    """One movement of money. ``key`` names what it stands for (``capture:pi_…``), so nothing is posted twice."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=200, unique=True)
    currency = models.CharField(max_length=3)
    #: The payment that it is about; ``None`` for what concerns a seller or the platform alone.
    payment = models.ForeignKey("billing.Payment", models.PROTECT, null=True, related_name="transactions")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "ledger transaction"
        indexes: ClassVar = [models.Index(fields=["-at", "-id"], name="ledger_newest_first")]
        triggers: ClassVar = immutable()

    def __str__(self) -> str:
        return self.key


class Entry(models.Model):
    """One line of a transaction: ``amount`` in minor units, a debit above zero, a credit below."""

    class Book(models.TextChoices):
        STRIPE_CLEARING = "stripe_clearing", "Stripe, clearing"
        STRIPE_FEES = "stripe_fees", "Stripe’s fees"
        BANK = "bank", "bank"
        TAX = "tax", "tax owed"
        PLATFORM_REVENUE = "platform_revenue", "revenue of the platform"
        SELLER = "seller", "owed to sellers"
        SELLER_RECEIVABLE = "seller_receivable", "receivable from sellers"
        DISPUTES_HELD = "disputes_held", "held for disputes"
        DISPUTE_FEES = "dispute_fees", "fees of disputes"
        UNAPPLIED = "unapplied", "paid to us without a cause"

    #: The books that each seller has for itself.
    OF_SELLERS: ClassVar = (Book.SELLER, Book.SELLER_RECEIVABLE)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    transaction = models.ForeignKey(Transaction, models.PROTECT, related_name="entries")
    book = models.CharField(max_length=17, choices=Book)
    seller = models.ForeignKey(Account, models.PROTECT, null=True, related_name="ledger_entries")
    amount = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "entries"
        indexes: ClassVar = [models.Index(fields=["book", "seller"], include=["amount"], name="ledger_balance")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(amount=0), name="entry_is_not_zero"),
            models.CheckConstraint(
                condition=models.Q(book__in=["seller", "seller_receivable"], seller__isnull=False)
                | (~models.Q(book__in=["seller", "seller_receivable"]) & models.Q(seller__isnull=True)),
                name="sellers_books_have_a_seller",
            ),
        ]
        triggers: ClassVar = [
            *immutable(),
            pgtrigger.Trigger(
                name="ledger_balanced",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                func="""
                IF (SELECT sum(amount) FROM billing_entry WHERE transaction_id = NEW.transaction_id) <> 0 THEN
                    RAISE EXCEPTION 'ledger transaction % does not sum to zero', NEW.transaction_id
                        USING ERRCODE = 'check_violation';
                END IF;
                RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.book} {self.amount}"
