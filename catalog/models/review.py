"""What staff say of the first listing of an account before anybody else sees it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.models.listing import Listing
from marketplace.accounts.models import User


class ReviewQuerySet(models.QuerySet["Review"]):
    def undecided(self) -> ReviewQuerySet:
        """Reviews that staff have to look at: asked for, or appealed."""
        return self.filter(state__in=[Review.State.REQUESTED, Review.State.APPEALED])


class Review(models.Model):
    """requested → approved | refused; refused → appealed, once; appealed → approved | refused, for good."""

    class State(models.TextChoices):
        REQUESTED = "requested", "waiting for staff"
        APPROVED = "approved", "approved"
        REFUSED = "refused", "refused"
        APPEALED = "appealed", "appealed, waiting for staff"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    listing = models.OneToOneField(Listing, models.PROTECT, related_name="review")
    state = models.CharField(max_length=9, choices=State, default=State.REQUESTED)
    reasons = models.TextField(blank=True)
    appeal = models.TextField(blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    appealed_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(state="refused") | ~models.Q(reasons=""), name="refused_review_has_reasons"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="appealed") | ~models.Q(appeal=""), name="appealed_review_has_appeal"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["asked_at", "id"],
                condition=models.Q(state__in=["requested", "appealed"]),
                name="review_undecided",
            )
        ]

    def __str__(self) -> str:
        return f"review of {self.listing_id}"

    @property
    def may_appeal(self) -> bool:
        """Refused, and not appealed before?"""
        return self.state == self.State.REFUSED and not self.appeal
