"""Sellers for staff: their accounts at Stripe and commissions, and holds on their payouts."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.models import PayoutHold, SellerAccount
from billing.selling import debts, onboarding, payout_holds, revenue
from billing.selling.forms import CommissionForm, DecisionForm, HoldForm
from billing.selling.payout_holds import HoldMoved
from marketplace.accounts.models import User
from marketplace.web import keyset

_PAGE = 50
_HOLDS_SHOWN = 50


@require_GET
def sellers(request: HttpRequest) -> HttpResponse:
    """All sellers, and the holds that have to be reviewed, the most urgent first."""
    _staff(request)
    found = SellerAccount.objects.select_related("account")
    to_review = PayoutHold.objects.filter(state=PayoutHold.State.OPEN).select_related("account")
    context = {
        "page": keyset.requested_page(request, found, order=("-created_at", "-id"), size=_PAGE),
        "to_review": to_review.order_by("review_by", "id")[:_HOLDS_SHOWN],
    }
    return render(request, "billing/staff/sellers.html", context)


@require_GET
def seller(request: HttpRequest, slug: str) -> HttpResponse:
    """One seller: the figures, the account at Stripe, the commission and holds."""
    _staff(request)
    return _seller_page(request, _seller(slug))


@require_POST
def commission(request: HttpRequest, slug: str) -> HttpResponse:
    """Agree on another commission, for payments that begin from now on."""
    user, found = _staff(request), _seller(slug)
    form = CommissionForm(request.POST)
    if not form.is_valid():
        return _seller_page(request, found, commission_form=form)
    onboarding.agree(found, form.basis_points, user)
    messages.success(request, "The commission is changed for payments that begin from now on. The seller is told.")
    return redirect("billing:staff-seller", slug)


@require_POST
def place_hold(request: HttpRequest, slug: str) -> HttpResponse:
    """Put the seller's payouts on hold."""
    user, found = _staff(request), _seller(slug)
    form = HoldForm(request.POST)
    if not form.is_valid():
        return _seller_page(request, found, hold_form=form)
    try:
        payout_holds.place(found.account, user, **form.cleaned_data)
    except HoldMoved as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Payouts are on hold. The seller is told, with your words.")
    return redirect("billing:staff-seller", slug)


@require_POST
def open_another(request: HttpRequest, slug: str) -> HttpResponse:
    """Let a seller whose account at Stripe is closed open another one."""
    _staff(request)
    try:
        onboarding.open_another(_seller(slug))
    except ValueError as error:
        messages.error(request, f"Nothing was changed: {error}.")
    else:
        messages.success(request, "The seller may open another account, and is told so.")
    return redirect("billing:staff-seller", slug)


@require_http_methods(["GET", "HEAD", "POST"])
def hold(request: HttpRequest, hold_id: UUID) -> HttpResponse:
    """A hold with the seller's answer, and the decision with its reasons."""
    user = _staff(request)
    found = get_object_or_404(PayoutHold.objects.select_related("account", "placed_by", "decided_by"), id=hold_id)
    upheld = found.state == PayoutHold.State.UPHELD
    form = DecisionForm(request.POST if request.method == "POST" else None, upheld=upheld)
    if form.is_valid():
        decide = payout_holds.lift if form.lifts else payout_holds.uphold
        try:
            decide(found, user, form.cleaned_data["reasons"])
        except HoldMoved as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "Decided. The seller is told by e-mail.")
        return redirect("billing:staff-hold", hold_id)
    context = {"hold": found, "form": form, "in_force": found.state in PayoutHold.IN_FORCE}
    return render(request, "billing/staff/hold.html", context, status=422 if form.is_bound else 200)


def _staff(request: HttpRequest) -> User:
    """Whoever may decide. Raises Http404 for everybody else: to them there is nothing here."""
    if not request.user.has_perm(payout_holds.DECIDES):
        raise Http404("There is nothing here that you may see.")
    return cast(User, request.user)


def _seller(slug: str) -> SellerAccount:
    return get_object_or_404(SellerAccount.objects.select_related("account"), account__slug=slug)


def _seller_page(
    request: HttpRequest,
    found: SellerAccount,
    *,
    commission_form: forms.Form | None = None,
    hold_form: forms.Form | None = None,
) -> HttpResponse:
    wrong = commission_form or hold_form
    context: dict[str, Any] = {
        "seller": found,
        "figures": revenue.figures(found.account),
        "owing": debts.debt(found.account_id),
        "wanted": onboarding.wanted(found),
        "commission_form": commission_form or CommissionForm(initial={"commission": f"{found.commission / 100:.2f}"}),
        "hold_form": hold_form or HoldForm(),
        "holds": PayoutHold.objects.filter(account=found.account_id).order_by("-placed_at", "-id")[:_HOLDS_SHOWN],
        "held": PayoutHold.objects.in_force().filter(account=found.account_id).exists(),
    }
    return render(request, "billing/staff/seller.html", context, status=422 if wrong else 200)
