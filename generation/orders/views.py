"""Pages of orders: upload, settings, quote with probe, progress, list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.models import Intent, Payment
from billing.payments import PaymentMoved
from billing.processor import Refused, Unavailable
from catalog import terms
from catalog.models import Version
from catalog.pages import sheets
from generation.orders import choices, ordering, paying, tariffs
from generation.orders.corrections import corrections
from generation.orders.forms import KeptForm, UploadForm
from generation.orders.models import Order
from generation.orders.states import OrderMoved
from generation.orders.steps import steps
from generation.runs import probes, sources, thresholds
from generation.runs.checking import Problem
from generation.runs.forms import AmountForm, ThresholdForm, at_their_fields
from generation.runs.models import GeneratorVersion, Probe, Source
from generation.runs.progress import progress, rate_line, shard_cells
from generation.runs.recipes import seed_commitment
from marketplace.accounts.acting import acting_account, require_role
from marketplace.accounts.models import Role
from marketplace.web import keyset, uploads
from marketplace.web.schema_forms import SchemaForm

_PAGE = 20


@login_required
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """The account's orders, newest first."""
    orders = Order.objects.of(_account(request))
    page = keyset.requested_page(request, orders, order=("-created_at", "-id"), size=_PAGE)
    return render(request, "orders/list.html", {"page": page})


