"""Invoices and credit notes: numbered without gaps, never changed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from billing.models.dispute import Dispute
from billing.models.payment import Payment
from billing.models.refund import Refund
from catalog.models.immutable import immutable
from marketplace.accounts.models import Account


class Numbering(models.Model):
    """The number given last in a series. Its row is locked until the document that took the next one is there."""

    kind = models.CharField(primary_key=True, max_length=7)
    year = models.PositiveSmallIntegerField()
    serial = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.kind} {self.year}, {self.serial}"


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def invoices(self) -> InvoiceQuerySet:
        """Invoices, without credit notes."""
        return self.filter(kind=Invoice.Kind.INVOICE)

    def credit_notes(self) -> InvoiceQuerySet:
        """Credit notes."""
        return self.filter(kind=Invoice.Kind.CREDIT)


class Invoice(models.Model):
    """An invoice for a payment, a credit note for one refund of it or for what its bank called back, or what takes a
    credit note back because the refund failed after all. The database refuses to change it.

    ``issuer`` and ``buyer`` are what they were when it was made (``lookalike/invoice-party/1``), ``lines`` what was
    paid for: each with its net, tax and gross amount in minor units, and its rate of tax in basis points, ``null``
    where only the amount is known. Amounts are above zero in every kind: the kind says which way they go.
    """

    class Kind(models.TextChoices):
        INVOICE = "invoice", "invoice"
        CREDIT = "credit", "credit note"
        RECALL = "recall", "cancelled credit note"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=7, choices=Kind)
    year = models.PositiveSmallIntegerField()
    serial = models.PositiveIntegerField()
    number = models.CharField(max_length=30, unique=True)
    account = models.ForeignKey(Account, models.PROTECT, related_name="invoices")
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="invoices")
    refund = models.ForeignKey(Refund, models.PROTECT, null=True, related_name="documents")
    dispute = models.OneToOneField(Dispute, models.PROTECT, null=True, related_name="document")
    corrects = models.ForeignKey("self", models.PROTECT, null=True, related_name="corrections")
    issuer = models.JSONField()
    buyer = models.JSONField()
    lines = models.JSONField()
    currency = models.CharField(max_length=3)
    net = models.PositiveBigIntegerField()
    tax = models.PositiveBigIntegerField()
    gross = models.PositiveBigIntegerField()
    purchase_order = models.CharField(max_length=60, blank=True)
    reverse_charge = models.BooleanField(default=False)
    #: When the money came, or went back.
    paid_at = models.DateTimeField()
    issued_at = models.DateTimeField(db_default=Now())

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "-issued_at", "-id"], name="invoices_newest_first")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "year", "serial"], name="one_invoice_a_number"),
            models.UniqueConstraint(
                fields=["payment"], condition=models.Q(kind="invoice"), name="one_invoice_a_payment"
            ),
            models.UniqueConstraint(fields=["refund", "kind"], name="one_credit_note_a_refund"),
            models.CheckConstraint(condition=models.Q(gross=models.F("net") + models.F("tax")), name="invoice_adds_up"),
            models.CheckConstraint(
                condition=models.Q(kind="invoice", refund=None, dispute=None, corrects=None)
                | models.Q(kind__in=["credit", "recall"], refund__isnull=False, dispute=None, corrects__isnull=False)
                | models.Q(kind="credit", refund=None, dispute__isnull=False, corrects__isnull=False),
                name="a_correction_says_what_it_corrects",
            ),
            models.CheckConstraint(
                condition=models.Q(reverse_charge=False) | models.Q(tax=0), name="reverse_charge_is_without_tax"
            ),
        ]
        triggers: ClassVar = immutable()

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}"
