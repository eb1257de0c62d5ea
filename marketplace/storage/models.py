"""One table: the passes over the object store that collect blobs to which nobody refers."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7


class Collection(models.Model):
    """One pass over all blobs, page by page. ``after`` is the key that was looked at last."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    started_at = models.DateTimeField(db_default=Now(), db_index=True)
    ended_at = models.DateTimeField(null=True)
    after = models.CharField(max_length=200, blank=True)
    looked_at = models.PositiveBigIntegerField(default=0)
    collected = models.PositiveBigIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"collection of {self.started_at}"
