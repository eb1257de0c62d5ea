"""API tokens of the account that the reader acts for: made, shown once, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from marketplace.accounts import tokens as api_tokens
from marketplace.accounts.acting import acting_account, require_role
from marketplace.accounts.forms import TokenForm
from marketplace.accounts.models import Account, ApiToken, Role, Scope, User
from marketplace.web import keyset

_PAGE = 50


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The account's tokens, and a form that makes another one; its secret is on the page that answers, and nowhere."""
    account = _account(request)
    form = TokenForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, account, form, status=422 if form.is_bound else 200)
    days = form.cleaned_data["days"]
    issued = api_tokens.issue(
        account,
        created_by=cast(User, request.user),
        name=form.cleaned_data["name"],
        scopes=[Scope.READ],
        expires_at=timezone.now() + timedelta(days=int(days)) if days else None,
    )
    return _page(request, account, TokenForm(), secret=issued.secret)


@login_required
@require_POST
def revoke_token(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """End a token: whoever made it may, and owners may."""
    token = get_object_or_404(ApiToken, id=token_id, account=_account(request))
    if token.created_by_id != request.user.pk:
        require_role(request, Role.OWNER)
    api_tokens.revoke(token)
    messages.success(request, f"The token {token.name} is revoked. Programs that use it are refused from now on.")
    return redirect("accounts:tokens")


def _account(request: HttpRequest) -> Account:
    account = acting_account(request)
    if account is None:
        raise Http404("You are not a member of any account.")
    return account


def _page(
    request: HttpRequest, account: Account, form: TokenForm, *, secret: str = "", status: int = 200
) -> HttpResponse:
    found = account.tokens.select_related("created_by")
    context = {
        "account": account,
        "page": keyset.requested_page(request, found, order=("-created_at", "-id"), size=_PAGE),
        "form": form,
        "secret": secret,
        "site": settings.PUBLIC_URL,
        "now": timezone.now(),
    }
    return render(request, "account/tokens.html", context, status=status)
