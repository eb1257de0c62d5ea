"""The account page, and choosing which account to act for."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from marketplace.accounts.acting import acting_account, choose
from marketplace.accounts.forms import ActForForm
from marketplace.accounts.models import Account, User

# Whoever is a member of more chooses among these.
_MOST = 200


@never_cache
@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Who the reader is, what they act for, and where to change how they sign in."""
    accounts = _accounts(request)
    form = ActForForm(accounts, acting_account(request)) if len(accounts) > 1 else None
    return _page(request, form)


@login_required
@require_POST
def act_for(request: HttpRequest) -> HttpResponse:
    """Act for the account whose slug was sent."""
    accounts = _accounts(request)
    form = ActForForm(accounts, acting_account(request), request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    account = next(account for account in accounts if account.slug == form.cleaned_data["account"])
    choose(request, account)
    messages.success(request, f"You act for {account.slug} from now on.")
    return redirect("accounts:home")


def _accounts(request: HttpRequest) -> list[Account]:
    user = cast(User, request.user)
    return list(Account.objects.of(user).order_by("slug")[:_MOST])


def _page(request: HttpRequest, form: ActForForm | None, status: int = 200) -> HttpResponse:
    return render(request, "account/home.html", {"account": acting_account(request), "form": form}, status=status)
