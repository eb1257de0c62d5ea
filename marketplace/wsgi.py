"""The entry point of the web server."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4
from wsgiref.types import StartResponse, WSGIEnvironment

from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application
from django.http.multipartparser import MultiPartParserError
from django.utils.http import parse_header_parameters

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")


class _Request(WSGIRequest):
    """Django's, but for a form whose parts have headers that Python's parser fails on: that is a bad request."""

    def parse_file_upload(self, *args: Any, **named: Any) -> Any:
        """Raises MultiPartParserError, also for parameters that contradict each other (RFC 2231)."""
        try:
            return super().parse_file_upload(*args, **named)
        except TypeError as error:
            raise MultiPartParserError("A part of the form has a header that says two things.") from error


_site = get_wsgi_application()
_site.request_class = _Request

#: What counts as UTF-8, of which ASCII is a part.
_UTF_8: Final = frozenset({"utf-8", "utf8", "us-ascii"})
_TITLE: Final = "Only UTF-8 is read here"
_DETAIL: Final = "Send text in UTF-8, and name no other charset in Content-Type."


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The site, for requests in UTF-8; others are refused before Django sees them.

    Django reads the address and the form by any codec of Python's that Content-Type names, before the first middleware:
    some of them cannot decode text, and some let in what is no text.
    """
    if _in_utf_8(environ.get("CONTENT_TYPE", "")):
        return _site(environ, start_response)
    return _refused(environ, start_response)


def _in_utf_8(content_type: str) -> bool:
    """Does the header name no charset, or UTF-8? It is read as Django reads it, so that both see the same charset."""
    try:
        _, parameters = parse_header_parameters(content_type)
    except (ValueError, TypeError):  # what Python raises for parameters that contradict each other (RFC 2231)
        return False
    return str(parameters.get("charset", "utf-8")).lower() in _UTF_8


def _refused(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """A problem document under ``/api/``, as the site itself answers there, and plain text elsewhere."""
    status, request_id = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, uuid4().hex
    if environ.get("PATH_INFO", "").startswith("/api/"):
        document = {"type": "about:blank", "title": _TITLE, "status": status, "detail": _DETAIL}
        body, kind = json.dumps(document | {"request_id": request_id}).encode(), "application/problem+json"
    else:
        body, kind = f"{_TITLE}. {_DETAIL}\n".encode(), "text/plain; charset=utf-8"
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("X-Request-Id", request_id)]
    start_response(f"{status.value} {status.phrase}", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
