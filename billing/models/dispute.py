"""A charge that the buyer's bank called back."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from billing.models.payment import Intent, Payment


class DisputeQuerySet(models.QuerySet["Dispute"]):
    def open(self) -> DisputeQuerySet:
        """Disputes that are not decided."""
        return self.filter(state=Dispute.State.OPEN)

    def of_what_paid(self) -> DisputeQuerySet:
        """Disputes of the charge that paid, not of one that came without a cause."""
        return self.filter(intent__surplus=False)


class Dispute(models.Model):
    """The mirror of one dispute: while it is open the licence is suspended and nothing is transferred."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        WON = "won", "won"
        LOST = "lost", "lost"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="disputes")
    intent = models.ForeignKey(Intent, models.PROTECT, related_name="disputes")
    stripe_id = models.CharField(max_length=255, unique=True)
    amount = models.PositiveBigIntegerField()
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
