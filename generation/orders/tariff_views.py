"""Pages of tariffs: what an order on a generator costs, in words for everybody, as a form for its owner."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from generation.orders import tariffs
from generation.orders.models import Tariff
from generation.orders.tariff_forms import BaseSurcharges, SurchargeForm, SurchargeForms, TariffForm
from generation.runs.models import Generator, GeneratorVersion
from marketplace.accounts.models import Membership, Role, User

_EARLIER_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
def tariff(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """The tariff that holds; whoever may set it gets the form, and the tariffs before."""
    generator = _generator(owner, name)
    may_set = _may_set(request, generator)
    if request.method == "POST" and not may_set:
        raise PermissionDenied(f"The tariff of {generator} is set by owners and billing members of {owner}.")
    holds = tariffs.newest(generator)
    context: dict[str, Any] = {"generator": generator, "words": tariffs.words(holds), "may_set": may_set}
    if not may_set:
        return render(request, "orders/tariff.html", context)
    newest = generator.versions.newest_first()[0]
    form, rows = _forms(request, newest, holds)
    if request.method == "POST" and _set(request, generator, form, rows):
        messages.success(request, "This tariff holds for quotes from now on. Quotes that were given keep theirs.")
        return redirect("orders:tariff", owner, name)
    context |= {
        "form": form,
        "rows": rows,
        "wrong": sum(bool(row.errors) for row in rows),
        "earlier": _earlier(generator),
    }
    return render(request, "orders/tariff.html", context, status=422 if form.is_bound else 200)


@require_GET
def words(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """A fragment: the tariff in words."""
    said = tariffs.words(tariffs.newest(_generator(owner, name)))
    return render(request, "orders/_tariff.html", {"words": said})


def _forms(request: HttpRequest, newest: GeneratorVersion, holds: Tariff | None) -> tuple[TariffForm, BaseSurcharges]:
    posted = request.POST if request.method == "POST" else None
    held = [] if holds is None else [SurchargeForm.filled(one) for one in tariffs.surcharges(holds)]
    schema = {"schema": newest.description["parameters"]}
    rows = SurchargeForms(posted, initial=held, prefix="surcharges", form_kwargs=schema)
    return TariffForm(posted, initial=TariffForm.filled(holds)), cast("BaseSurcharges", rows)


def _set(request: HttpRequest, generator: Generator, form: TariffForm, rows: BaseSurcharges) -> bool:
    """Set what was asked for, if nothing is wrong with it; else what is stands in the forms."""
    if not all([form.is_valid(), rows.is_valid()]):
        return False
    try:
        tariffs.set_tariff(generator, **form.cleaned_data, surcharges=rows.surcharges, by=_user(request))
    except ValueError as error:
        form.add_error("minimum", str(error))
        return False
    return True


def _earlier(generator: Generator) -> list[dict[str, Any]]:
    found = generator.tariffs.newest_first().select_related("set_by")[:_EARLIER_SHOWN]
    return [{"tariff": one, "words": tariffs.words(one)} for one in found]


def _may_set(request: HttpRequest, generator: Generator) -> bool:
    members = Membership.objects.filter(account=generator.account, role__in=[Role.OWNER, Role.BILLING])
    user = _user(request)
    return user is not None and members.filter(user=user).exists()


def _user(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _generator(owner: str, name: str) -> Generator:
    found = Generator.objects.filter(versions__isnull=False).distinct().select_related("account")
    return get_object_or_404(found, account__slug=owner, name=name)
