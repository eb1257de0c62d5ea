"""Whom an account's invoices are made out to."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from billing.invoicing import countries
from marketplace.accounts.models import Account, User


class BillingProfileQuerySet(models.QuerySet["BillingProfile"]):
    def unchecked(self) -> BillingProfileQuerySet:
        """Profiles with a tax id that staff have not confirmed."""
        return self.filter(tax_id_checked_at=None).exclude(tax_id="")


class BillingProfile(models.Model):
    """Name, address and tax id as an invoice prints them; each invoice keeps what they were when it was made.

    ``tax_id_checked_at`` is when staff found the id valid in the register of its country; another id, name or country
    clears it. ``email`` is where letters about money go; without one to the owners and billing members.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.OneToOneField(Account, models.PROTECT, related_name="billing_profile")
    legal_name = models.CharField(max_length=200)
    address = models.CharField(max_length=200)
    address_more = models.CharField(max_length=200, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=100)
    country = models.CharField(max_length=2)
    tax_id = models.CharField(max_length=30, blank=True)
    tax_id_checked_at = models.DateTimeField(null=True)
    tax_id_checked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    purchase_order = models.CharField(max_length=60, blank=True)
    email = models.EmailField(blank=True)
    changed_at = models.DateTimeField(db_default=Now())

    objects = BillingProfileQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["changed_at", "id"],
                condition=models.Q(tax_id_checked_at=None) & ~models.Q(tax_id=""),
                name="tax_ids_to_check",
            )
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(tax_id_checked_at=None, tax_id_checked_by=None)
                | models.Q(tax_id_checked_at__isnull=False, tax_id_checked_by__isnull=False) & ~models.Q(tax_id=""),
                name="a_checked_tax_id_is_there",
            )
        ]

    def __str__(self) -> str:
        return f"{self.legal_name} ({self.account})"

    @property
    def country_name(self) -> str:
        """The name of the country."""
        return countries.NAMES.get(self.country, self.country)

    @property
    def tax_id_checked(self) -> bool:
        """Did staff find the tax id valid?"""
        return self.tax_id_checked_at is not None
