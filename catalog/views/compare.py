"""Two or three datasets side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from catalog import comparing, licensing
from catalog.models import Dataset
from catalog.related import related
from marketplace.accounts.acting import acting_account
from marketplace.web.problems import Fault, Problem

_MOST = 3


@require_GET
def compare(request: HttpRequest) -> HttpResponse:
    """The datasets that the address names: ``?dataset=owner/name`` for each."""
    names = list(dict.fromkeys(request.GET.getlist("dataset")))
    if len(names) > _MOST:
        much = f"{len(names)} datasets do not fit side by side."
        raise Problem(
            400, "These cannot be compared", faults=[Fault("dataset", much, "Choose two or three.", "maxItems")]
        )
    compared = [_seen(request, name) for name in names]
    context: dict[str, Any] = {
        "compared": [(each, _address(name for name in names if name != str(each.dataset))) for each in compared],
        "comparison": comparing.compare(compared) if compared else None,
        "more": [],
    }
    if len(compared) in range(1, _MOST) and compared[0].listing is not None:
        like = [one for one in related(compared[0].listing) if str(one.listing.dataset) not in names]
        context["more"] = [(one, _address([*names, str(one.listing.dataset)])) for one in like]
    return render(request, "catalog/compare.html", context)


def _seen(request: HttpRequest, name: str) -> comparing.Compared:
    """The dataset called ``name`` at the version that its page shows. Raises Http404 for what may not be seen."""
    owner, _, called = name.partition("/")
    found = Dataset.objects.named(owner, called).first() if "\0" not in name else None
    account = acting_account(request)
    version = None if found is None else licensing.newest_for(account, found)
    if found is None or version is None or not licensing.may_look(account, version):
        raise Http404(f"There is no dataset {name[:120]} that you may see.")
    return comparing.look_at(found, version)


def _address(names: Iterable[str]) -> str:
    """The address that compares ``names``."""
    return "?" + urlencode({"dataset": list(names)}, doseq=True)
