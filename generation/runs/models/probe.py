"""A handful of units with the very parameters that would be ordered, made before anything is agreed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from generation.runs.models.generator import GeneratorVersion
from generation.runs.models.source import Source
from marketplace.accounts.models import Account


class Probe(models.Model):
    """100 rows or 8 pictures in a seed domain of their own. ``preview`` has the shape of ``catalog.shapes.Preview``."""

    class State(models.TextChoices):
        ASKED = "asked", "being made"
        READY = "ready", "ready"
        FAILED = "failed", "failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="probes")
    generator = models.ForeignKey(GeneratorVersion, models.PROTECT, related_name="probes")
    parameters = models.JSONField()
    units = models.PositiveBigIntegerField()
    source = models.ForeignKey(Source, models.PROTECT, null=True, related_name="probes")
    state = models.CharField(max_length=6, choices=State, default=State.ASKED)
    preview = models.JSONField(null=True)
    fault_owner = models.CharField(max_length=8, blank=True)
    fault_message = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(state="ready") | models.Q(preview__isnull=False), name="ready_probe_has_preview"
            )
        ]

    def __str__(self) -> str:
        return f"probe of {self.generator}"
