"""The right of an account to versions of a dataset."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.models.dataset import Dataset
from catalog.models.listing import Offer
from catalog.models.terms import Terms
from catalog.models.version import Version
from marketplace.accounts.models import Account


class LicenceQuerySet(models.QuerySet["Licence"]):
    def in_force(self) -> LicenceQuerySet:
        """Licences that give access now: neither suspended nor revoked, and not over."""
        return self.filter(state=Licence.State.IN_FORCE).exclude(ends_at__lte=Now())

    def covering(self, version: Version) -> LicenceQuerySet:
        """Licences to ``version``: it is the licensed one, or a later one that the licence includes."""
        earlier = models.Q(version__major__lt=version.major) | models.Q(
            version__major=version.major, version__minor__lt=version.minor
        )
        earlier |= models.Q(
            version__major=version.major, version__minor=version.minor, version__patch__lt=version.patch
        )
        return self.filter(
            models.Q(version=version) | models.Q(dataset_id=version.dataset_id, later_versions=True) & earlier
        )

    def oldest_version_first(self) -> LicenceQuerySet:
        """By the number of the licensed version, the lowest first."""
        return self.order_by("version__major", "version__minor", "version__patch")


class Licence(models.Model):
    """Nobody, not even the owner, reads data without one. Its cause is the thing that it was granted for."""

    class State(models.TextChoices):
        IN_FORCE = "in_force", "in force"
        SUSPENDED = "suspended", "suspended"
        REVOKED = "revoked", "revoked"
        EXPIRED = "expired", "expired"

    class Cause(models.TextChoices):
        MADE = "made", "made by the account"
        FREE = "free", "acquired for nothing"
        PURCHASE = "purchase", "purchased"
        ORDER = "order", "ordered"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="licences")
    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="licences")
    version = models.ForeignKey(Version, models.PROTECT, related_name="licences")
    later_versions = models.BooleanField(default=False)
    offer = models.ForeignKey(Offer, models.PROTECT, null=True, related_name="licences")
    terms = models.ForeignKey(Terms, models.PROTECT, related_name="licences")
    seats = models.PositiveIntegerField(null=True)
    ends_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=9, choices=State, default=State.IN_FORCE)
    cause_kind = models.CharField(max_length=8, choices=Cause)
    cause_id = models.UUIDField()
    granted_at = models.DateTimeField(db_default=Now())

    objects = LicenceQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "version", "cause_kind", "cause_id"], name="one_licence_a_cause")
        ]
        indexes: ClassVar = [models.Index(fields=["account", "-granted_at"], name="licence_library")]

    def __str__(self) -> str:
        return f"licence of {self.account_id} to {self.version_id}"


class Delivery(models.Model):
    """A signed link that was handed out: when, for which file, under which licence. An audit record, only added to."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    licence = models.ForeignKey(Licence, models.PROTECT, related_name="deliveries")
    version = models.ForeignKey(Version, models.PROTECT, related_name="deliveries")
    path = models.CharField(max_length=300)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.path} under {self.licence_id}"
