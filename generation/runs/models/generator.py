"""The registry: generators, their versions by digest, and the runtimes that made data."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.models.immutable import immutable
from marketplace.accounts.models import Account


class Generator(models.Model):
    """Code with a name, owned by an account."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="generators")
    name = models.CharField(max_length=80)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "name"], name="one_generator_a_name")]

    def __str__(self) -> str:
        return f"{self.account.slug}/{self.name}"


class GeneratorVersionQuerySet(models.QuerySet["GeneratorVersion"]):
    def newest_first(self) -> GeneratorVersionQuerySet:
        """The version registered last comes first."""
        return self.order_by("-registered_at", "-id")

    def newest_of_each_generator(self) -> GeneratorVersionQuerySet:
        """One version a generator, the one registered last."""
        return self.order_by("generator_id", "-registered_at", "-id").distinct("generator_id")


class GeneratorVersion(models.Model):
    """A generator at one digest; the database refuses to change it.

    ``reference`` is what the runner loads (an entry point or ``module:attribute``); ``description`` is what the
    generator said of itself when it was registered: title, summary, modality, source, JSON Schema of its parameters.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    generator = models.ForeignKey(Generator, models.PROTECT, related_name="versions")
    number = models.CharField(max_length=40)
    digest = models.CharField(max_length=64, unique=True)
    reference = models.CharField(max_length=200)
    description = models.JSONField()
    registered_at = models.DateTimeField(db_default=Now())

    objects = GeneratorVersionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["generator", "number"], name="one_generator_version_a_number")
        ]
        triggers: ClassVar = immutable()

    def __str__(self) -> str:
        return f"{self.generator} {self.number}"

    @property
    def title(self) -> str:
        """What the generator makes, in a few words."""
        return str(self.description["title"])

    @property
    def takes_source(self) -> bool:
        """Does it learn from an upload?"""
        return bool(self.description["source"] != "none")

    @property
    def keeps_rows(self) -> bool:
        """Does it give rows of the upload back? Then what it makes stays with the account for ever."""
        return bool(self.description.get("keeps_rows", False))


class Runtime(models.Model):
    """The document of everything that a runner child may import and how it is pinned; its digest is the id."""

    id = models.CharField(primary_key=True, max_length=64)
    document = models.JSONField()
    seen_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.id
