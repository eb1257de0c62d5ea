"""The right of an account to versions of a dataset."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

import pgtrigger
from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.models.dataset import Dataset
from catalog.models.keeping import never_licensed_away
from catalog.models.licence_state import LicenceState, moves
from catalog.models.listing import Offer
from catalog.models.terms import Terms
from catalog.models.version import Version
from marketplace.accounts.models import Account


class LicenceQuerySet(models.QuerySet["Licence"]):
    def in_force(self) -> LicenceQuerySet:
        """Licences that give access now: neither suspended nor revoked, and not over."""
        return self.filter(state=Licence.State.IN_FORCE).exclude(ends_at__lte=Now())

    def standing(self) -> LicenceQuerySet:
        """With ``stands``, the state by the database's clock: a licence whose end has come is over, marked or not."""
        expired = models.Value(Licence.State.EXPIRED.value)
        over = models.When(state=Licence.State.IN_FORCE, ends_at__lte=Now(), then=expired)
        stands = models.Case(over, default=models.F("state"), output_field=models.CharField())
        return self.annotate(stands=stands)  # type: ignore[no-redef]  # the model declares it for its readers

    def over(self) -> LicenceQuerySet:
        """Licences whose end has come and who still say that they are in force."""
        return self.filter(state=Licence.State.IN_FORCE, ends_at__lte=Now())

    def taken_away(self) -> LicenceQuerySet:
        """Licences that are suspended or revoked."""
        return self.filter(state__in=[Licence.State.SUSPENDED, Licence.State.REVOKED])

    def for_cause(self, kind: str, cause: UUID) -> LicenceQuerySet:
        """What was granted for one thing, in the order in which all that lock several do so."""
        return self.filter(cause_kind=kind, cause_id=cause).order_by("id")

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

    State = LicenceState

    class Cause(models.TextChoices):
        MADE = "made", "made by the account"
        FREE = "free", "acquired for nothing"
        PURCHASE = "purchase", "purchased"
        ORDER = "order", "ordered"

    class Revoked(models.TextChoices):
        REFUNDED = "refunded", "its payment was given back"
        CHARGED_BACK = "charged_back", "its payment was taken back through the bank"

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
    #: When it was last suspended, brought back, revoked or over; ``None`` where it has been in force ever since.
    changed_at = models.DateTimeField(null=True)
    revoked_for = models.CharField(max_length=12, choices=Revoked, blank=True)
    #: Where the query asked for it with ``standing()``.
    stands: str

    objects = LicenceQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "version", "cause_kind", "cause_id"], name="one_licence_a_cause"
            ),
            models.CheckConstraint(
                condition=models.Q(state=LicenceState.REVOKED) & ~models.Q(revoked_for="")
                | ~models.Q(state=LicenceState.REVOKED) & models.Q(revoked_for=""),
                name="revoked_says_why",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-granted_at"], name="licence_library"),
            models.Index(fields=["cause_id", "cause_kind"], name="licence_by_cause"),
            models.Index(
                fields=["state"],
                condition=models.Q(state__in=[LicenceState.SUSPENDED, LicenceState.REVOKED]),
                name="licence_taken_away",
            ),
            models.Index(
                fields=["ends_at"],
                condition=models.Q(state=LicenceState.IN_FORCE, ends_at__isnull=False),
                name="licence_that_ends",
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.FSM(name="moves_forward", field="state", transitions=moves()),
            never_licensed_away(),
        ]

    def __str__(self) -> str:
        return f"licence of {self.account_id} to {self.version_id}"


class LicenceSuspension(models.Model):
    """One reason for which a licence is suspended. It comes back when none is left that was not lifted.

    ``subject`` is the thing that the reason is about: the dispute, the refund.
    """

    class Reason(models.TextChoices):
        DISPUTE = "dispute", "its payment is disputed"
        REFUND = "refund", "its payment is being given back"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    licence = models.ForeignKey(Licence, models.PROTECT, related_name="suspensions")
    reason = models.CharField(max_length=8, choices=Reason)
    subject = models.UUIDField()
    since = models.DateTimeField(db_default=Now())
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["licence", "reason", "subject"], name="one_suspension_a_reason"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["licence"], condition=models.Q(lifted_at=None), name="suspension_not_lifted")
        ]

    def __str__(self) -> str:
        return f"{self.licence_id}: {self.get_reason_display()}"


class Delivery(models.Model):
    """What was handed out: when, which file or document, under which licence. An audit record, only added to."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    licence = models.ForeignKey(Licence, models.PROTECT, related_name="deliveries")
    version = models.ForeignKey(Version, models.PROTECT, related_name="deliveries")
    path = models.CharField(max_length=300)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.path} under {self.licence_id}"


class Reading(models.Model):
    """That rows beyond the free sample were shown under a licence: of which version first, and when. Once a licence."""

    licence = models.OneToOneField(Licence, models.PROTECT, primary_key=True, related_name="reading")
    version = models.ForeignKey(Version, models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"rows of {self.version_id} under {self.licence_id}"
