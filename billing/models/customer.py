"""An account as Stripe's customer: who pays, and the card that it lets us charge later."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from marketplace.accounts.models import Account


class Customer(models.Model):
    """``stripe_id`` is ``cus_…``, empty until Stripe knows the account; ``payment_method`` a saved ``pm_…``."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.OneToOneField(Account, models.PROTECT, related_name="customer")
    stripe_id = models.CharField(max_length=255, blank=True)
    payment_method = models.CharField(max_length=255, blank=True)
    #: Was Stripe told that the account owes the tax itself?
    reverse_charge = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"customer {self.account}"
