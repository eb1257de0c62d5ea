"""Pages of a seller about money: what was earned, how it is paid out, and what is kept back."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.models import Payable, PayoutHold, SellerAccount, Transfer
from billing.processor import Refused, Unavailable
from billing.selling import debts, onboarding, payables, payout_holds, revenue
from billing.selling.forecast import forecast
from billing.selling.forms import AnswerForm
from marketplace.accounts.acting import acting_account, require_role
from marketplace.accounts.models import Account, Role, User
from marketplace.web import keyset
from marketplace.web.plots import Stacks, key_of_stacks, stacked_bars
from marketplace.web.templatetags.units import amount

_PAGE = 25
_HOLDS_SHOWN = 20
_NO_ANSWER = "The payment service gives no answer. Nothing was changed; try again in a minute."

P = ParamSpec("P")


def for_billing(
    view: Callable[Concatenate[HttpRequest, Account, P], HttpResponse | StreamingHttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A page for members who look after an account's money; the view is given the account."""

    @wraps(view)
    @login_required
    def page(request: HttpRequest, *args: P.args, **options: P.kwargs) -> HttpResponse | StreamingHttpResponse:
        account = acting_account(request)
        if account is None:
            raise Http404("You are not a member of any account.")
        require_role(request, Role.OWNER, Role.BILLING)
        return view(request, account, *args, **options)

    return cast("Callable[Concatenate[HttpRequest, P], HttpResponse]", page)


@require_GET
@for_billing
def revenue_page(request: HttpRequest, account: Account) -> HttpResponse:
    """What was earned, what became of it, month by month and sale by sale, and what is paid next."""
    now = timezone.now()
    seller = _seen(account)
    months = revenue.months(account, now)
    plot = Stacks(
        [f"{month.first:%b}" for month in months],
        [("licences", [month.licences for month in months]), ("custom orders", [month.orders for month in months])],
    )
    sales = Payable.objects.filter(seller=account).select_related("payment")
    context = {
        "account": account,
        "seller": seller,
        "tab": "revenue",
        "commission": onboarding.percent(seller.commission),
        "refund_days": settings.REFUND_DAYS,
        "figures": revenue.figures(account),
        "forecast": forecast(seller, now),
        "months": months,
        "lines": revenue.lines(account),
        "plot": stacked_bars(plot, label=_finding(months), words=_whole_amount),
        "key": key_of_stacks(plot),
        "page": keyset.requested_page(request, sales, order=("-created_at", "-id"), size=_PAGE),
        "holds": PayoutHold.objects.in_force().filter(account=account),
    }
    return render(request, "billing/sell/revenue.html", context)


@require_GET
@for_billing
def revenue_csv(request: HttpRequest, account: Account) -> StreamingHttpResponse:
    """All that was sold, as CSV, written while it is read."""
    response = StreamingHttpResponse(revenue.as_csv(account), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{account.slug}-revenue.csv"'
    response["Cache-Control"] = "private, no-store"
    return response


@require_GET
@for_billing
def payouts(request: HttpRequest, account: Account) -> HttpResponse:
    """The account at Stripe, what Stripe still wants, holds, and what was sent."""
    seller = _seen(account)
    sent = Transfer.objects.filter(payable__seller=account).exclude(state=Transfer.State.FAILED)
    context = {
        "account": account,
        "seller": seller,
        "tab": "payouts",
        "commission": onboarding.percent(seller.commission),
        "wanted": onboarding.wanted(seller),
        "restricted_for": seller.restricted_for.replace(".", ", ").replace("_", " "),
        "owing": debts.debt(account.id),
        "refusal": _last_refusal(account),
        "holds": PayoutHold.objects.filter(account=account).order_by("-placed_at", "-id")[:_HOLDS_SHOWN],
        "page": keyset.requested_page(
            request, sent.select_related("payable__payment"), order=("-created_at", "-id"), size=_PAGE
        ),
    }
    return render(request, "billing/sell/payouts.html", context)


@require_POST
@for_billing
def payouts_begin(request: HttpRequest, account: Account) -> HttpResponse:
    """Go (on) to Stripe's pages that set payouts up."""
    return _to_stripe(request, account)


@require_GET
@for_billing
def payouts_again(request: HttpRequest, account: Account) -> HttpResponse:
    """Where Stripe sends whoever's link is used up: on, by a new one. Nobody opens an account by following a link."""
    if not _seen(account).stripe_id:
        return redirect("billing:payouts")
    return _to_stripe(request, account)


@require_GET
@for_billing
def payouts_back(request: HttpRequest, account: Account) -> HttpResponse:
    """Where Stripe sends whoever left its pages, finished or not: what came of it is looked up."""
    try:
        onboarding.look(_seen(account))
    except (Refused, Unavailable):
        messages.info(request, "The payment service gives no answer yet. This page shows what it says when it does.")
    return redirect("billing:payouts")


@require_http_methods(["GET", "HEAD", "POST"])
@for_billing
def payout_hold(request: HttpRequest, account: Account, hold_id: UUID) -> HttpResponse:
    """A hold in full, and the seller's answer to it."""
    hold = get_object_or_404(PayoutHold.objects.filter(account=account), id=hold_id)
    form = AnswerForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            payout_holds.answer(hold, form.cleaned_data["answer"])
        except payout_holds.HoldMoved as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "Your answer is with staff.")
        return redirect("billing:payout-hold", hold_id)
    context = {"hold": hold, "form": form, "in_force": hold.state in PayoutHold.IN_FORCE}
    return render(request, "billing/sell/hold.html", context, status=422 if form.is_bound else 200)


def _to_stripe(request: HttpRequest, account: Account) -> HttpResponse:
    email = request.user.email if isinstance(request.user, User) else ""
    try:
        return HttpResponseRedirect(onboarding.link(payables.seller_account(account), email), status=303)
    except onboarding.Closed as error:
        messages.error(request, str(error))
    except Refused as error:
        messages.error(request, f"The payment service refused this: {error}")
    except Unavailable:
        messages.error(request, _NO_ANSWER)
    return redirect("billing:payouts")


def _seen(account: Account) -> SellerAccount:
    """The account as a seller; one that has not begun leaves no trace of having looked."""
    found = SellerAccount.objects.select_related("account").filter(account=account).first()
    return found or SellerAccount(account=account)


def _last_refusal(account: Account) -> str:
    """Why Stripe did not take the last transfer, while that is not over."""
    refused = Payable.objects.filter(seller=account, state=Payable.State.RELEASABLE).exclude(refusal="")
    return refused.order_by("-tried_at").values_list("refusal", flat=True).first() or ""


def _whole_amount(minor: float) -> str:
    return amount(round(minor), settings.CURRENCY).replace(".00", "")


def _finding(months: list[revenue.Month]) -> str:
    """For whoever does not see the plot: the best month, and this one."""
    best, last = max(months, key=lambda month: month.earned), months[-1]
    if not best.earned:
        return "Earned each month: nothing yet."
    return (
        f"Earned each month, licences below, custom orders above: most in {best.first:%B %Y}, "
        f"{amount(best.earned)}; {last.first:%B} so far {amount(last.earned)}."
    )
