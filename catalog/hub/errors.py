"""What the clients raise as exceptions of their own: they go by the header ``X-Error-Code``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.vary import vary_on_headers

from marketplace.web.problems import Problem

P = ParamSpec("P")

_LONGEST_HEADER = 1_000


class HubError(Exception):
    """An answer that is an error; ``commit`` is the version in which something was looked for."""

    status = HTTPStatus.NOT_FOUND
    code = ""

    def __init__(self, message: str, commit: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.commit = commit


class RepoNotFound(HubError):
    """There is no such dataset, or none that the reader may know of."""

    code = "RepoNotFound"


class RevisionNotFound(HubError):
    """The dataset has no such version that the reader may see."""

    code = "RevisionNotFound"


class EntryNotFound(HubError):
    """The version has no such file."""

    code = "EntryNotFound"


class GatedRepo(HubError):
    """A licence is missing; the message says where to get one."""

    status = HTTPStatus.FORBIDDEN
    code = "GatedRepo"


def hub_call(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer the errors of ``view`` as the clients understand them. All calls read: no form has to be proved."""

    @wraps(view)
    def answered(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
            if isinstance(response, HttpResponseNotAllowed):
                allowed = response["Allow"]
                response = _answer(
                    HTTPStatus.METHOD_NOT_ALLOWED, "", f"This call does not take this method; use {allowed}."
                )
                response["Allow"] = allowed
        except HubError as error:
            response = _answer(error.status, error.code, error.message)
            if error.commit:
                response["X-Repo-Commit"] = error.commit
        except Problem as problem:
            response = _answer(problem.status, "", problem.title)
            if problem.status == HTTPStatus.UNAUTHORIZED:
                response["WWW-Authenticate"] = 'Bearer realm="API token"'
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    return csrf_exempt(vary_on_headers("Authorization", "Cookie")(answered))


def _answer(status: int, code: str, message: str) -> HttpResponse:
    headers = {"X-Error-Message": _header(message)}
    if code:
        headers["X-Error-Code"] = code
    return JsonResponse({"error": message}, status=status, headers=headers)


def _header(message: str) -> str:
    """``message`` as a header can hold it: the address of the call stands in it, with whatever was put there."""
    line = " ".join(message.split()).encode("ascii", "replace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in line)[:_LONGEST_HEADER]
