"""Taking an offer, what the account holds, one licence, and the terms that it is under."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_POST

from catalog import certificates, holding, licensing, status_lists
from catalog.models import Dataset, Licence, Offer, Reading, Terms
from catalog.views.seen import dataset_at, nothing_there
from marketplace.accounts.acting import acting_account
from marketplace.web import keyset

_PAGE = 20
_DELIVERIES_SHOWN = 50


@login_required
@require_POST
def acquire(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """Take the offer that was chosen: what costs nothing is in the library at once, what has a price is bought."""
    dataset = dataset_at(owner, name)
    account = acting_account(request)
    if account is None or licensing.newest_for(account, dataset) is None:
        raise nothing_there(owner, name)
    offer = _chosen(request, dataset)
    if offer is None:
        messages.error(request, "Choose one of the licences that are offered; nothing was taken.")
        return redirect("catalog:dataset", owner, name)
    if offer.price and (buying := _where_to_buy(owner, name)):
        # The form goes on as it is: method and fields stay (RFC 9110, section 15.4.8).
        return HttpResponseRedirect(buying, status=HTTPStatus.TEMPORARY_REDIRECT)
    try:
        licence = licensing.acquire(account, offer)
    except (licensing.NotOffered, licensing.PaymentNeeded) as error:
        messages.error(request, str(error))
        return redirect("catalog:dataset", owner, name)
    messages.success(request, f"The licence is {account}’s. All files can be downloaded under Files.")
    return redirect("catalog:version", owner, name, licence.version.number)


@login_required
@require_GET
def library(request: HttpRequest) -> HttpResponse:
    """What the account holds licences to."""
    licences = (
        Licence.objects.filter(account=acting_account(request))
        .exclude(cause_kind=Licence.Cause.MADE)
        .select_related("dataset__account", "version__shelf", "terms")
        .standing()
    )
    page = keyset.requested_page(request, licences, order=("-granted_at", "-id"), size=_PAGE)
    return render(request, "catalog/library.html", {"page": page})


@login_required
@require_GET
def licence(request: HttpRequest, licence_id: UUID) -> HttpResponse:
    """One licence of the account: to what, under which terms, until when, and what was downloaded under it.

    Whether it still holds, and its certificate, which others can check.
    """
    licences = Licence.objects.select_related("account", "dataset__account", "version__shelf", "terms", "offer")
    found = get_object_or_404(licences.standing(), id=licence_id, account=acting_account(request))
    certificate = certificates.of(found)
    context = {
        "licence": found,
        "notice": None if found.stands == Licence.State.IN_FORCE else holding.notice(found),
        "certificate": certificate,
        "purchase": certificates.claims(certificate)["purchase"],
        "status_list": status_lists.address(certificate.status_list),
        "reading": Reading.objects.filter(licence=found).select_related("version").first(),
        "deliveries": found.deliveries.select_related("version").order_by("-at")[:_DELIVERIES_SHOWN],
    }
    return render(request, "catalog/licence.html", context)


@require_GET
def terms(request: HttpRequest, terms_id: UUID) -> HttpResponse:
    """A version of terms: its text, what it answers, and its digest."""
    found = get_object_or_404(Terms.objects.select_related("account"), id=terms_id)
    return render(request, "catalog/terms.html", {"terms": found})


def _where_to_buy(owner: str, name: str) -> str | None:
    """The address that takes the form of an offer with a price; ``None`` where billing is left out."""
    try:
        return reverse("billing:buy", args=[owner, name])
    except NoReverseMatch:
        return None


def _chosen(request: HttpRequest, dataset: Dataset) -> Offer | None:
    try:
        chosen = UUID(request.POST.get("offer", ""))
    except ValueError:
        return None
    return Offer.objects.open().filter(id=chosen, listing__dataset=dataset).first()
