"""A seller as Stripe's connected account."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from marketplace.accounts.models import Account

#: Of what a buyer pays without tax, in basis points, unless a seller agreed to another share.
COMMISSION = 1_500


class SellerAccount(models.Model):
    """``stripe_id`` is ``acct_…``, empty until onboarding begins; the state mirrors what Stripe says of it.

    created → onboarding → active ⇄ restricted → closed. The row is locked by whoever changes what the seller is owed or
    owes: after the payment, before its payables.
    """

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
    #: What Stripe still wants to know, by its own names, until when, and why it restricts the account.
    wanted = models.JSONField(default=list)
    wanted_by = models.DateTimeField(null=True)
    restricted_for = models.CharField(max_length=200, blank=True)
    commission = models.PositiveIntegerField(default=COMMISSION)
    #: How many accounts at Stripe were closed before this one.
    closed_before = models.PositiveSmallIntegerField(default=0)
    looked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-created_at", "-id"], name="sellers_newest_first"),
            models.Index(fields=["stripe_id"], condition=~models.Q(stripe_id=""), name="sellers_by_stripe_id"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(commission__lte=10_000), name="sellers_commission_is_a_share")
        ]

    def __str__(self) -> str:
        return f"seller {self.account}"
