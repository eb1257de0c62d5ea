"""Issuing, checking and revoking API tokens."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone

from marketplace.accounts.models import Account, ApiToken, Scope, User

PREFIX = "lk_"
_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class IssuedToken:
    """A new token and its secret, which is shown this once and cannot be read again."""

    token: ApiToken
    secret: str


def issue(
    account: Account,
    *,
    created_by: User,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None = None,
) -> IssuedToken:
    """Make a token of ``account``. Raises ValueError with all that is wrong with name, scopes and expiry."""
    wanted = sorted(set(scopes))
    if faults := _faults(name, wanted, expires_at):
        raise ValueError(" ".join(faults))
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        account=account,
        created_by=created_by,
        name=name,
        scopes=wanted,
        expires_at=expires_at,
        sha256=_hash(secret),
    )
    return IssuedToken(token, secret)


def authenticate(secret: str) -> ApiToken | None:
    """The token in force that ``secret`` belongs to, with its account; its use is noted at most once a minute.

    It works as long as whoever made it may sign in.
    """
    if not secret.startswith(PREFIX):
        return None
    in_force = ApiToken.objects.in_force().filter(created_by__is_active=True)
    token = in_force.select_related("account").filter(sha256=_hash(secret)).first()
    if token is not None:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=Now() - _NOTED_EVERY)
        ApiToken.objects.filter(stale, id=token.id).update(last_used_at=Now())
    return token


def bearer(request: HttpRequest) -> ApiToken | None:
    """The token in force of an ``Authorization: Bearer …`` header, if there is one."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return authenticate(secret.strip()) if scheme.lower() == "bearer" else None


def revoke(token: ApiToken) -> None:
    """End a token now; ending it twice changes nothing."""
    ApiToken.objects.filter(id=token.id, revoked_at=None).update(revoked_at=Now())


def _faults(name: str, scopes: Collection[str], expires_at: datetime | None) -> list[str]:
    longest = ApiToken._meta.get_field("name").max_length or 0
    faults = []
    if not name.strip() or len(name) > longest:
        faults.append(f"name: a token is named with 1 to {longest} characters, not {len(name)}.")
    if not scopes or set(scopes) - set(Scope.values):
        faults.append(f"scopes: choose at least one of {', '.join(Scope.values)}; got {list(scopes)}.")
    if expires_at is not None and expires_at <= timezone.now():
        faults.append(f"expires_at: {expires_at:%Y-%m-%d %H:%M} UTC is over; choose a later time.")
    return faults


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
