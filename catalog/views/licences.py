"""Taking an offer, and what the account holds."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from catalog import licensing
from catalog.models import Licence, Offer
from marketplace.accounts.acting import acting_account
from marketplace.web import keyset

_PAGE = 20


@login_required
@require_POST
def acquire(request: HttpRequest, owner: str, name: str, offer: UUID) -> HttpResponse:
    """Take an offer that costs nothing; the licence is in the library."""
    found = get_object_or_404(Offer, id=offer, listing__dataset__account__slug=owner, listing__dataset__name=name)
    account = acting_account(request)
    if account is None:
        raise Http404("You are not a member of any account.")
    try:
        licensing.acquire(account, found)
    except (licensing.NotOffered, licensing.PaymentNeeded) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The licence is yours. All files can be downloaded under Files.")
    return redirect("catalog:dataset", owner, name)


@login_required
@require_GET
def library(request: HttpRequest) -> HttpResponse:
    """What the account holds licences to."""
    licences = (
        Licence.objects.filter(account=acting_account(request))
        .exclude(cause_kind=Licence.Cause.MADE)
        .select_related("dataset__account", "version", "version__shelf")
    )
    page = keyset.requested_page(request, licences, order=("-granted_at", "-id"), size=_PAGE)
    return render(request, "catalog/library.html", {"page": page})
