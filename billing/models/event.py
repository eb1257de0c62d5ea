"""What Stripe told us: an event says "look again", and is stored once."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7


class Event(models.Model):
    """One event by its id. ``object_id`` is what to look at; the body is kept for staff, never acted upon."""

    class State(models.TextChoices):
        RECEIVED = "received", "received"
        PROCESSED = "processed", "processed"
        IGNORED = "ignored", "ignored"
        DEAD = "dead", "dead letter"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    stripe_id = models.CharField(max_length=255, unique=True)
    type = models.CharField(max_length=255)
    object_id = models.CharField(max_length=255, blank=True)
    body = models.JSONField()
    state = models.CharField(max_length=9, choices=State, default=State.RECEIVED)
    fault_message = models.TextField(blank=True)
    received_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-received_at", "-id"], name="events_newest_first"),
            models.Index(fields=["state"], condition=models.Q(state__in=["received", "dead"]), name="events_open"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.stripe_id}"
