"""A licence holder's own table, or a sketch of it, set beside a version."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.models import Version
from marketplace.accounts.models import Account


class DriftCheckQuerySet(models.QuerySet["DriftCheck"]):
    def under_way(self) -> DriftCheckQuerySet:
        """Checks that have not ended."""
        return self.filter(state__in=[DriftCheck.State.RECEIVING, DriftCheck.State.ASKED])

    def ended(self) -> DriftCheckQuerySet:
        """Checks that will not change, but for their upload that goes."""
        return self.exclude(state__in=[DriftCheck.State.RECEIVING, DriftCheck.State.ASKED])


class DriftCheck(models.Model):
    """receiving → asked → ready | refused | failed, a sketch without receiving; and from each of them gone.

    ``report`` has the shape of ``catalog.shapes.Drifted``. An upload lies under the private ``key`` until it is
    deleted, at the end of the check, whatever that is: then ``key`` is empty, and ``receipt`` is a signed token that
    says what was deleted when. ``sketch`` is emptied then, too. ``table`` is the configuration of the version that it
    is set beside, ``target`` the column that a model is to predict.
    """

    class State(models.TextChoices):
        RECEIVING = "receiving", "being received"
        ASKED = "asked", "being compared"
        READY = "ready", "ready"
        REFUSED = "refused", "refused"
        FAILED = "failed", "failed"
        GONE = "gone", "deleted"

    class Kind(models.TextChoices):
        TABLE = "table", "a table"
        SKETCH = "sketch", "a sketch"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="drift_checks")
    version = models.ForeignKey(Version, models.PROTECT, related_name="drift_checks")
    kind = models.CharField(max_length=6, choices=Kind)
    table = models.CharField(max_length=200)
    target = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=200)
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=200, blank=True)
    sketch = models.JSONField(null=True)
    state = models.CharField(max_length=9, choices=State)
    doing = models.CharField(max_length=200, blank=True)
    report = models.JSONField(null=True)
    problems = models.JSONField(default=list)
    fault_owner = models.CharField(max_length=8, blank=True)
    fault_message = models.TextField(blank=True)
    asked_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    receipt = models.TextField(blank=True)

    objects = DriftCheckQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(state="ready") | models.Q(report__isnull=False), name="ready_drift_check_has_report"
            ),
            models.CheckConstraint(
                condition=models.Q(deleted_at__isnull=True) | (models.Q(key="") & ~models.Q(receipt="")),
                name="deleted_drift_check_has_receipt",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-asked_at"], name="drift_check_newest_first"),
            models.Index(fields=["asked_at"], condition=~models.Q(key=""), name="drift_check_with_upload"),
        ]

    def __str__(self) -> str:
        return f"{self.name} beside {self.version}"

    @property
    def under_way(self) -> bool:
        """Has it not ended yet?"""
        return self.state in {self.State.RECEIVING, self.State.ASKED}
