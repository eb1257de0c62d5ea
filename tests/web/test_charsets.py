"""What is sent in another charset than UTF-8 is refused by the web server's own callable, before Django decodes it."""

from __future__ import annotations

import io
import json
from wsgiref.types import WSGIEnvironment
from wsgiref.util import setup_testing_defaults

import pytest

from marketplace.wsgi import application

API = "/api/v1/datasets/nobody/nothing/rows"


def answered(path: str, content_type: str, method: str = "GET") -> tuple[int, dict[str, str], str]:
    """Status, headers and body, as the web server is given them."""
    environ: WSGIEnvironment = {"PATH_INFO": path, "HTTP_HOST": "localhost", "REQUEST_METHOD": method}
    setup_testing_defaults(environ)
    environ |= {"QUERY_STRING": "q=%5Cud800", "CONTENT_TYPE": content_type}
    started: list[tuple[str, list[tuple[str, str]]]] = []
    body = b"".join(application(environ, lambda status, headers, _=None: started.append((status, headers))))  # type: ignore[arg-type,return-value]
    [(status, headers)] = started
    return int(status[:3]), dict(headers), body.decode()


@pytest.mark.parametrize(
    "content_type",
    [
        *(
            f"text/plain; charset={charset}"
            for charset in ("rot13", "hex", "punycode", "undefined", "idna", "unicode_escape", "raw_unicode_escape")
        ),
        "text/plain; charset=utf-7",
        "text/plain; charset=UTF-16",
        'multipart/form-data; boundary=b; charset="latin-1"',
        "text/plain; charset=utf-8; charset=hex",
        "text/plain; charset*0=rot; charset*1=13",
        "text/plain; charset*=utf-8''hex",
        "text/plain; name*=undefined''75",
        "text/plain; name*=a; name*0*=b",
        "text/plain; charset=nonsense",
    ],
)
def test_another_charset_than_utf_8_is_refused_in_the_form_that_the_asker_understands(content_type: str) -> None:
    status, headers, body = answered("/search", content_type)
    assert (status, headers["Content-Type"]) == (415, "text/plain; charset=utf-8")
    assert "UTF-8" in body and headers["X-Request-Id"]
    status, headers, body = answered(API, content_type, "POST")
    assert (status, headers["Content-Type"]) == (415, "application/problem+json")
    told = json.loads(body)
    assert told["status"] == 415 and told["title"] and told["detail"]
    assert told["request_id"] == headers["X-Request-Id"]
    assert answered(API, content_type, "HEAD")[2] == ""


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "text/plain; charset=UTF-8",
        'application/json; charset="utf-8"',
        "text/csv; Charset=utf8",
        "text/plain; charset=us-ascii",
        "multipart/form-data; boundary=b",
    ],
)
def test_utf_8_and_no_charset_at_all_reach_the_site(content_type: str) -> None:
    assert answered("/no-such-page", content_type)[0] == 404
    assert answered("/api/v1/nothing", content_type)[0] == 404


@pytest.mark.django_db
def test_a_form_whose_part_says_two_names_is_a_bad_request() -> None:
    form = b"--b\r\nContent-Disposition: form-data; name*=a; name*0*=b\r\n\r\ndark\r\n--b--\r\n"
    environ: WSGIEnvironment = {"PATH_INFO": "/theme", "HTTP_HOST": "localhost", "REQUEST_METHOD": "POST"}
    setup_testing_defaults(environ)
    environ |= {
        "CONTENT_TYPE": "multipart/form-data; boundary=b",
        "CONTENT_LENGTH": str(len(form)),
        "HTTP_COOKIE": f"csrftoken={'a' * 32}",
        "wsgi.input": io.BytesIO(form),
    }
    told: list[str] = []
    list(application(environ, lambda status, headers, _=None: told.append(status)))  # type: ignore[arg-type,return-value]
    assert told == ["400 Bad Request"]
