"""One table: the pieces of work that must happen."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7


class PieceQuerySet(models.QuerySet["Piece"]):
    def unfinished(self) -> PieceQuerySet:
        """Pieces that still have to happen, or are happening."""
        return self.filter(state__in=[Piece.State.WAITING, Piece.State.DUE, Piece.State.LEASED])

    def claimable(self) -> PieceQuerySet:
        """Pieces that a worker may take now: due, or leased by somebody who went silent."""
        return self.filter(
            models.Q(state=Piece.State.DUE, due_at__lte=Now())
            | models.Q(state=Piece.State.LEASED, leased_until__lt=Now())
        )


class Piece(models.Model):
    """Something that must happen to ``subject``, the UUID of the one model that the kind names.

    The row is the truth; a Celery message is a hint that the row is due. Times are the database's clock.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waiting for something else to end"
        DUE = "due", "due"
        LEASED = "leased", "under way"
        DONE = "done", "done"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=60)
    subject = models.UUIDField()
    state = models.CharField(max_length=9, choices=State)
    after = models.UUIDField(null=True)
    due_at = models.DateTimeField(db_default=Now())
    hinted_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    token = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    holder = models.CharField(max_length=120, blank=True, help_text="Host and process that took it last.")
    fault_owner = models.CharField(max_length=8, blank=True)
    fault_message = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = PieceQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "subject", "after"],
                condition=models.Q(state__in=["waiting", "due"]),
                nulls_distinct=False,
                name="one_piece_to_come",
            ),
            models.CheckConstraint(
                condition=models.Q(state="leased", token__isnull=False, leased_until__isnull=False)
                | (~models.Q(state="leased") & models.Q(token__isnull=True, leased_until__isnull=True)),
                name="leased_has_token",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="waiting") | models.Q(after__isnull=False), name="waiting_has_after"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"], condition=models.Q(state__in=["due", "leased"]), name="work_unfinished_by_due"
            ),
            models.Index(fields=["after"], condition=models.Q(state="waiting"), name="work_waiting_by_after"),
            models.Index(fields=["subject"], name="work_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject} ({self.state})"


def coming(*kinds: str, subject: str = "id") -> models.Exists:
    """A condition of rows of any table: work of one of these ``kinds`` is still to happen to their ``subject``."""
    return models.Exists(Piece.objects.unfinished().filter(kind__in=kinds, subject=models.OuterRef(subject)))
