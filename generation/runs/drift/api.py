"""The same for programs: a table or a sketch is the body of a request; what is wrong is told all at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from catalog import licensing
from catalog.models import Version
from catalog.quality import drift
from catalog.views.seen import seen_version
from generation.quality.judge.drift.reading import MOST_BYTES
from generation.runs.drift import checks
from generation.runs.drift.checks import Asked
from generation.runs.drift.views import NEEDED
from generation.runs.models import DriftCheck
from marketplace.accounts.models import Account
from marketplace.accounts.reading import reading_account, shown_token
from marketplace.web import keyset
from marketplace.web.problems import Fault, Problem

_SKETCH: Final = "application/json"
_TABLES: Final = frozenset({"text/csv", "application/vnd.apache.parquet", "application/octet-stream"})
_CHUNK = 1 << 20
_PAGE = 20


@require_safe
def of_version(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """``GET …/drift``: how a version moved from the one before, to whoever may look at both."""
    version = seen_version(request, owner, name, number)
    document = drift.of_version(reading_account(request), version)
    if document is None:
        raise Problem(404, "Not compared", f"There is nothing before {version} that you may see, or no statistics.")
    return _answer(document)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def of_holder(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """``POST …/drift-checks``: have the table, or the sketch, in the body compared. ``GET``: what was compared."""
    version = seen_version(request, owner, name, number)
    account = _account(request) if request.method == "POST" else reading_account(request)
    if account is None or not licensing.may_compare(account, version):
        raise Problem(403, "A licence is needed", NEEDED, type="licence-needed")
    if request.method == "POST":
        check = _asked(request, account, version)
        return _answer(_told(check), status=202, headers={"Location": reverse("runs:api-drift-check", args=[check.id])})
    own = DriftCheck.objects.filter(account=account, version=version).select_related("version__dataset__account")
    page = keyset.requested_page(request, own, order=("-asked_at", "-id"), size=_PAGE)
    return _answer({"checks": [_told(one, brief=True) for one in page.items], "next_cursor": page.next_cursor})


@csrf_exempt
@require_http_methods(["GET", "HEAD", "DELETE"])
def check(request: HttpRequest, check_id: UUID) -> HttpResponse:
    """``GET``: how a comparison stands, its report, its receipt. ``DELETE``: delete all of it but the receipt."""
    account = _account(request) if request.method == "DELETE" else reading_account(request)
    own = DriftCheck.objects.select_related("version__dataset__account").filter(account=account)
    found = own.filter(id=check_id).first()
    if account is None or found is None:
        raise Problem(404, "Nothing is at this address", "There is no such comparison that you may see.")
    if request.method == "DELETE":
        checks.forget(found)
        return HttpResponse(status=204)
    return _answer(_told(found))


def _account(request: HttpRequest) -> Account:
    """The account of the token: what changes something takes one, since a session could be made to ask for it."""
    if shown_token(request) is None:
        message = "Show an API token as “Authorization: Bearer …”."
        raise Problem(401, "This takes an API token", message, type="token")
    account = reading_account(request)
    if account is None:
        raise AssertionError("a token has an account")
    return account


def _asked(request: HttpRequest, account: Account, version: Version) -> DriftCheck:
    """The check that a request asks for. Raises Problem with all that is wrong with it."""
    asked = Asked(version, request.GET.get("table", _only_table(version)), request.GET.get("target", ""))
    name, faults = request.GET.get("name", "")[:200], list(_unknown(request))
    try:
        if request.content_type == _SKETCH:
            text = request.read(MOST_BYTES + 1)
            return checks.describe(account, asked, name=name, text=text, faults=faults)
        if request.content_type not in _TABLES:
            known = ", ".join(sorted(_TABLES))
            message = f"“{(request.content_type or '')[:60]}” is neither a table nor a sketch."
            faults.append(Fault("Content-Type", message, f"Send {known}, or {_SKETCH} for a sketch.", "enum"))
        size = _size(request)
        return checks.receive(account, asked, name=name, size=size, chunks=_chunks(request, size), faults=faults)
    except checks.TooMany as refused:
        raise Problem(429, "Too many comparisons", faults=refused.faults, type="limit") from refused
    except checks.CheckRefused as refused:
        raise Problem(422, "This cannot be compared", faults=refused.faults) from refused


def _only_table(version: Version) -> str:
    """The configuration that is meant where none is named."""
    tables = [str(table["name"]) for table in version.layout["tables"]]
    return tables[0] if len(tables) == 1 else ""


def _unknown(request: HttpRequest) -> Iterator[Fault]:
    for name in request.GET:
        if name not in ("table", "target", "name"):
            yield Fault(name[:40], "Nothing of this name is asked for here.", "Use table, target and name.", "unknown")


def _size(request: HttpRequest) -> int:
    """How many bytes the body has. Raises Problem where that is not said, so that nothing is read without end."""
    said = request.META.get("CONTENT_LENGTH") or ("" if "Transfer-Encoding" in request.headers else "0")
    if not said.isdecimal() or len(said) > 15:
        raise Problem(411, "The length is missing", "Send the body with its Content-Length, not in chunks.")
    return int(said)


def _chunks(request: HttpRequest, size: int) -> Iterator[bytes]:
    """The body, piece by piece. Raises Problem where it ends too early: half a table is another table."""
    left = min(size, settings.SOURCE_MAX_BYTES)
    while left:
        chunk = request.read(min(left, _CHUNK))
        if not chunk:
            raise Problem(400, "The body is not whole", f"{left:,} of {size:,} bytes did not arrive. Send it again.")
        left -= len(chunk)
        yield chunk


def _told(check: DriftCheck, *, brief: bool = False) -> dict[str, Any]:
    """A comparison as JSON; ``brief`` leaves the report out."""
    fault = {"owner": check.fault_owner, "message": check.fault_message} if check.fault_message else None
    deleted = {"deleted_at": check.deleted_at, "receipt": check.receipt} if check.deleted_at else None
    return {
        "id": check.id,
        "state": check.state,
        "doing": check.doing,
        "kind": check.kind,
        "dataset": str(check.version.dataset),
        "version": check.version.number,
        "table": check.table,
        "target": check.target or None,
        "name": check.name,
        "bytes": check.bytes,
        "sha256": check.sha256 or None,
        "asked_at": check.asked_at,
        "ended_at": check.ended_at,
        "problems": check.problems,
        "fault": fault,
        "deletion": deleted,
        **({} if brief else {"report": check.report}),
    }


def _answer(told: dict[str, Any], *, status: int = 200, headers: dict[str, str] | None = None) -> JsonResponse:
    response = JsonResponse(told, status=status, headers=headers, json_dumps_params={"ensure_ascii": False})
    response["Cache-Control"] = "private, no-cache"
    return response
