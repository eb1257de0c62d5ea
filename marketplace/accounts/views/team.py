"""The team of an account: its members and their roles, invitations, leaving; and opening an organisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketplace.accounts import teams
from marketplace.accounts.acting import acting_account, choose, require_role
from marketplace.accounts.forms import InviteForm, OrganisationForm, RoleForm
from marketplace.accounts.models import Account, Invitation, Membership, Role, User
from marketplace.web import keyset

_PAGE = 50


@never_cache
@login_required
@require_GET
def team(request: HttpRequest) -> HttpResponse:
    """Who is in the account that the reader acts for, in which role, and who is invited."""
    return _page(request, _account(request), InviteForm())


@login_required
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """Invite somebody by e-mail."""
    account = _account(request)
    require_role(request, Role.OWNER)
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _page(request, account, form)
    try:
        invitation = teams.invite(
            account, form.cleaned_data["email"], form.cleaned_data["role"], by=cast(User, request.user)
        )
    except teams.TeamRefused as error:
        form.add_error(error.field, str(error))
        return _page(request, account, form)
    messages.success(request, f"{invitation.email} gets a link by e-mail; it works for {teams.OPEN_FOR.days} days.")
    return redirect("accounts:team")


@login_required
@require_POST
def withdraw_invitation(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """End an invitation that was not accepted."""
    require_role(request, Role.OWNER)
    found = get_object_or_404(Invitation, id=invitation_id, account=_account(request))
    teams.withdraw(found)
    messages.success(request, f"The invitation of {found.email} is withdrawn.")
    return redirect("accounts:team")


@login_required
@require_POST
def change_role(request: HttpRequest, membership_id: UUID) -> HttpResponse:
    """Give a member another role."""
    require_role(request, Role.OWNER)
    member = _member(request, membership_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"Choose one of the roles {', '.join(Role.values)}; nothing was changed.")
        return redirect("accounts:team")
    role = form.cleaned_data["role"]
    return _done(request, lambda: teams.change_role(member, role), f"{member.user} is {Role(role).label} now.")


@login_required
@require_POST
def remove(request: HttpRequest, membership_id: UUID) -> HttpResponse:
    """End somebody's membership."""
    require_role(request, Role.OWNER)
    member = _member(request, membership_id)
    return _done(request, lambda: teams.remove(member), f"{member.user} is no longer a member. Their tokens ended.")


@login_required
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Leave the account that the reader acts for."""
    account = _account(request)
    member = get_object_or_404(Membership.objects.select_related("account", "user"), account=account, user=request.user)
    if account.kind == Account.Kind.PERSONAL:
        messages.error(request, "A personal account cannot be left.")
        return redirect("accounts:team")
    return _done(request, lambda: teams.remove(member), f"You left {account}. The tokens that you made there ended.")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """What the link of an invitation opens: who invites, and the button that accepts."""
    found = teams.invitation_of(secret)
    if found is None:
        raise Http404("This invitation is open no more. Ask whoever sent it for another one.")
    if request.method != "POST":
        return render(request, "account/invitation.html", {"invitation": found})
    try:
        teams.accept(found, cast(User, request.user))
    except teams.TeamRefused as error:
        raise Http404(str(error)) from error
    choose(request, found.account)
    messages.success(request, f"You are a member of {found.account} and act for it from now on.")
    return redirect("accounts:team")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def open_organisation(request: HttpRequest) -> HttpResponse:
    """Open an organisation; whoever does owns it and acts for it."""
    form = OrganisationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            account = teams.open_organisation(cast(User, request.user), asked["slug"], asked["name"])
        except (ValidationError, IntegrityError):
            form.add_error("slug", f"“{asked['slug']}” was taken just now. Choose another name.")
        else:
            choose(request, account)
            messages.success(request, f"{account.name} is open. You act for it from now on.")
            return redirect("accounts:team")
    return render(request, "account/organisation.html", {"form": form}, status=422 if form.is_bound else 200)


def _account(request: HttpRequest) -> Account:
    account = acting_account(request)
    if account is None:
        raise Http404("You are not a member of any account.")
    return account


def _member(request: HttpRequest, membership_id: UUID) -> Membership:
    members = Membership.objects.select_related("account", "user")
    return get_object_or_404(members, id=membership_id, account=_account(request))


def _done(request: HttpRequest, do: Callable[[], None], words: str) -> HttpResponse:
    try:
        do()
    except teams.TeamRefused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, words)
    return redirect("accounts:team")


def _page(request: HttpRequest, account: Account, form: InviteForm) -> HttpResponse:
    members = account.memberships.select_related("user")
    own = members.filter(user=cast(User, request.user)).first()
    context = {
        "account": account,
        "page": keyset.requested_page(request, members, order=("id",), size=_PAGE),
        "invitations": account.invitations.open().select_related("invited_by").order_by("email"),
        "form": form,
        "owner": own is not None and own.role == Role.OWNER,
        "organisation": account.kind == Account.Kind.ORGANISATION,
        "own": own,
        "roles": Role.choices,
    }
    return render(request, "account/team.html", context, status=422 if form.is_bound else 200)
