"""Errors as part of the interface: RFC 9457 problem documents for programs, pages for people.

A verb or a view raises ``Problem``; the middleware answers it. Under ``/api/`` the answer is
``application/problem+json``, elsewhere the page of its status. Every answer carries ``X-Request-Id``.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

_log = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")
_PAGES = {400, 403, 404, 500}


@dataclass(frozen=True)
class Fault:
    """One thing wrong with what was sent.

    ``field`` is its path with dots (``rates.card_testing``, empty for the whole), ``message`` what is wrong, ``remedy``
    what to do, ``code`` the rule that was broken, for programs (``maximum``, ``required``).
    """

    field: str
    message: str
    remedy: str
    code: str = "invalid"


class Problem(Exception):
    """What keeps a request from being done, with everything that its sender needs to mend it.

    ``type`` is a short name (``quote-expired``) that becomes an address of this site, or ``about:blank`` when the
    status says it all. ``faults`` are listed together, never one at a time.
    """

    def __init__(
        self, status: int, title: str, detail: str = "", *, type: str = "about:blank", faults: Sequence[Fault] = ()
    ) -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.status = status
        self.title = title
        self.detail = detail
        self.type = type
        self.faults = tuple(faults)

    def document(self, request_id: str = "") -> dict[str, Any]:
        """The members of the problem document; ``request_id`` and ``faults`` are extensions, left out when empty."""
        address = self.type if self.type == "about:blank" else f"{settings.PUBLIC_URL}/problems/{self.type}"
        members: dict[str, Any] = {"type": address, "title": self.title, "status": self.status}
        if self.detail:
            members["detail"] = self.detail
        if request_id:
            members["request_id"] = request_id
        if self.faults:
            members["faults"] = [asdict(fault) for fault in self.faults]
        return members


class RequestIdMiddleware:
    """Names each request by the caller's ``X-Request-Id`` if that is a plain one, else anew; the answer says which."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.headers.get("X-Request-Id", "")
        request.META["lookalike.request_id"] = sent if _REQUEST_ID.match(sent) else uuid.uuid4().hex
        response = self._get_response(request)
        response.headers["X-Request-Id"] = request_id(request)
        return response


class ProblemMiddleware:
    """Answers a ``Problem`` that a view raised, a method that an address under ``/api/`` does not take (Django answers
    without a word), and an address with a NUL byte, which no text of ours has.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path:
            return answer(request, Problem(404, "Nothing is at this address"))
        response = self._get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and request.path.startswith("/api/"):
            allowed = response.headers["Allow"]
            response = answer(request, Problem(405, "This address does not take this method", f"Use {allowed}."))
            response.headers["Allow"] = allowed
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The answer to a ``Problem``; None leaves any other exception to Django."""
        return answer(request, exception) if isinstance(exception, Problem) else None


def request_id(request: HttpRequest) -> str:
    """The name of this request, as its answer carries it; empty outside the middleware."""
    return str(request.META.get("lookalike.request_id", ""))


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """``problem`` as a document under ``/api/``, elsewhere as a page."""
    if request.path.startswith("/api/"):
        return JsonResponse(
            problem.document(request_id(request)), status=problem.status, content_type="application/problem+json"
        )
    page = f"{problem.status}.html" if problem.status in _PAGES else "400.html"
    context = {"problem": problem, "request_id": request_id(request)}
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # Without the request, so that no session is read: the database may be what failed.
        return HttpResponse(render_to_string(page, context), status=problem.status)
    return render(request, page, context, status=problem.status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler for a request that cannot be understood."""
    return answer(
        request, Problem(400, "This request cannot be understood", "Go back, reload the page and send it again.")
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's handler for a form whose token is missing or stale."""
    detail = (
        "It was open for too long, or cookies are off. Nothing was done. Go back, reload the page and send it again."
    )
    return answer(request, Problem(403, "This form could not be checked", detail, type="csrf"))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler for what this reader may not have; the exception's text says what is missing."""
    return answer(request, Problem(403, "You may not open this", str(exception)))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler for what does not exist, or must not be known to exist."""
    said = exception.args[0] if exception.args and isinstance(exception.args[0], str) else ""
    return answer(request, Problem(404, "Nothing is at this address", said))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler for a fault of ours; the log line joins the request's name to the traceback above it."""
    _log.error("Request %s (%s %s) failed", request_id(request), request.method, request.path)
    return answer(
        request, Problem(500, "Something here is broken", "The fault is ours and is recorded. Try again in a minute.")
    )