@login_required
@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """Send a file to a generator that learns from one."""
    generator = _generator(owner, name)
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = UploadForm(*sent, cut_off=uploads.was_cut_off(request))
    if form.is_valid():
        try:
            source = sources.receive(
                _account(request), form.cleaned_data["file"], identifier=form.cleaned_data["identifier"]
            )
        except sources.SourceRefused as error:
            form.add_error("file", str(error))
        else:
            return redirect(f"{reverse('orders:new', args=[owner, name])}?source={source.id}")
    status = 422 if form.errors else 200
    return render(request, "orders/upload.html", {"generator": generator, "form": form}, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """The settings of an order; with a source, what was understood of it.

    ``?order=`` takes up those of an earlier order, with what kept it from being quoted at the fields.
    """
    generator = _generator(owner, name)
    earlier = _earlier(request, generator)
    source = _source(request) if earlier is None else earlier.source
    if generator.description["source"] == "required" and source is None:
        return redirect("orders:upload", owner, name)
    if source is not None and source.state != Source.State.UNDERSTOOD:
        return render(request, "orders/source.html", {"generator": generator, "source": source})
    sent = request.POST if request.method == "POST" else None
    said = {} if earlier is None else earlier.parameters
    form = KeptForm(source) if generator.keeps_rows and source is not None else _amount(sent, earlier)
    held = ThresholdForm.saying([] if earlier is None else earlier.thresholds)
    bounds = ThresholdForm(sent, prefix="bounds", judged=source is not None, initial=held)
    schema = choices.offering(generator.description["parameters"], source)
    understood = corrections(schema, source, sent, said)
    settings = SchemaForm(understood.rest, prefix="settings")
    if request.method == "POST":
        posted = settings.posted(request.POST).with_faults(understood.faults)
        if all([form.is_valid(), bounds.is_valid(), posted.valid]):
            order = ordering.draft(
                _account(request),
                generator,
                parameters={**cast("dict[str, Any]", posted.value), **understood.value},
                units=form.amount(),
                splits=form.splits(),
                source=source,
                thresholds=bounds.thresholds(),
            )
            return redirect("orders:order", order.id)
    else:
        posted = settings.filled(said or _said_at_upload(generator, source))
        if earlier is not None:
            around = [form] if isinstance(form, AmountForm) else []
            posted = at_their_fields(cast("list[Problem]", earlier.problems), around, posted)
    context = {
        "generator": generator,
        "source": source,
        "understood": understood,
        "amount": form,
        "form": posted,
        "bounds": bounds,
        "words": tariffs.words(tariffs.newest(generator.generator)),
    }
    return render(request, "orders/new.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_GET
def source_state(request: HttpRequest, source_id: UUID) -> HttpResponse:
    """A fragment: is the upload understood yet? Once it is, the page is looked at again."""
    source = get_object_or_404(Source, id=source_id, account=_account(request))
    response = render(request, "orders/_source.html", {"source": source})
    if not source.being_read:
        response["HX-Refresh"] = "true"
    return response


@login_required
@require_GET
def order(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """An order: its quote and probe, then its progress, then what was delivered."""
    return render(request, "orders/order.html", _context(request, order_id))


@login_required
@require_GET
def order_state(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """The living part of an order's page, as a fragment."""
    return render(request, "orders/_state.html", _context(request, order_id))


@login_required
@require_GET
def probe_picture(request: HttpRequest, order_id: UUID, sha256: str) -> HttpResponse:
    """A picture of an order's probe."""
    found = _order(request, order_id)
    picture = None if found.probe is None else probes.picture_of(found.probe, sha256)
    if picture is None:
        raise Http404("This probe shows no such picture.")
    response = HttpResponse(picture[0], content_type=picture[1])
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response


@login_required
@require_POST
def place(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Agree to the quote; one that has a price goes on to the page where that is held."""
    _refuse_unless_paying(request, _order(request, order_id))
    try:
        found = ordering.place(_order(request, order_id))
    except OrderMoved as error:
        messages.error(request, str(error))
        return redirect("orders:order", order_id)
    if found.state == Order.State.QUOTED and not found.secured:
        return _to_page(request, found)
    return redirect("orders:order", order_id)


@login_required
@require_POST
def pay(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Go (on) to the page where an order is paid."""
    found = _order(request, order_id)
    _refuse_unless_paying(request, found)
    return _to_page(request, found)


@login_required
@require_GET
def paid(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Where Stripe's page sends back to: its answer is read now, event or no event, and the order's page shown."""
    try:
        paying.came_back(_order(request, order_id))
    except (Refused, Unavailable):
        messages.info(request, "The payment service gives no answer yet. This page tells you when it does.")
    return redirect("orders:order", order_id)


@login_required
@require_POST
def cancel(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """End the order; nothing is charged."""
    return _do(request, order_id, ordering.cancel)


@login_required
@require_POST
def again(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """A new order with the same settings."""
    return _do(request, order_id, ordering.again)


def _do(request: HttpRequest, order_id: UUID, verb: Callable[[Order], Order]) -> HttpResponse:
    try:
        found = verb(_order(request, order_id))
    except OrderMoved as error:
        messages.error(request, str(error))
        return redirect("orders:order", order_id)
    return redirect("orders:order", found.id)


def _to_page(request: HttpRequest, found: Order) -> HttpResponse:
    try:
        return HttpResponseRedirect(paying.page(found), status=303)
    except (OrderMoved, PaymentMoved) as error:
        messages.info(request, str(error))
    except Refused as error:
        messages.error(request, f"The payment service refused this: {error}")
    except Unavailable:
        messages.error(request, "The payment service gives no answer. Nothing was charged; try again in a minute.")
    return redirect("orders:order", found.id)


def _refuse_unless_paying(request: HttpRequest, found: Order) -> None:
    """What costs money is agreed to by who may spend it. Raises PermissionDenied."""
    if found.price:
        require_role(request, Role.OWNER, Role.BILLING)


def _account(request: HttpRequest) -> Any:
    account = acting_account(request)
    if account is None:
        raise Http404("You are not a member of any account.")
    return account


def _generator(owner: str, name: str) -> GeneratorVersion:
    versions = GeneratorVersion.objects.select_related("generator__account").newest_first()
    found = versions.filter(generator__account__slug=owner, generator__name=name).first()
    if found is None:
        raise Http404(f"There is no generator {owner}/{name}.")
    return found


def _source(request: HttpRequest) -> Source | None:
    asked = request.GET.get("source")
    if not asked:
        return None
    try:
        return get_object_or_404(Source, id=UUID(asked), account=_account(request))
    except ValueError:
        raise Http404("There is no such upload.") from None


def _earlier(request: HttpRequest, generator: GeneratorVersion) -> Order | None:
    """The order whose settings are taken up again, if any: one of the same generator, of whatever version."""
    asked = request.GET.get("order")
    if not asked:
        return None
    orders = Order.objects.of(_account(request)).filter(generator__generator=generator.generator)
    try:
        return get_object_or_404(orders.select_related("source"), id=UUID(asked))
    except ValueError:
        raise Http404("There is no such order.") from None


def _amount(sent: QueryDict | None, earlier: Order | None) -> AmountForm:
    return AmountForm(sent if earlier is None or sent is not None else AmountForm.saying(earlier.units, earlier.splits))


def _said_at_upload(generator: GeneratorVersion, source: Source | None) -> dict[str, Any]:
    """Settings that the upload decided: the column that identifies a person, where the generator asks for one."""
    if source is None or not source.identifier or "identifier" not in generator.description["parameters"]["properties"]:
        return {}
    return {"identifier": source.identifier}


def _order(request: HttpRequest, order_id: UUID) -> Order:
    return get_object_or_404(
        Order.objects.of(_account(request)).select_related("probe", "source", "run", "terms"), id=order_id
    )


def _context(request: HttpRequest, order_id: UUID) -> dict[str, Any]:
    found = _order(request, order_id)
    probe = found.probe
    waiting_for_quote = found.state == Order.State.DRAFT and not found.problems
    waiting_for_payment = found.payment_id is not None and not found.ended
    waiting_for_probe = found.state == Order.State.QUOTED and probe is not None and probe.state == Probe.State.ASKED
    state = None if found.run is None else progress(found.run)
    settings = SchemaForm(found.generator.description["parameters"])
    owner = found.generator.generator
    return {
        "order": found,
        "settings": settings.labelled(found.parameters),
        "change": f"{reverse('orders:new', args=[owner.account.slug, owner.name])}?order={found.id}",
        "problems": at_their_fields(found.problems, [], settings.filled(found.parameters)).summary,
        "progress": state,
        "cells": [] if state is None else shard_cells(state),
        "rate": None if state is None else rate_line(state),
        "steps": steps(found),
        "live": waiting_for_quote
        or waiting_for_probe
        or waiting_for_payment
        or (found.run is not None and not found.ended),
        "sheets": [] if probe is None or probe.preview is None else sheets(probe.preview, None),
        "picture_base": reverse("orders:probe-picture", args=[found.id, "-"]).removesuffix("-"),
        "version": _delivered(found),
        "held_until": _held_until(found),
        "promises": thresholds.promises(found.thresholds),
        "unmet": thresholds.sentences(found.unmet),
        "terms": (found.terms or terms.STANDARD[ordering.terms_of(found)].wording).text,
        "commitment": None if found.run is None else seed_commitment(found.run),
    }


def _delivered(order: Order) -> Version | None:
    if order.state != Order.State.DELIVERED or order.run is None:
        return None
    return Version.objects.select_related("dataset__account").get(run=order.run.id)


def _held_until(order: Order) -> datetime | None:
    """When the bank gives back what is held, unless the hold is renewed before."""
    if order.payment is None or order.payment.state != Payment.State.HELD:
        return None
    holds = order.payment.intents.filter(state=Intent.State.REQUIRES_CAPTURE)
    return holds.order_by("-capture_before").values_list("capture_before", flat=True).first()
