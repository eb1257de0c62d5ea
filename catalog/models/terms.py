"""Licence terms: a text, and answers to the questions that people ask of it. A version of terms never changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.models.immutable import immutable
from marketplace.accounts.models import Account

#: What a buyer asks of a licence, by the field that answers it.
QUESTIONS: Mapping[str, str] = {
    "commercial_use": "May it be used commercially?",
    "hosted_product": "May a hosted product or service be built on it?",
    "train_models": "May models be trained on it, and used outside?",
    "redistribute": "May the data itself be passed on?",
    "derive": "May data derived from it be passed on?",
    "subset_alone": "May a part of it be passed on by itself?",
    "attribution": "Must it be named where it is used?",
}


class Terms(models.Model):
    """One version of terms, the site's own (no ``account``) or a seller's. The database refuses to change it.

    ``sha256`` is that of the canonical JSON (RFC 8785) of kind, title, text and answers.
    """

    class Kind(models.TextChoices):
        EVALUATION = "evaluation", "evaluation"
        RESEARCH = "research", "research"
        COMMERCIAL = "commercial", "commercial use"
        REDISTRIBUTION = "redistribution", "redistribution"
        MADE = "made", "made by the account"
        ORDERED = "ordered", "made to order"
        KEPT = "kept", "the account’s own rows"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="terms")
    kind = models.CharField(max_length=14, choices=Kind)
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=80)
    text = models.TextField()
    commercial_use = models.BooleanField()
    hosted_product = models.BooleanField()
    train_models = models.BooleanField()
    redistribute = models.BooleanField()
    derive = models.BooleanField()
    subset_alone = models.BooleanField()
    attribution = models.BooleanField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "terms"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "kind", "number"], nulls_distinct=False, name="one_terms_a_number"
            ),
            models.UniqueConstraint(fields=["account", "sha256"], nulls_distinct=False, name="one_terms_a_digest"),
        ]
        triggers: ClassVar = immutable()

    def __str__(self) -> str:
        return f"{self.title}, terms {self.number}"

    @property
    def answers(self) -> list[tuple[str, bool]]:
        """Each question with its answer."""
        return [(question, getattr(self, name)) for name, question in QUESTIONS.items()]
