"""What a seller offers a dataset for: offers are opened and closed, never changed."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from catalog import terms
from catalog.forms import OfferForm
from catalog.models import Listing, Offer
from catalog.offers import SameOffer, open_offer
from catalog.offers import close_offer as close
from marketplace.accounts.acting import acting_account, require_role
from marketplace.accounts.models import Role

_CLOSED_SHOWN = 50


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def offers(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """The offers of a listing, and a form that opens another one."""
    listing = _own_listing(request, owner, name)
    form = OfferForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, listing, form)
    asked = form.cleaned_data
    try:
        with transaction.atomic():
            agreed = terms.settle(listing.dataset.account, asked["kind"], form.wording())
            open_offer(
                listing,
                agreed,
                price=asked["price"],
                seats=asked["seats"],
                days=asked["days"],
                later_versions=asked["later_versions"],
            )
    except SameOffer as error:
        form.add_error("later_versions", str(error))
        return _page(request, listing, form)
    messages.success(request, f"{agreed.title} is offered from now on.")
    return redirect("catalog:offers", owner, name)


@login_required
@require_POST
def close_offer(request: HttpRequest, owner: str, name: str, offer: UUID) -> HttpResponse:
    """Close an offer; licences under it stay."""
    listing = _own_listing(request, owner, name)
    found = get_object_or_404(Offer.objects.select_related("terms"), id=offer, listing=listing)
    close(found)
    messages.success(request, f"{found.terms.title} is no longer offered. Licences that were given stay in force.")
    return redirect("catalog:offers", owner, name)


def _own_listing(request: HttpRequest, owner: str, name: str) -> Listing:
    """The listing, if the reader may set what it is offered for. Raises Http404 or PermissionDenied."""
    account = acting_account(request)
    listing = (
        Listing.objects.filter(dataset__account=account, dataset__account__slug=owner, dataset__name=name)
        .select_related("dataset__account")
        .first()
    )
    if listing is None:
        raise Http404(f"There is no listing {owner}/{name} of an account that you act for.")
    require_role(request, Role.OWNER, Role.BILLING)
    return listing


def _page(request: HttpRequest, listing: Listing, form: OfferForm) -> HttpResponse:
    context = {
        "dataset": listing.dataset,
        "form": form,
        "open": listing.offers.open(),
        "closed": listing.offers.filter(open=False).select_related("terms").order_by("-created_at")[:_CLOSED_SHOWN],
    }
    return render(request, "catalog/offers.html", context, status=422 if form.is_bound else 200)
