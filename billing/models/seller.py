"""A seller as Stripe's connected account, and what it is owed for each payment."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from billing.models.payment import Payment
from marketplace.accounts.models import Account

#: Of what a buyer pays without tax, in basis points, unless a seller agreed to another share.
COMMISSION = 1_500


class SellerAccount(models.Model):
    """``stripe_id`` is ``acct_…``, empty until onboarding begins; the state mirrors what Stripe says of it."""

    class State(models.TextChoices):
        CREATED = "created", "not begun"
        ONBOARDING = "onboarding", "being set up"
        ACTIVE = "active", "active"
        RESTRICTED = "restricted", "restricted"
        CLOSED = "closed", "closed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.OneToOneField(Account, models.PROTECT, related_name="seller_account")
    stripe_id = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.CREATED)
    #: What Stripe still wants to know, by its own names, and why it restricts the account.
    wanted = models.JSONField(default=list)
    restricted_for = models.CharField(max_length=200, blank=True)
    commission = models.PositiveIntegerField(default=COMMISSION)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(commission__lte=10_000), name="sellers_commission_is_a_share")
        ]

    def __str__(self) -> str:
        return f"seller {self.account}"


class Payable(models.Model):
    """What a seller is owed for one payment: ``amount`` less ``refunded``, sent once the refund window is over.

    ``transferred`` less ``reversed`` never exceeds what is owed, unless Stripe could not take back what was sent: then
    the rest is receivable.
    """

    class State(models.TextChoices):
        PENDING = "pending", "pending"
        RELEASABLE = "releasable", "to be sent"
        TRANSFERRED = "transferred", "sent"
        CLOSED = "closed", "nothing to send"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.OneToOneField(Payment, models.PROTECT, related_name="payable")
    seller = models.ForeignKey(Account, models.PROTECT, related_name="payables")
    currency = models.CharField(max_length=3)
    amount = models.PositiveBigIntegerField()
    refunded = models.PositiveBigIntegerField(default=0)
    transferred = models.PositiveBigIntegerField(default=0)
    reversed = models.PositiveBigIntegerField(default=0)
    state = models.CharField(max_length=11, choices=State, default=State.PENDING)
    releasable_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["seller", "-created_at", "-id"], name="payables_newest_first"),
            models.Index(fields=["releasable_at"], condition=models.Q(state="pending"), name="payables_to_release"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(refunded__lte=models.F("amount")), name="payable_not_below_zero"),
            models.CheckConstraint(
                condition=models.Q(reversed__lte=models.F("transferred")), name="never_more_reversed_than_sent"
            ),
            models.CheckConstraint(
                condition=models.Q(transferred__lte=models.F("amount") + models.F("reversed")),
                name="never_more_sent_than_owed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} owed to {self.seller}"

    @property
    def owed(self) -> int:
        """What is still to be sent, in minor units; below zero when more was sent than is owed now."""
        return self.amount - self.refunded - self.transferred + self.reversed
