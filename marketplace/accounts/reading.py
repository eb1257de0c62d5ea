"""Which account reads: that of the token that a program shows, else that of the person who is signed in."""

from __future__ import annotations

import base64
import binascii

from django.http import HttpRequest

from marketplace.accounts import tokens
from marketplace.accounts.acting import acting_account
from marketplace.accounts.models import Account, ApiToken, Scope
from marketplace.web.problems import Problem

_CACHE = "_shown_token"


def reading_account(request: HttpRequest) -> Account | None:
    """The account whose licences count for this request; ``None`` for nobody.

    An ``Authorization`` header goes before a session. Raises Problem 401 for a token that opens nothing and 403 for one
    that may not read.
    """
    token = shown_token(request)
    if token is None:
        return acting_account(request)
    if Scope.READ not in token.scopes:
        raise Problem(403, "This token may not read data", f"Use one with the scope “{Scope.READ}”.", type="scope")
    return token.account


def shown_token(request: HttpRequest) -> ApiToken | None:
    """The token that a program shows as ``Bearer``, or as the password of ``Basic``; ``None`` if it shows none.

    Raises Problem 401 for one that is unknown, revoked or expired.
    """
    if not hasattr(request, _CACHE):
        setattr(request, _CACHE, _find(request.headers.get("Authorization", "")))
    found: ApiToken | None = getattr(request, _CACHE)
    return found


def _find(header: str) -> ApiToken | None:
    scheme, _, shown = header.partition(" ")
    secret = _password(shown.strip()) if scheme.lower() == "basic" else shown.strip()
    known = scheme.lower() in {"basic", "bearer"}
    if not header or (known and not shown.strip()):
        # A variable that is not set leaves the scheme alone: that is nobody, and no wrong token.
        return None
    token = tokens.authenticate(secret) if known else None
    if token is None:
        raise Problem(
            401,
            "Invalid credentials in Authorization header",
            "The token is unknown, revoked or expired. Make one on your token page, or leave the header out.",
            type="token",
        )
    return token


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
