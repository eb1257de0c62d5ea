"""Which account a request acts for: the one that the signed-in user chose, else their personal one."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Case, Value, When
from django.http import HttpRequest

from marketplace.accounts.models import Account, Membership, User

_CHOSEN = "acting_account"
_CACHE = "_acting_account"


def acting_account(request: HttpRequest) -> Account | None:
    """The account that this request acts for; ``None`` for nobody. One query a request.

    A chosen account counts only while the user is a member of it.
    """
    if not hasattr(request, _CACHE):
        setattr(request, _CACHE, _find(request))
    found: Account | None = getattr(request, _CACHE)
    return found


def require_role(request: HttpRequest, *roles: str) -> None:
    """See that the user has one of ``roles`` in the account that the request acts for. Raises PermissionDenied."""
    account, user = acting_account(request), request.user
    members = Membership.objects.filter(account=account, role__in=roles)
    if not isinstance(user, User) or not members.filter(user=user).exists():
        raise PermissionDenied(f"This is for members who are {' or '.join(roles)}. Ask an owner of the account.")


def choose(request: HttpRequest, account: Account) -> None:
    """Act for ``account`` from now on. Raises PermissionDenied when the user is not a member."""
    user = request.user
    if not isinstance(user, User) or not Account.objects.of(user).filter(id=account.id).exists():
        raise PermissionDenied(f"you are not a member of {account}")
    request.session[_CHOSEN] = str(account.id)
    setattr(request, _CACHE, account)


def _find(request: HttpRequest) -> Account | None:
    user = request.user
    if not isinstance(user, User):
        return None
    preferences = [When(kind=Account.Kind.PERSONAL, then=Value(1))]
    chosen = request.session.get(_CHOSEN)
    if chosen:
        preferences.insert(0, When(id=UUID(chosen), then=Value(0)))
    return Account.objects.of(user).order_by(Case(*preferences, default=Value(2)), "memberships__id").first()
