"""Money for staff: the books, payments with refunds, dead letters, disputes, tax ids to confirm, days compared."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing import events as all_events
from billing import kinds, refunds
from billing.books import reports
from billing.invoicing import profiles
from billing.models import BillingProfile, Dispute, Event, Payment, Reconciliation, Refund
from billing.staff_forms import ConfirmForm, RefundForm
from marketplace.accounts.models import User
from marketplace.web import keyset
from marketplace.work import queue

_PAGE = 50


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """The trial balance, and how much waits for staff."""
    _staff(request, "view_entry")
    context = {"trial": reports.trial_balance(), "counts": reports.counts(), "newest": _newest_day()}
    return render(request, "billing/staff/overview.html", context)


@require_GET
def payments(request: HttpRequest) -> HttpResponse:
    """Payments, newest first, or those that something names: an account, an id of ours or of Stripe's, a document."""
    _staff(request, "view_payment")
    asked = request.GET.get("named", "").replace("\0", "").strip()[:255]
    found = reports.payments_named(asked).select_related("account", "seller").prefetch_related("refunds", "disputes")
    page = keyset.requested_page(request, found, order=("-created_at", "-id"), size=_PAGE)
    return render(request, "billing/staff/payments.html", {"page": page, "named": asked})


@require_http_methods(["GET", "HEAD", "POST"])
def payment(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    """One payment with all that became of it, and a form that gives money back."""
    user = _staff(request, "view_payment")
    found = get_object_or_404(Payment.objects.select_related("account", "seller"), id=payment_id)
    form = RefundForm(left=refunds.returnable(found), currency=found.currency)
    if request.method == "POST":
        _staff(request, "add_refund")
        form = _refund(request, user, found)
        if form.is_valid():
            messages.success(request, "The refund is on its way to Stripe. The buyer is told when it arrived.")
            return redirect("billing:staff-payment", payment_id)
    context = {
        "payment": found,
        "form": form if request.user.has_perm("billing.add_refund") else None,
        "left": refunds.returnable(found),
        "intents": found.intents.order_by("created_at", "id"),
        "refunds": found.refunds.select_related("requested_by").order_by("created_at", "id"),
        "disputes": found.disputes.order_by("opened_at", "id"),
        "documents": found.invoices.order_by("issued_at", "id"),
        "postings": reports.postings(found),
        "commission": found.commission / 10_000,
    }
    return render(request, "billing/staff/payment.html", context, status=422 if form.is_bound else 200)


@require_GET
def events(request: HttpRequest) -> HttpResponse:
    """Events of Stripe that could not be processed, newest first."""
    _staff(request, "view_event")
    dead = Event.objects.filter(state=Event.State.DEAD)
    page = keyset.requested_page(request, dead, order=("-received_at", "-id"), size=_PAGE)
    return render(request, "billing/staff/events.html", {"page": page})


@require_POST
def replay(request: HttpRequest, event_id: UUID) -> HttpResponse:
    """Have a dead letter looked into again."""
    _staff(request, "change_event")
    found = get_object_or_404(Event, id=event_id, state=Event.State.DEAD)
    all_events.replay(found)
    messages.success(request, f"{found.type} is looked into again. It comes back here if that fails too.")
    return redirect("billing:staff-events")


@require_GET
def disputes(request: HttpRequest) -> HttpResponse:
    """Disputes, newest first; they are answered at Stripe."""
    _staff(request, "view_dispute")
    all_disputes: QuerySet[Dispute] = Dispute.objects.select_related("payment__account", "payment__seller")
    page = keyset.requested_page(request, all_disputes, order=("-opened_at", "-id"), size=_PAGE)
    return render(request, "billing/staff/disputes.html", {"page": page})


@require_GET
def tax_ids(request: HttpRequest) -> HttpResponse:
    """Tax ids that nobody has looked up in their register, the longest waiting first."""
    _staff(request, "view_billingprofile")
    waiting = BillingProfile.objects.unchecked().select_related("account")
    page = keyset.requested_page(request, waiting, order=("changed_at", "id"), size=_PAGE)
    return render(request, "billing/staff/tax_ids.html", {"page": page})


@require_POST
def confirm_tax_id(request: HttpRequest, profile_id: UUID) -> HttpResponse:
    """Record that the id that was shown is valid."""
    user = _staff(request, "change_billingprofile")
    found = get_object_or_404(BillingProfile, id=profile_id)
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was confirmed: reload the page and confirm again.")
        return redirect("billing:staff-tax-ids")
    try:
        profiles.confirm_tax_id(found, form.seen, by=user)
    except profiles.ProfileMoved as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{found.tax_id} of {found.legal_name} is confirmed.")
    return redirect("billing:staff-tax-ids")


@require_GET
def reconciliations(request: HttpRequest) -> HttpResponse:
    """Days compared with Stripe's balance, newest first."""
    _staff(request, "view_reconciliation")
    page = keyset.requested_page(request, Reconciliation.objects.all(), order=("-day",), size=_PAGE)
    return render(request, "billing/staff/reconciliations.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
def reconciliation(request: HttpRequest, reconciliation_id: UUID) -> HttpResponse:
    """One day with each difference; it can be compared again."""
    _staff(request, "view_reconciliation")
    found = get_object_or_404(Reconciliation, id=reconciliation_id)
    if request.method == "POST":
        _staff(request, "change_reconciliation")
        with transaction.atomic():
            queue.enqueue(kinds.RECONCILE, found.id)
        messages.success(request, f"{found.day} is compared again. Look again in a minute.")
        return redirect("billing:staff-reconciliation", found.id)
    return render(request, "billing/staff/reconciliation.html", {"found": found})


def _refund(request: HttpRequest, user: User, found: Payment) -> RefundForm:
    """The form that was sent, and, if it is valid, the refund that it asks for. One at a time for a payment."""
    with transaction.atomic():
        locked = Payment.objects.locked(found.id)
        form = RefundForm(request.POST, left=refunds.returnable(locked), currency=found.currency)
        if form.is_valid():
            asked = form.cleaned_data
            refunds.ask(locked, asked["amount"], reason=Refund.Reason.STAFF, by=user, note=asked["note"])
        return form


def _newest_day() -> Reconciliation | None:
    return Reconciliation.objects.order_by("-day").first()


def _staff(request: HttpRequest, permission: str) -> User:
    """Whoever has ``permission`` of billing. Raises Http404 for everybody else: to them there is nothing here."""
    if not request.user.has_perm(f"billing.{permission}"):
        raise Http404("There is nothing here that you may see.")
    return cast(User, request.user)
