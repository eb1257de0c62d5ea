"""A person comes in: a user, a personal account, and the membership that joins them."""

from __future__ import annotations

from allauth.account.models import EmailAddress
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


def enrol(email: str, password: str, slug: str, *, staff: bool = False) -> Account:
    """Return the personal account of a new person whose address somebody vouches for, as a command or a test does.

    ``staff`` gives every permission. Raises ValidationError as ``open_personal_account`` does, and makes nothing then.
    """
    with transaction.atomic():
        make = User.objects.create_superuser if staff else User.objects.create_user
        user = make(email, password)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return open_personal_account(user, slug)
