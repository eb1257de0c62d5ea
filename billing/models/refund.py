"""Money that goes back to a buyer."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Exists, OuterRef, Value
from django.db.models.functions import Concat, Now
from uuid_utils.compat import uuid7

from billing.models.ledger import Transaction
from billing.models.payment import Intent, Payment
from marketplace.accounts.models import User


class RefundQuerySet(models.QuerySet["Refund"]):
    def of_what_paid(self) -> RefundQuerySet:
        """Refunds of the charge that paid, not of one that came without a cause."""
        return self.filter(intent__surplus=False)

    def unbooked(self) -> RefundQuerySet:
        """Refunds that were asked for and did not leave our balance yet: Stripe may wait until there is enough."""
        posted = Transaction.objects.filter(key=Concat(Value("refund:"), OuterRef("stripe_id")))
        return self.filter(~Exists(posted), state__in=Refund.UNDER_WAY)


class Refund(models.Model):
    """A refund, whole or in part. Its row comes before the call to Stripe, and its id is the call's idempotency key.

    A refund that was made at Stripe itself gets its row when we see it; ``stripe_id`` is the key of both.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", "requested"
        SUBMITTED = "submitted", "on its way"
        SUCCEEDED = "succeeded", "paid back"
        FAILED = "failed", "failed"

    class Reason(models.TextChoices):
        POLICY = "policy", "within 14 days, not used"
        STAFF = "staff", "decided by staff"
        NOT_DELIVERED = "not_delivered", "what was paid for could not be delivered"
        SURPLUS = "surplus", "paid twice"
        AT_STRIPE = "at_stripe", "made at Stripe"

    UNDER_WAY: ClassVar = (State.REQUESTED, State.SUBMITTED)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    intent = models.ForeignKey(Intent, models.PROTECT, related_name="refunds")
    amount = models.PositiveBigIntegerField()
    reason = models.CharField(max_length=13, choices=Reason)
    note = models.CharField(max_length=500, blank=True)
    requested_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    stripe_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    state = models.CharField(max_length=9, choices=State, default=State.REQUESTED)
    fault_message = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    objects = RefundQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="refund_of_something")]

    def __str__(self) -> str:
        return self.stripe_id or f"refund {self.id}"
