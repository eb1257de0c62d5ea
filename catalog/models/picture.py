"""Pictures of previews: which version shows which blob, so that pages can serve them under their digest."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from catalog.models.version import Version


class PreviewPicture(models.Model):
    """A picture of a version's preview, stored as a blob."""

    id = models.BigAutoField(primary_key=True)
    version = models.ForeignKey(Version, models.PROTECT, related_name="pictures")
    sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=40)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "sha256"], name="one_preview_picture_a_digest")
        ]
        indexes: ClassVar = [models.Index(fields=["sha256"], name="picture_by_digest")]

    def __str__(self) -> str:
        return self.sha256
