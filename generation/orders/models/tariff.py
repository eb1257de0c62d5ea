"""What a custom order on a generator costs: data set by the generator's owner."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.models.immutable import immutable
from generation.runs.models import Generator
from marketplace.accounts.models import User


class TariffQuerySet(models.QuerySet["Tariff"]):
    def newest_first(self) -> TariffQuerySet:
        """The tariff that was set last comes first."""
        return self.order_by("generator_id", "-number")


class Tariff(models.Model):
    """A tariff of a generator, all its versions; the newest holds. The database refuses to change it.

    Amounts are in minor units: ``base``, then ``per_unit`` for every ``per_units`` units, in proportion, and never less
    than ``minimum``. ``surcharges`` is [{"parameter", "equals" or "at_least", "amount" or "percent", "title"}], where
    ``percent`` is in basis points of base and units. ``generation.orders.tariffs`` says how they are added up.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    generator = models.ForeignKey(Generator, models.PROTECT, related_name="tariffs")
    number = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    base = models.PositiveBigIntegerField(default=0)
    per_unit = models.PositiveBigIntegerField(default=0)
    per_units = models.PositiveBigIntegerField(default=1)
    minimum = models.PositiveBigIntegerField(default=0)
    surcharges = models.JSONField(default=list)
    set_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    objects = TariffQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["generator", "number"], name="one_tariff_a_number"),
            models.CheckConstraint(condition=models.Q(per_units__gt=0), name="tariff_counts_by_something"),
        ]
        triggers: ClassVar = immutable()

    def __str__(self) -> str:
        return f"tariff {self.number} of {self.generator}"
