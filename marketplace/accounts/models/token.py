"""API tokens of an account."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from marketplace.accounts.models.account import Account
from marketplace.accounts.models.user import User


class Scope(models.TextChoices):
    """What a token may be used for."""

    READ = "read", "read what the account may have"
    ORDER = "order", "place orders"
    PURCHASE = "purchase", "buy licences"
    SELL = "sell", "publish datasets and generators"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def in_force(self) -> ApiTokenQuerySet:
        """Tokens that are neither revoked nor expired."""
        return self.filter(revoked_at=None).exclude(expires_at__lte=Now())


class ApiToken(models.Model):
    """A secret that a program shows; stored as SHA-256 only (it has 256 random bits, so a slow hash adds nothing)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.CASCADE, related_name="tokens")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=80)
    sha256 = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=8, choices=Scope))
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = ApiTokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} of {self.account_id}"
