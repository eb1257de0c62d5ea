"""What Stripe says of our balance there, day by day, and how it compares with the ledger."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7


class BalanceTransaction(models.Model):
    """The mirror of one movement of our balance at Stripe: ``amount`` less ``fee`` is ``net``, in minor units.

    ``matter`` is what the ledger calls the thing that moved (``capture:pi_…``); empty for what it does not know.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    stripe_id = models.CharField(max_length=255, unique=True)
    type = models.CharField(max_length=60)
    source = models.CharField(max_length=255, blank=True)
    matter = models.CharField(max_length=200, blank=True)
    amount = models.BigIntegerField()
    fee = models.BigIntegerField()
    net = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["created_at"], name="balance_by_time"),
            models.Index(fields=["matter"], name="balance_by_matter"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.stripe_id}"


class Reconciliation(models.Model):
    """One day, midnight to midnight UTC, compared to the cent; made again, it says what is so by then.

    ``differences`` are of ``lookalike/reconciliation/1``: what (``missing_here``, ``missing_there``, ``amount``,
    ``unknown``), the matter, and both amounts. ``stripe`` and ``ledger`` are what the day moved on either side.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waits"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    day = models.DateField(unique=True)
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    stripe = models.BigIntegerField(default=0)
    ledger = models.BigIntegerField(default=0)
    movements = models.PositiveIntegerField(default=0)
    differences = models.JSONField(default=list)
    fault_message = models.CharField(max_length=500, blank=True)
    made_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"reconciliation of {self.day}"
