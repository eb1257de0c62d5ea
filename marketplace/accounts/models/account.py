"""Accounts own everything; users are members of them."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from uuid_utils.compat import uuid7

from marketplace.accounts.models.user import User

#: Names that are addresses of the site itself, or would be taken for the house.
RESERVED_SLUGS = frozenset(
    """
    about account accounts admin api billing browse compare datasets docs generators healthz help house keys library
    licences login logout lookalike media orders pictures privacy rows runtimes search sell seller settings signup
    staff static status support terms tokens uploads webhooks well-known www
    """.split()  # noqa: SIM905 (a list of forty words reads better as words)
)


def refuse_reserved(slug: str) -> None:
    """Raise ValidationError for a slug that the site keeps for itself."""
    if slug in RESERVED_SLUGS:
        raise ValidationError(f"“{slug}” is kept for the site itself. Choose another name.", code="reserved")


class AccountQuerySet(models.QuerySet["Account"]):
    def of(self, user: User) -> AccountQuerySet:
        """The accounts that ``user`` is a member of."""
        return self.filter(memberships__user=user)


class Account(models.Model):
    """The owner of datasets, licences, orders, sources, generators and tokens: one person's, or an organisation's."""

    class Kind(models.TextChoices):
        PERSONAL = "personal", "personal"
        ORGANISATION = "organisation", "organisation"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.CharField(
        max_length=39,
        unique=True,
        validators=[
            RegexValidator(r"^[a-z0-9-]{3,39}\Z", "Use 3 to 39 of a–z, 0–9 and the hyphen.", code="slug"),
            refuse_reserved,
        ],
        help_text="The name in addresses: 3 to 39 of a–z, 0–9 and the hyphen. It cannot be changed later.",
    )
    name = models.CharField(max_length=120, help_text="The name that buyers see.")
    kind = models.CharField(max_length=12, choices=Kind)
    demo = models.BooleanField(default=False, help_text="Made by the demo shelves; shown as such.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(slug__regex=r"^[a-z0-9-]{3,39}$"), name="account_slug_form")
        ]

    def __str__(self) -> str:
        return self.slug


class Role(models.TextChoices):
    """What a member may do: owners everything, billing members money, members work."""

    OWNER = "owner", "owner"
    BILLING = "billing", "billing"
    MEMBER = "member", "member"


class Membership(models.Model):
    """A user's place in an account."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role, default=Role.MEMBER)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "user"], name="one_membership_a_user")]

    def __str__(self) -> str:
        return f"{self.user} in {self.account}"
