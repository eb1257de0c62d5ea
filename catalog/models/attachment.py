"""What is computed about a version and may be made anew by better code."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.models.version import Version


class Attachment(models.Model):
    """A document about a version (statistics, preview, attestation …), stored as a blob."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey(Version, models.PROTECT, related_name="attachments")
    kind = models.CharField(max_length=40)
    code_version = models.CharField(max_length=40)
    media_type = models.CharField(max_length=80)
    sha256 = models.CharField(max_length=64)
    bytes = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "kind"], name="one_attachment_a_kind"),
        ]
        indexes: ClassVar = [models.Index(fields=["sha256"], name="attachment_by_digest")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.version_id}"
