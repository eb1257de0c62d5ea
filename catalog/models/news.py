"""How far the holders of licences have been told of a new version."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from catalog.models.version import Version


class VersionNews(models.Model):
    """The round of letters about one version. ``told_to`` is the account that was told last, by id."""

    version = models.OneToOneField(Version, models.PROTECT, primary_key=True, related_name="news")
    told_to = models.UUIDField(null=True)
    begun_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "version news"

    def __str__(self) -> str:
        return f"news of {self.version_id}"
