"""One table: the messages that were written and not sent yet."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7


class Message(models.Model):
    """A message to one address. It may hold a link that lets somebody in, so its row goes once it was sent."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    to = models.EmailField()
    subject = models.CharField(max_length=998)
    text = models.TextField()
    html = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"message {self.id}"
