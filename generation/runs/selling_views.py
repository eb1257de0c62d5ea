"""Pages of a seller: the account's datasets, making one or a new version, and what is said of it and done with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from catalog import describing, moderation, problem_reports, publishing
from catalog.models import Dataset, Version
from generation.runs import lifecycle, selling
from generation.runs.forms import (
    AmountForm,
    DatasetForm,
    ListingForm,
    ReasonForm,
    ThresholdForm,
    at_their_fields,
)
from generation.runs.models import GeneratorVersion, Making, Run
from generation.runs.progress import progress, rate_line, shard_cells
from marketplace.accounts.acting import acting_account, require_role
from marketplace.accounts.models import Account, Role
from marketplace.web import keyset
from marketplace.web.schema_forms import SchemaForm

_PAGE = 20
_MOST_GENERATORS = 200
_VERSIONS_SHOWN = 50
_SETTINGS = "settings"

P = ParamSpec("P")


def for_sellers(
    view: Callable[Concatenate[HttpRequest, Account, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A page for members who work for an account; the view is given the account."""

    @wraps(view)
    @login_required
    def page(request: HttpRequest, *args: P.args, **options: P.kwargs) -> HttpResponse:
        account = acting_account(request)
        if account is None:
            raise Http404("You are not a member of any account.")
        require_role(request, Role.OWNER, Role.MEMBER)
        return view(request, account, *args, **options)

    return cast("Callable[Concatenate[HttpRequest, P], HttpResponse]", page)


@require_GET
@for_sellers
def datasets(request: HttpRequest, account: Account) -> HttpResponse:
    """The account's datasets that are made to be listed, newest first."""
    newest = Version.objects.newest_of_each_dataset().select_related("shelf")
    own = (
        Dataset.objects.filter(account=account, listing__isnull=False)
        .select_related("account", "listing__review")
        .prefetch_related(Prefetch("versions", newest), Prefetch("runs", Run.objects.under_way(), to_attr="making_now"))
    )
    page = keyset.requested_page(request, own, order=("-created_at", "-id"), size=_PAGE)
    context = {"page": page, "account": account, "unanswered": problem_reports.unanswered(account).count()}
    return render(request, "runs/sell/datasets.html", context)


