"""Staff keep a seller's money back for a while, and say why."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now, TruncDate
from django.utils import timezone
from uuid_utils.compat import uuid7

from marketplace.accounts.models import Account, User


class PayoutHoldQuerySet(models.QuerySet["PayoutHold"]):
    def in_force(self) -> PayoutHoldQuerySet:
        """Holds that keep money back: those to be reviewed, and those that were upheld."""
        return self.filter(state__in=PayoutHold.IN_FORCE)

    def overdue(self) -> PayoutHoldQuerySet:
        """Holds whose review was to be over by now, the longest overdue first."""
        open_holds = self.filter(state=PayoutHold.State.OPEN, review_by__lt=TruncDate(Now()))
        return open_holds.order_by("review_by", "id")


class PayoutHold(models.Model):
    """open → lifted | upheld; upheld → lifted. The seller reads all of it, and may answer while it is in force.

    Nothing places one but staff: refunds and disputes that the site itself decides never count against a seller.
    """

    class State(models.TextChoices):
        OPEN = "open", "in force, to be reviewed"
        LIFTED = "lifted", "lifted"
        UPHELD = "upheld", "upheld"

    IN_FORCE: ClassVar = (State.OPEN, State.UPHELD)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="payout_holds")
    reason = models.TextField()
    evidence_wanted = models.TextField()
    review_by = models.DateField()
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)
    placed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    placed_at = models.DateTimeField(db_default=Now())
    #: What the seller says to it; a later answer is added to the earlier ones.
    answer = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)
    decision = models.TextField(blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    #: When staff were last told that its review is overdue.
    reminded_at = models.DateTimeField(null=True)

    objects = PayoutHoldQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account", "-placed_at", "-id"], name="holds_of_a_seller"),
            models.Index(fields=["review_by", "id"], condition=models.Q(state="open"), name="holds_to_review"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(state__in=["open", "upheld"]), name="one_hold_in_force"
            ),
            models.CheckConstraint(
                condition=~models.Q(reason="") & ~models.Q(evidence_wanted=""), name="hold_says_why_and_what_for"
            ),
            models.CheckConstraint(
                condition=models.Q(state="open") | ~models.Q(decision=""), name="decided_hold_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"hold on payouts of {self.account}"

    @property
    def overdue(self) -> bool:
        """Was it to be reviewed by now, and nobody decided?"""
        return self.state == self.State.OPEN and self.review_by < timezone.now().date()
