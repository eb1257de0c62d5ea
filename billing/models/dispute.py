"""A charge that the buyer's bank called back."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Exists, OuterRef, Value
from django.db.models.functions import Concat, Now
from uuid_utils.compat import uuid7

from billing.models.ledger import Transaction
from billing.models.payment import Intent, Payment


class DisputeQuerySet(models.QuerySet["Dispute"]):
    def open(self) -> DisputeQuerySet:
        """Disputes that are not decided."""
        return self.filter(state=Dispute.State.OPEN)

    def of_what_paid(self) -> DisputeQuerySet:
        """Disputes of the charge that paid, not of one that came without a cause."""
        return self.filter(intent__surplus=False)

    def booked_as_lost(self) -> DisputeQuerySet:
        """Disputes of which the ledger has a loss: where nothing was taken in all, it has none."""
        key = Concat(Value("dispute-lost:"), OuterRef("stripe_id"))
        return self.filter(Exists(Transaction.objects.filter(key=key)))


class Dispute(models.Model):
    """The mirror of one dispute: while it is open the licence is suspended and nothing is transferred.

    ``held`` is what the bank took and was not decided about: the part of this dispute in the book of what is held.
    """

    class State(models.TextChoices):
        OPEN = "open", "open"
        WON = "won", "won"
        LOST = "lost", "lost"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="disputes")
    intent = models.ForeignKey(Intent, models.PROTECT, related_name="disputes")
    stripe_id = models.CharField(max_length=255, unique=True)
    amount = models.PositiveBigIntegerField()
    held = models.BigIntegerField(default=0)
    state = models.CharField(max_length=4, choices=State, default=State.OPEN)
    reason = models.CharField(max_length=60, blank=True)
    evidence_due = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    objects = DisputeQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["payment"], condition=models.Q(state="open"), name="open_disputes")]

    def __str__(self) -> str:
        return self.stripe_id
