"""Pages: a licence holder compares a table with a version, watches, reads the report, keeps the receipt."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from catalog import licensing
from catalog.quality import drift
from catalog.views.seen import licence_needed, seen_version
from generation.runs.drift import checks
from generation.runs.drift.forms import SketchForm, TableForm
from generation.runs.models import DriftCheck
from marketplace.accounts.acting import acting_account
from marketplace.accounts.models import Account
from marketplace.web import keyset, uploads

_UNPROCESSABLE = 422
_EARLIER = 20
NEEDED = "Comparing a table of your own is for who holds a licence to this version, or owns the dataset."


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """Send a table, or a sketch of one, to have it compared; and what this account had compared before."""
    version = seen_version(request, owner, name, number)
    account = acting_account(request)
    if account is None:
        return redirect_to_login(request.get_full_path())
    if not licensing.may_compare(account, version):
        return licence_needed(request, version, NEEDED)
    posted, sketched = request.method == "POST", "describe" in request.POST
    table = TableForm(
        *((request.POST, request.FILES) if posted and not sketched else ()),
        version=version,
        cut_off=uploads.was_cut_off(request),
        prefix="table",
    )
    sketch = SketchForm(
        *((request.POST, request.FILES) if posted and sketched else ()), version=version, prefix="sketch"
    )
    if posted:
        check = _described(account, sketch) if sketched else _received(account, table)
        if check is not None:
            return redirect("runs:drift-check", check.id)
    earlier = DriftCheck.objects.filter(account=account, version=version)
    context = {
        "version": version,
        "dataset": version.dataset,
        "table": table,
        "sketch": sketch,
        "page": keyset.requested_page(request, earlier, order=("-asked_at", "-id"), size=_EARLIER),
    }
    return render(request, "runs/drift/new.html", context, status=_UNPROCESSABLE if posted else 200)


@login_required
@require_safe
def check(request: HttpRequest, check_id: UUID) -> HttpResponse:
    """One comparison: how far it is, then its report, then the receipt for what was uploaded."""
    return render(request, "runs/drift/check.html", _context(_own(request, check_id)))


@login_required
@require_GET
def state(request: HttpRequest, check_id: UUID) -> HttpResponse:
    """A fragment: is it compared yet, and is the upload deleted? Once both are so, the page is looked at again."""
    found = _own(request, check_id)
    response = render(request, "runs/drift/_state.html", _context(found))
    if not found.under_way and not found.key:
        response["HX-Refresh"] = "true"
    return response


@login_required
@require_safe
def report(request: HttpRequest, check_id: UUID) -> HttpResponse:
    """The report as a document."""
    found = _own(request, check_id)
    if found.report is None:
        raise Http404("There is no report.")
    return JsonResponse(found.report, json_dumps_params={"ensure_ascii": False})


@login_required
@require_safe
def receipt(request: HttpRequest, check_id: UUID) -> HttpResponse:
    """The signed receipt for what was deleted."""
    found = _own(request, check_id)
    if not found.receipt:
        raise Http404("There is no receipt.")
    headers = {"Content-Disposition": f'attachment; filename="deletion-{found.id}.jwt"'}
    return HttpResponse(found.receipt, content_type="application/jwt", headers=headers)


@login_required
@require_POST
def forget(request: HttpRequest, check_id: UUID) -> HttpResponse:
    """Delete the report; of an upload the receipt stays."""
    checks.forget(_own(request, check_id))
    return redirect("runs:drift-check", check_id)


def _received(account: Account, form: TableForm) -> DriftCheck | None:
    if not form.is_valid():
        return None
    file = form.cleaned_data["file"]
    try:
        return checks.receive(account, form.asked(), name=file.name or "", size=file.size or 0, chunks=file.chunks())
    except checks.CheckRefused as refused:
        form.add_faults(refused.faults)
    return None


def _described(account: Account, form: SketchForm) -> DriftCheck | None:
    if not form.is_valid():
        return None
    try:
        return checks.describe(account, form.asked(), name=form.name(), text=form.text())
    except checks.CheckRefused as refused:
        form.add_faults(refused.faults)
    return None


def _own(request: HttpRequest, check_id: UUID) -> DriftCheck:
    own = DriftCheck.objects.select_related("version__dataset__account").filter(account=acting_account(request))
    found = own.filter(id=check_id).first()
    if found is None:
        raise Http404("There is no such comparison.")
    return found


def _context(found: DriftCheck) -> dict[str, Any]:
    return {
        "check": found,
        "version": found.version,
        "dataset": found.version.dataset,
        "moved": None if found.report is None else drift.shown(found.report, solid="before"),
    }
