"""A person signs up: a user, a personal account, and the membership that joins them."""

from __future__ import annotations

from django.db import transaction

from marketplace.accounts.models import Account, Membership, Role, User


def open_personal_account(user: User, slug: str) -> Account:
    """Return the new personal account of ``user``. Raises ValidationError for a slug that is taken or not allowed."""
    account = Account(slug=slug, name=slug, kind=Account.Kind.PERSONAL)
    account.full_clean()
    with transaction.atomic():
        account.save()
        Membership.objects.create(account=account, user=user, role=Role.OWNER)
    return account
