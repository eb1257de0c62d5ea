"""Organisations and who is in them: opening one, inviting, joining, changing roles, leaving."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from marketplace.accounts.models import Account, ApiToken, Invitation, Membership, Role, User
from marketplace.accounts.notices import Notice, tell_person

#: How long an invitation can be accepted.
OPEN_FOR = timedelta(days=14)
_MOST_OPEN = 50


class TeamRefused(Exception):
    """What was asked for the team cannot be; the message says why and what to do. ``field`` is what was wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def open_organisation(user: User, slug: str, name: str) -> Account:
    """Return a new organisation with ``user`` as its owner.

    Raises ValidationError with all that is wrong with slug and name; nothing is made then.
    """
    account = Account(slug=slug, name=name, kind=Account.Kind.ORGANISATION)
    account.full_clean()
    with transaction.atomic():
        account.save()
        Membership.objects.create(account=account, user=user, role=Role.OWNER)
    return account


def invite(account: Account, email: str, role: str, *, by: User) -> Invitation:
    """Mail ``email`` a link to join ``account``; an earlier open invitation to it ends. Raises TeamRefused."""
    email = email.lower()
    with transaction.atomic():
        _locked(account)
        if account.kind != Account.Kind.ORGANISATION:
            raise TeamRefused("email", "A personal account is one person’s. Open an organisation to work together.")
        if account.memberships.filter(user__email=email).exists():
            raise TeamRefused("email", f"{email} is a member of {account} already.")
        if account.invitations.open().exclude(email=email).count() >= _MOST_OPEN:
            raise TeamRefused("email", f"{_MOST_OPEN} invitations are open. Withdraw one first.")
        account.invitations.filter(email=email, ended_at=None).update(ended_at=Now())
        secret = secrets.token_urlsafe(32)
        invitation = Invitation.objects.create(
            account=account,
            email=email,
            role=role,
            invited_by=by,
            sha256=_digest(secret),
            expires_at=timezone.now() + OPEN_FOR,
        )
        notice = Notice(
            subject=f"You are invited to {account.name}",
            paragraphs=[
                f"{by.email} invites you to {account.name} ({account.slug}), as {Role(role).label}.",
                f"The link works until {invitation.expires_at:%d %B %Y, %H:%M} UTC. If you do not know what this is, "
                "do nothing.",
            ],
            path=reverse("accounts:invitation", args=[secret]),
            action="See the invitation, signed in",
        )
        tell_person(email, notice)
        return invitation


def invitation_of(secret: str) -> Invitation | None:
    """The open invitation that the link with ``secret`` stands for."""
    return Invitation.objects.open().select_related("account", "invited_by").filter(sha256=_digest(secret)).first()


def accept(invitation: Invitation, user: User) -> Membership:
    """Make ``user`` a member; accepting it again changes nothing. Raises TeamRefused when it is open no more."""
    with transaction.atomic():
        _locked(invitation.account)
        member = Membership.objects.filter(account=invitation.account, user=user).first()
        if member is not None:
            return member
        if not Invitation.objects.open().filter(id=invitation.id).update(ended_at=Now()):
            raise TeamRefused("invitation", "This invitation is open no more. Ask for another one.")
        return Membership.objects.create(account=invitation.account, user=user, role=invitation.role)


def withdraw(invitation: Invitation) -> None:
    """End an invitation that was not accepted; ending it twice changes nothing."""
    Invitation.objects.filter(id=invitation.id, ended_at=None).update(ended_at=Now())


def change_role(member: Membership, role: str) -> None:
    """Give a member another role. Raises TeamRefused for the last owner, who keeps theirs."""
    with transaction.atomic():
        _locked(member.account)
        if role != Role.OWNER:
            _refuse_last_owner(member)
        Membership.objects.filter(id=member.id).update(role=role)


def remove(member: Membership) -> None:
    """End a membership, and the account's tokens that this person made. Raises TeamRefused for the last owner."""
    with transaction.atomic():
        _locked(member.account)
        _refuse_last_owner(member)
        ApiToken.objects.filter(account=member.account, created_by=member.user, revoked_at=None).update(
            revoked_at=Now()
        )
        Membership.objects.filter(id=member.id).delete()


def _refuse_last_owner(member: Membership) -> None:
    owners = Membership.objects.filter(account=member.account, role=Role.OWNER)
    if owners.filter(id=member.id).exists() and not owners.exclude(id=member.id).exists():
        raise TeamRefused("role", f"{member.user} is the only owner of {member.account}. Make another one first.")


def _locked(account: Account) -> None:
    """Let no two changes of one team pass each other."""
    Account.objects.select_for_update(no_key=True).get(id=account.id)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
