"""The card of a version as programs read it: written once, since clients cache by commit."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from catalog.models.immutable import immutable
from catalog.models.version import Version


class Readme(models.Model):
    """``README.md`` of a version, from the time when buyers first saw it. The database refuses to change it."""

    version = models.OneToOneField(Version, models.PROTECT, primary_key=True, related_name="readme")
    body = models.TextField()

    class Meta:
        triggers: ClassVar = immutable()

    def __str__(self) -> str:
        return f"card of {self.version_id}"
