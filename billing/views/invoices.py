"""What an account paid: its payments with their documents, and one document as a page and on paper."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from billing.invoicing import documents as invoice_documents
from billing.invoicing import invoices
from billing.models import BillingProfile, Customer, Invoice, Payment
from marketplace.accounts.acting import acting_account, require_role
from marketplace.accounts.models import Role, User
from marketplace.web import keyset

_PAGE = 20


@never_cache
@login_required
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """The account's payments, newest first, each with its invoice, its refunds and their credit notes."""
    account = acting_account(request)
    if account is None:
        raise Http404("You are not a member of any account.")
    require_role(request, Role.OWNER, Role.BILLING)
    payments = Payment.objects.filter(account=account).prefetch_related("invoices", "refunds__intent", "disputes")
    context = {
        "account": account,
        "page": keyset.requested_page(request, payments, order=("-created_at", "-id"), size=_PAGE),
        "profile": BillingProfile.objects.filter(account=account).first(),
        "card": Customer.objects.filter(account=account).exclude(payment_method="").exists(),
    }
    return render(request, "billing/overview.html", context)


@never_cache
@login_required
@require_GET
def invoice(request: HttpRequest, invoice_id: UUID) -> HttpResponse:
    """One invoice or credit note, as it is printed."""
    found = _readable(request, invoice_id)
    context = {
        "invoice": found,
        "document": invoice_documents.document(found),
        "corrections": found.corrections.order_by("issued_at", "id"),
    }
    return render(request, "billing/invoice.html", context)


@never_cache
@login_required
@require_GET
def invoice_pdf(request: HttpRequest, invoice_id: UUID) -> HttpResponse:
    """The same on paper."""
    found = _readable(request, invoice_id)
    response = HttpResponse(invoice_documents.pdf(found), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{found.number}.pdf"'
    return response


def _readable(request: HttpRequest, invoice_id: UUID) -> Invoice:
    """The document, if the reader may see it. Raises Http404 else: to everybody else there is none."""
    found = Invoice.objects.select_related("account", "corrects").filter(id=invoice_id).first()
    if found is None or not invoices.may_read(cast(User, request.user), found.account):
        raise Http404("There is no invoice here of an account whose money you may see.")
    return found