@require_GET
@for_sellers
def choose(request: HttpRequest, account: Account) -> HttpResponse:
    """The generators that a seller may have data made by: those that need no upload."""
    usable = ~Q(description__source="required")
    found = GeneratorVersion.objects.newest_of_each_generator().select_related("generator__account")
    newest = GeneratorVersion.objects.filter(usable, id__in=found.values("id")).select_related("generator__account")
    context = {"generators": newest.order_by("generator__name")[:_MOST_GENERATORS]}
    return render(request, "runs/sell/choose.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_sellers
def new(request: HttpRequest, account: Account, owner: str, name: str) -> HttpResponse:
    """The form of a new dataset."""
    return _form(request, account, _generator(owner, name))


@require_http_methods(["GET", "HEAD", "POST"])
@for_sellers
def version(request: HttpRequest, account: Account, name: str) -> HttpResponse:
    """The form of a new version, filled with the settings of the one before."""
    found = _dataset(account, name)
    last = found.runs.select_related("generator__generator__account").order_by("-created_at").first()
    if last is None:
        raise Http404("Nothing was made of this dataset yet.")
    generator = last.generator.generator
    return _form(request, account, _generator(generator.account.slug, generator.name), dataset=found, filled=last)


@require_http_methods(["GET", "HEAD", "POST"])
@for_sellers
def making(request: HttpRequest, account: Account, making_id: UUID) -> HttpResponse:
    """What was asked for: being checked, refused with every reason at its field, or begun."""
    found = _making(account, making_id)
    if found.state == Making.State.BEGUN and found.dataset is not None:
        return redirect("runs:sell-dataset", found.dataset.name)
    generator = found.generator.generator
    if found.state == Making.State.REFUSED:
        newest = _generator(generator.account.slug, generator.name)
        return _form(request, account, newest, dataset=found.dataset, filled=found, refused=found)
    return render(request, "runs/sell/making.html", {"making": found})


@require_GET
@for_sellers
def making_state(request: HttpRequest, account: Account, making_id: UUID) -> HttpResponse:
    """A fragment: is it checked yet? Once it is, the page is looked at again."""
    found = _making(account, making_id)
    response = render(request, "runs/sell/_making.html", {"making": found})
    if found.state != Making.State.ASKED:
        response["HX-Refresh"] = "true"
    return response


@require_GET
@for_sellers
def dataset(request: HttpRequest, account: Account, name: str) -> HttpResponse:
    """One dataset: what is being made, its versions, its listing, and what can be done."""
    return _dataset_page(request, _dataset(account, name))


@require_GET
@for_sellers
def state(request: HttpRequest, account: Account, name: str) -> HttpResponse:
    """A fragment: the run under way. Once there is none, the page is looked at again."""
    context = _run_context(_dataset(account, name))
    response = render(request, "runs/sell/_run.html", context)
    if context["progress"] is None:
        response["HX-Refresh"] = "true"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@for_sellers
def edit(request: HttpRequest, account: Account, name: str) -> HttpResponse:
    """Title, sentence and card; “Preview” shows the card as buyers will see it, and saves nothing."""
    found = _dataset(account, name)
    listing = found.listing
    said = {"title": found.title, "summary": listing.summary, "domain": listing.domain, "card": listing.card}
    form = ListingForm(request.POST if request.method == "POST" else None, initial=said)
    if request.method == "POST" and "preview" in request.POST:
        context = {"dataset": found, "form": form, "previewed": request.POST.get("card", "")}
        fragment = "HX-Request" in request.headers
        return render(request, "runs/sell/_card.html" if fragment else "runs/sell/edit.html", context)
    if form.is_valid():
        describing.describe(listing, **form.cleaned_data)
        messages.success(request, "Saved. Buyers read this from now on.")
        return redirect("runs:sell-dataset", name)
    context = {"dataset": found, "form": form, "previewed": listing.card}
    return render(request, "runs/sell/edit.html", context, status=422 if form.is_bound else 200)


@require_POST
@for_sellers
def publish(request: HttpRequest, account: Account, name: str) -> HttpResponse:
    """Put the listing on the shelf, or ask staff to."""
    found = _dataset(account, name)
    try:
        shown = moderation.show(found.listing)
    except moderation.NotShown as error:
        messages.error(request, str(error))
    else:
        on_shelf = shown.state == shown.State.ON_SHELF
        words = "It is on the shelf." if on_shelf else "Staff look at it first, since it is your first listing."
        messages.success(request, words)
    return redirect("runs:sell-dataset", name)


@require_POST
@for_sellers
def close(request: HttpRequest, account: Account, name: str) -> HttpResponse:
    """Take the listing from the shelf."""
    found = _dataset(account, name)
    if found.listing.state == found.listing.State.ON_SHELF:
        publishing.close(found.listing)
        messages.success(request, "The listing is closed. Licence holders keep what they have.")
    return redirect("runs:sell-dataset", name)


@require_POST
@for_sellers
def appeal(request: HttpRequest, account: Account, name: str) -> HttpResponse:
    """Ask staff to look at a refused listing again."""
    found = _dataset(account, name)
    review = getattr(found.listing, "review", None)
    form = ReasonForm(request.POST)
    if review is None:
        raise Http404("Staff have not looked at this listing.")
    if not form.is_valid():
        return _dataset_page(request, found, appeal=form)
    try:
        moderation.appeal(review, form.cleaned_data["reason"])
    except moderation.ReviewMoved as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Staff look at it again. You are told by e-mail.")
    return redirect("runs:sell-dataset", name)


@require_POST
@for_sellers
def cancel(request: HttpRequest, account: Account, name: str) -> HttpResponse:
    """End the run under way; nothing is published."""
    run = _dataset(account, name).runs.under_way().first()
    if run is not None and lifecycle.cancel(run.id):
        messages.success(request, "Cancelled. Nothing of it is kept.")
    else:
        messages.error(request, "It had ended already.")
    return redirect("runs:sell-dataset", name)


@require_POST
@for_sellers
def yank(request: HttpRequest, account: Account, name: str, number: str) -> HttpResponse:
    """Take a version from the shelf, with a reason for those who have it."""
    found = _dataset(account, name)
    chosen = next((each for each in _versions(found) if each.number == number), None)
    if chosen is None:
        raise Http404(f"There is no version {number} of {found}.")
    form = ReasonForm(request.POST, prefix=number)
    if not form.is_valid():
        return _dataset_page(request, found, yank=(number, form))
    try:
        publishing.yank(chosen, form.cleaned_data["reason"])
    except ValueError as error:
        messages.error(request, f"{error}.")
    else:
        messages.success(request, f"{number} is yanked: no new buyers, and licence holders keep access.")
    return redirect("runs:sell-dataset", name)


def _form(
    request: HttpRequest,
    account: Account,
    generator: GeneratorVersion,
    *,
    dataset: Dataset | None = None,
    filled: Run | Making | None = None,
    refused: Making | None = None,
) -> HttpResponse:
    """The form of what is to be made; sent and right, it is asked for."""
    settings = SchemaForm(generator.description["parameters"], prefix=_SETTINGS)
    posted = request.POST if request.method == "POST" else None
    amount = AmountForm(posted, initial=AmountForm.saying(filled.units, filled.splits) if filled else {})
    about = None if dataset else DatasetForm(account, posted, initial=_told(filled))
    bounds = ThresholdForm(
        posted, prefix="bounds", judged=False, initial=ThresholdForm.saying(filled.thresholds) if filled else {}
    )
    bound = settings.filled(filled.parameters if filled else None)
    if posted is not None:
        bound = settings.posted(posted)
        right = [amount.is_valid(), about is None or about.is_valid(), bounds.is_valid(), bound.valid]
        if all(right):
            asked = selling.ask(
                account,
                generator,
                parameters=cast("dict[str, Any]", bound.value),
                units=amount.cleaned_data["units"],
                splits=amount.splits(),
                dataset=dataset,
                thresholds=bounds.thresholds(),
                **(about.cleaned_data if about else {}),
            )
            return redirect("runs:making", asked.id)
    elif refused is not None:
        amount = AmountForm(AmountForm.saying(refused.units, refused.splits))
        about = None if dataset else DatasetForm(account, _told(refused))
        bound = at_their_fields(refused.problems, [form for form in (about, amount) if form is not None], bound)
    around = {"about": about, "amount": amount, "bounds": bounds}
    context = {"generator": generator, "dataset": dataset, **around, "form": bound}
    return render(request, "runs/sell/new.html", context, status=422 if posted is not None else 200)


def _told(filled: Run | Making | None) -> dict[str, Any]:
    names = ("name", "title", "summary", "domain")
    return {name: getattr(filled, name) for name in names} if isinstance(filled, Making) else {}


def _dataset_page(
    request: HttpRequest,
    found: Dataset,
    *,
    appeal: ReasonForm | None = None,
    yank: tuple[str, ReasonForm] | None = None,
) -> HttpResponse:
    review = getattr(found.listing, "review", None)
    versions = [
        {"version": each, "yank": yank[1] if yank and yank[0] == each.number else ReasonForm(prefix=each.number)}
        for each in _versions(found)
    ]
    context = _run_context(found) | {
        "listing": found.listing,
        "review": review,
        "versions": versions,
        "open_yank": yank[0] if yank else "",
        "offers": list(found.listing.offers.open()),
        "appeal": appeal or ReasonForm(),
        "unanswered": problem_reports.unanswered(found.account).filter(version__dataset=found).count(),
    }
    return render(request, "runs/sell/dataset.html", context, status=422 if appeal or yank else 200)


def _run_context(found: Dataset) -> dict[str, Any]:
    """The run under way, else how the last one ended if it made nothing."""
    last = found.runs.select_related("generator__generator__account").order_by("-created_at").first()
    under_way = None if last is None or last.ended else progress(last)
    return {
        "dataset": found,
        "last": last,
        "progress": under_way,
        "cells": [] if under_way is None else shard_cells(under_way),
        "rate": None if under_way is None else rate_line(under_way),
    }


def _versions(found: Dataset) -> list[Version]:
    return list(found.versions.newest_first().select_related("shelf", "dataset__account")[:_VERSIONS_SHOWN])


def _dataset(account: Account, name: str) -> Dataset:
    """A dataset of the account that is made to be listed: an order's has no listing and is not here."""
    own = Dataset.objects.filter(account=account, listing__isnull=False)
    return get_object_or_404(own.select_related("account", "listing__review"), name=name)


def _making(account: Account, making_id: UUID) -> Making:
    found = Making.objects.select_related("generator__generator__account", "dataset__account")
    return get_object_or_404(found, id=making_id, account=account)


def _generator(owner: str, name: str) -> GeneratorVersion:
    versions = GeneratorVersion.objects.select_related("generator__account").newest_first()
    found = versions.filter(generator__account__slug=owner, generator__name=name).first()
    if found is None or found.description["source"] == "required":
        raise Http404(f"There is no generator {owner}/{name} that makes data without an upload.")
    return found
