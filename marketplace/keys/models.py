"""Our signing keys."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class Purpose(models.TextChoices):
    """What a key signs. A signature by the key of another purpose counts for nothing."""

    PROVENANCE = "provenance", "provenance of versions"
    LICENCE = "licence", "licence certificates"
    DELETION = "deletion", "receipts of what was deleted"


class SigningKeyQuerySet(models.QuerySet["SigningKey"]):
    def usable(self, purpose: str) -> SigningKeyQuerySet:
        """Keys that may sign now, the newest first."""
        return self.filter(purpose=purpose, signs_from__lte=Now(), compromised_at=None).order_by("-signs_from")


class SigningKey(models.Model):
    """An Ed25519 key. ``kid`` is its RFC 7638 thumbprint; the private half is sealed with the deployment's secret.

    A key is published before it signs (``signs_from``) and stays so after; only a compromised one leaves the set.
    """

    kid = models.CharField(primary_key=True, max_length=43)
    purpose = models.CharField(max_length=10, choices=Purpose)
    public = models.BinaryField(max_length=32)
    sealed = models.BinaryField()
    published_at = models.DateTimeField(db_default=Now())
    signs_from = models.DateTimeField()
    compromised_at = models.DateTimeField(null=True)

    objects = SigningKeyQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["purpose", "-signs_from"], name="signing_key_newest_first")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.kid}"
