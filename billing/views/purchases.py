"""Buying: an offer is taken, paid on Stripe's page, and what came of it is shown."""

from __future__ import annotations

import contextlib
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST
from uuid_utils.compat import uuid7

from billing import purchases, refunds
from billing.invoicing import invoices
from billing.models import Purchase, Refund
from billing.payments import PaymentMoved
from billing.processor import Refused, Unavailable
from billing.purchases import HeldAlready, NotReturnable
from billing.settling import settle
from catalog import licensing
from catalog.licensing import NotOffered
from catalog.models import Licence, Offer
from catalog.views.seen import dataset_at, nothing_there
from marketplace.accounts.acting import acting_account, require_role
from marketplace.accounts.models import Account, Role, User
from marketplace.web.problems import Fault, Problem

#: States that soon become another by themselves.
_MOVING = frozenset({*Purchase.UNPAID, Purchase.State.PAID, Purchase.State.REFUNDING})
_NO_ANSWER = "The payment service gives no answer. Nothing was charged; try again in a minute."


@login_required
@require_POST
def buy(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """Begin to buy the offer that was chosen, and go to the page where it is paid.

    ``key`` may name the purchase: the same key never buys twice.
    """
    account = _paying(request, owner, name)
    offer, key = _chosen(request, owner, name)
    try:
        purchase = purchases.buy(account, offer, by=_user(request), key=key)
    except (NotOffered, HeldAlready) as error:
        messages.error(request, str(error))
        return redirect("catalog:dataset", owner, name)
    return _to_page(request, purchase)


@login_required
@require_GET
def purchase(request: HttpRequest, purchase_id: UUID) -> HttpResponse:
    """A purchase as it stands. Whoever comes back from Stripe's page sees what came of it, event or no event."""
    found = _own(request, purchase_id)
    if found.state in Purchase.UNPAID and "back" in request.GET:
        found = _settled(request, found)
    return render(request, "billing/purchase.html", _context(found, _user(request)))


@login_required
@require_GET
def purchase_state(request: HttpRequest, purchase_id: UUID) -> HttpResponse:
    """The living part of a purchase's page, as a fragment; nothing while it is what was ``seen``.

    So whoever stands on one of its buttons stays there, and a screen reader tells of what is new only.
    """
    context = _context(_own(request, purchase_id), _user(request))
    if request.GET.get("seen") == context["standing"]:
        return HttpResponse(status=204)
    return render(request, "billing/_purchase.html", context)


@login_required
@require_POST
def pay(request: HttpRequest, purchase_id: UUID) -> HttpResponse:
    """Go (on) to the page where the purchase is paid."""
    found = _own(request, purchase_id)
    require_role(request, Role.OWNER, Role.BILLING)
    return _to_page(request, found)


@login_required
@require_POST
def cancel(request: HttpRequest, purchase_id: UUID) -> HttpResponse:
    """Give up a purchase that is not paid."""
    found = _own(request, purchase_id)
    require_role(request, Role.OWNER, Role.BILLING)
    try:
        purchases.give_up(found)
    except PaymentMoved as error:
        messages.error(request, str(error))
    except (Refused, Unavailable):
        messages.error(request, _NO_ANSWER)
    return redirect("billing:purchase", found.id)


@login_required
@require_POST
def give_back(request: HttpRequest, purchase_id: UUID) -> HttpResponse:
    """Ask for the money back, within the time that every buyer has."""
    found = _own(request, purchase_id)
    require_role(request, Role.OWNER, Role.BILLING)
    try:
        purchases.give_back(found, by=_user(request))
    except (NotReturnable, refunds.TooMuch) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Your money is on its way back. The licence is no longer in force.")
    return redirect("billing:purchase", found.id)


def _to_page(request: HttpRequest, found: Purchase) -> HttpResponse:
    try:
        return HttpResponseRedirect(purchases.pay(found), status=303)
    except PaymentMoved as error:
        messages.info(request, str(error))
    except Refused as error:
        messages.error(request, f"The payment service refused this: {error}")
    except Unavailable:
        messages.error(request, _NO_ANSWER)
    return redirect("billing:purchase", found.id)


def _settled(request: HttpRequest, found: Purchase) -> Purchase:
    try:
        settle(found.payment_id)
    except (Refused, Unavailable):
        messages.info(request, "The payment service gives no answer yet. This page tells you when it does.")
        return found
    return _own(request, found.id)


def _paying(request: HttpRequest, owner: str, name: str) -> Account:
    account = acting_account(request)
    if account is None:
        raise nothing_there(owner, name)
    require_role(request, Role.OWNER, Role.BILLING)
    return account


def _chosen(request: HttpRequest, owner: str, name: str) -> tuple[Offer, UUID]:
    """The open offer and the key that the form names; all that is wrong with them is said at once."""
    dataset = dataset_at(owner, name)
    if licensing.newest_for(acting_account(request), dataset) is None:
        raise nothing_there(owner, name)
    faults = []
    offer, key = None, uuid7()
    with contextlib.suppress(ValueError):
        offer = Offer.objects.open().filter(id=UUID(request.POST.get("offer", "")), listing__dataset=dataset).first()
    if offer is None:
        faults.append(Fault("offer", "This is not offered.", "Choose one of the licences on the dataset’s page."))
    try:
        key = UUID(request.POST["key"]) if "key" in request.POST else key
    except ValueError:
        faults.append(Fault("key", "This is no UUID.", "Send a UUID of your own, or none."))
    if faults or offer is None:
        raise Problem(422, "This cannot be bought", faults=faults)
    return offer, key


def _own(request: HttpRequest, purchase_id: UUID) -> Purchase:
    account = acting_account(request)
    found = Purchase.objects.filter(account=account).select_related(
        "payment", "offer__terms", "version__dataset__account", "account", "bought_by"
    )
    return get_object_or_404(found, id=purchase_id)


def _user(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User):
        raise PermissionError("somebody who is signed in")
    return user


def _context(found: Purchase, reader: User) -> dict[str, object]:
    licence = Licence.objects.filter(cause_kind=Licence.Cause.PURCHASE, cause_id=found.id).first()
    refunded = list(found.payment.refunds.filter(intent__surplus=False).order_by("created_at")[:20])
    documents = invoices.readable(found.payment, reader)
    refusal = "refused" if found.payment.refusal else ""
    return {
        "purchase": found,
        "payment": found.payment,
        "net": found.payment.captured - found.payment.tax,
        "dataset": found.version.dataset,
        "licence": licence,
        "refunds": refunded,
        "documents": documents,
        "standing": " ".join([found.state, refusal, *(back.state for back in refunded), str(len(documents))]),
        "live": found.state in _MOVING or any(back.state in Refund.UNDER_WAY for back in refunded),
        "unpaid": found.state in Purchase.UNPAID,
        "returnable": refunds.returnable(found.payment) if refunds.may_return(found) else 0,
        "refund_days": settings.REFUND_DAYS,
    }
