"""A named series of versions, owned by an account."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from uuid_utils.compat import uuid7

from catalog.models.keeping import never_given_away
from marketplace.accounts.models import Account


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def named(self, owner: str, name: str) -> DatasetQuerySet:
        """The dataset at ``/datasets/{owner}/{name}``, with its account and listing."""
        return self.filter(account__slug=owner, name=name).select_related("account", "listing")


class Dataset(models.Model):
    """A series of versions under one name. It is private unless a listing shows it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="datasets")
    name = models.CharField(
        max_length=80,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]{1,79}\Z", "Use a–z, 0–9 and the hyphen.", code="name")],
    )
    title = models.CharField(max_length=160)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "name"], name="one_dataset_a_name"),
            models.CheckConstraint(
                condition=models.Q(name__regex=r"^[a-z0-9][a-z0-9-]{1,79}$"), name="dataset_name_form"
            ),
        ]
        triggers: ClassVar = [never_given_away()]

    def __str__(self) -> str:
        return f"{self.account.slug}/{self.name}"
