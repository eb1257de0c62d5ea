"""What a seller asks to be made: a new dataset, or a new version of one, before the generator has said that it can."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.models import Dataset
from generation.runs.models.generator import GeneratorVersion
from generation.runs.models.run import Run
from marketplace.accounts.models import Account


class Making(models.Model):
    """asked → begun | refused. With ``dataset`` it is a new version of that; else ``name`` and what follows are told.

    ``thresholds`` are what it must keep to be published; ``problems`` are those of a refused one: field, message and
    remedy.
    """

    class State(models.TextChoices):
        ASKED = "asked", "being checked"
        BEGUN = "begun", "begun"
        REFUSED = "refused", "refused"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="makings")
    dataset = models.ForeignKey(Dataset, models.PROTECT, null=True, related_name="makings")
    generator = models.ForeignKey(GeneratorVersion, models.PROTECT, related_name="makings")
    name = models.CharField(max_length=80, blank=True)
    title = models.CharField(max_length=160, blank=True)
    summary = models.CharField(max_length=300, blank=True)
    domain = models.CharField(max_length=13, blank=True)
    parameters = models.JSONField()
    units = models.PositiveBigIntegerField()
    splits = models.JSONField()
    thresholds = models.JSONField(default=list)
    state = models.CharField(max_length=7, choices=State, default=State.ASKED)
    problems = models.JSONField(default=list)
    run = models.OneToOneField(Run, models.PROTECT, null=True, related_name="making")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(units__gt=0), name="making_has_units"),
            models.CheckConstraint(
                condition=~models.Q(state="begun") | models.Q(run__isnull=False, dataset__isnull=False),
                name="begun_making_has_run",
            ),
            models.CheckConstraint(
                condition=models.Q(dataset__isnull=False) | ~models.Q(name=""), name="making_has_dataset_or_name"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.generator} for {self.account}"
