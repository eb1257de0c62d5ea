"""A buyer's upload: what was understood of it, where its parsed files lie, and when it is gone."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from marketplace.accounts.models import Account


class Source(models.Model):
    """An upload under a private key. Nothing of its values is kept here: ``facts`` holds names, types and counts.

    receiving → uploaded → understood | refused, and from each of them gone. The row is there before the object that
    ``key`` names, and ``key`` is empty once everything that was stored is deleted.
    """

    class State(models.TextChoices):
        RECEIVING = "receiving", "being received"
        UPLOADED = "uploaded", "being read"
        UNDERSTOOD = "understood", "understood"
        REFUSED = "refused", "refused"
        GONE = "gone", "deleted"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="sources")
    name = models.CharField(max_length=200)
    bytes = models.PositiveBigIntegerField()
    identifier = models.CharField(max_length=200, blank=True)
    key = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVING)
    facts = models.JSONField(null=True)
    problems = models.JSONField(default=list)
    salt = models.BinaryField(max_length=32)
    commitment = models.CharField(max_length=71, blank=True)
    uploaded_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name

    @property
    def being_read(self) -> bool:
        """Is it not known yet what the file holds?"""
        return self.state in {self.State.RECEIVING, self.State.UPLOADED}


class SourceFile(models.Model):
    """One file of a parsed source, under a private key of its own."""

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(Source, models.CASCADE, related_name="files")
    name = models.CharField(max_length=200)
    key = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["source", "name"], name="one_source_file_a_name")]

    def __str__(self) -> str:
        return self.name
