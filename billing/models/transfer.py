"""Money sent to a seller, and money taken back."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from billing.models.payable import Payable


class Transfer(models.Model):
    """A transfer of a payable, or a part. Its row comes before the call to Stripe, its id is the idempotency key.

    A row that ``requested`` names may have been sent or not: whoever comes back to it asks Stripe first.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", "on its way"
        DONE = "done", "sent"
        FAILED = "failed", "not sent"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payable = models.ForeignKey(Payable, models.PROTECT, related_name="transfers")
    #: The seller's account at Stripe, as it was then.
    destination = models.CharField(max_length=255)
    amount = models.PositiveBigIntegerField()
    reversed = models.PositiveBigIntegerField(default=0)
    stripe_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    state = models.CharField(max_length=9, choices=State, default=State.REQUESTED)
    fault_message = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["-created_at", "-id"], name="transfers_newest_first")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="transfer_of_something"),
            models.CheckConstraint(
                condition=models.Q(reversed__lte=models.F("amount")), name="never_more_taken_back_than_sent"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="done") | models.Q(stripe_id__isnull=False), name="done_transfer_is_stripes"
            ),
            models.UniqueConstraint(
                fields=["payable"], condition=models.Q(state="requested"), name="one_transfer_on_its_way"
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_id or f"transfer {self.id}"


class Reversal(models.Model):
    """What is taken back of a transfer; its row and its key as a transfer's. One made at Stripe gets its row as seen.

    What Stripe cannot take back becomes the seller's debt.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", "on its way"
        DONE = "done", "taken back"
        FAILED = "failed", "not taken back"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    transfer = models.ForeignKey(Transfer, models.PROTECT, related_name="reversals")
    amount = models.PositiveBigIntegerField()
    stripe_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    state = models.CharField(max_length=9, choices=State, default=State.REQUESTED)
    fault_message = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["-created_at", "-id"], name="reversals_newest_first")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="reversal_of_something"),
            models.CheckConstraint(
                condition=~models.Q(state="done") | models.Q(stripe_id__isnull=False), name="done_reversal_is_stripes"
            ),
            models.UniqueConstraint(
                fields=["transfer"], condition=models.Q(state="requested"), name="one_reversal_on_its_way"
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_id or f"reversal {self.id}"
