"""What every page and every answer carries: policy, request id, problems in the form that the asker understands."""

from __future__ import annotations

import re
from typing import Any
from unittest import mock

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path
from django.views.decorators.http import require_safe

from marketplace.urls import handler400, handler403, handler404, handler500
from marketplace.urls import urlpatterns as site_urls
from marketplace.web.navigation import items
from marketplace.web.problems import Fault, Problem, answer


def _problem(request: HttpRequest) -> HttpResponse:
    raise Problem(
        409,
        "The quote has expired",
        "Ask for a new one.",
        type="quote-expired",
        faults=[Fault("units", "<b>", "Less.")],
    )


def _broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a secret of ours")


@require_safe
def _read(request: HttpRequest) -> HttpResponse:
    return HttpResponse("read")


urlpatterns = [
    *site_urls,
    path("read", _read),
    path("api/v1/read", _read),
    path("problem", _problem),
    path("api/v1/problem", _problem),
    path("broken", _broken),
    path("api/v1/broken", _broken),
]
__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

here = override_settings(ROOT_URLCONF=__name__)


def client(**more: Any) -> Client:
    return Client(raise_request_exception=False, headers={"host": "localhost"}, **more)


@pytest.mark.parametrize("address", ["/kit", "/nope", "/problem", "/broken"])
@here
def test_pages_need_no_inline_style_handler_or_script_and_the_policy_forbids_them(address: str) -> None:
    response = client().get(address)
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "script-src 'self'" in policy and "style-src 'self'" in policy
    page = response.content.decode()
    for tag in re.findall(r"<[a-zA-Z][^>]*>", page):
        assert not re.search(r"\s(style|on[a-z]+)\s*=", tag), tag
        if tag.startswith("<script"):
            assert ' src="/static/' in tag
    assert "<style" not in page and "javascript:" not in page
    assert page.count("<h1") == 1 and page.count("<main") == 1
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))


def test_a_browser_that_asks_for_the_old_icon_is_led_to_ours() -> None:
    response = client().get("/favicon.ico")
    assert response.status_code == 302 and response.headers["Location"] == "/static/icon.svg"


def test_htmx_is_told_to_keep_to_the_policy() -> None:
    page = client().get("/nope").content.decode()
    config = re.search(r"name=\"htmx-config\" content='([^']*)'", page)
    assert config and '"includeIndicatorStyles": false' in config[1] and '"allowEval": false' in config[1]
    assert re.search(r'<script src="/static/django_htmx/htmx[^"]*" defer>', page)


@here
def test_programs_get_problem_documents_and_people_get_pages() -> None:
    response = client().get("/api/v1/problem")
    assert response.status_code == 409
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json() == {
        "type": "http://localhost:8000/problems/quote-expired",
        "title": "The quote has expired",
        "status": 409,
        "detail": "Ask for a new one.",
        "request_id": response.headers["X-Request-Id"],
        "faults": [{"field": "units", "message": "<b>", "remedy": "Less.", "code": "invalid"}],
    }
    page = client().get("/problem")
    assert page.status_code == 409
    assert b"The quote has expired" in page.content and b"&lt;b&gt;" in page.content


def test_an_address_without_anything_answers_in_the_form_of_its_place() -> None:
    assert client().get("/api/v1/nope").json()["title"] == "Nothing is at this address"
    page = client().get("/n<ope")
    assert page.status_code == 404 and b"/n&lt;ope" in page.content


@here
def test_a_program_is_told_which_methods_an_address_takes() -> None:
    response = client().delete("/api/v1/read")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == 405 and response.json()["detail"] == "Use GET, HEAD."
    page = client().delete("/read")
    assert (page.status_code, page.headers["Allow"], page.content) == (405, "GET, HEAD", b"")


@here
def test_a_fault_of_ours_names_the_request_and_nothing_else() -> None:
    page = client().get("/broken")
    assert page.status_code == 500
    assert page.headers["X-Request-Id"] in page.content.decode()
    assert b"secret" not in page.content
    document = client().get("/api/v1/broken").json()
    assert document["status"] == 500 and document["request_id"] and "secret" not in str(document)


def test_the_page_of_a_fault_reads_no_session_because_the_database_may_be_what_failed() -> None:
    class Unreachable:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("the database does not answer")

    request = RequestFactory().get("/")
    request.user = Unreachable()  # type: ignore[assignment]
    assert answer(request, Problem(500, "Something here is broken")).status_code == 500
    with pytest.raises(RuntimeError):
        answer(request, Problem(404, "Nothing is at this address"))


def test_a_plain_request_id_is_kept_and_another_is_replaced() -> None:
    assert client().get("/nope", headers={"x-request-id": "abcDEF-123.x"}).headers["X-Request-Id"] == "abcDEF-123.x"
    for sent in ("short", "x" * 65, "bad id here", "a\tb12345678"):
        assert client().get("/nope", headers={"x-request-id": sent}).headers["X-Request-Id"] != sent


def test_a_form_without_its_token_is_refused_with_what_to_do() -> None:
    response = client(enforce_csrf_checks=True).post("/theme", {"theme": "dark"})
    assert response.status_code == 403
    assert b"reload the page" in response.content


def test_the_theme_is_kept_in_a_cookie_and_written_into_the_page() -> None:
    browser = client()
    assert b"data-theme" not in browser.get("/nope").content
    response = browser.post("/theme", {"theme": "dark", "next": "/kit?x=1"})
    assert response.status_code == 302 and response.headers["Location"] == "/kit?x=1"
    assert response.cookies["theme"]["httponly"] and response.cookies["theme"]["samesite"] == "Lax"
    assert b'data-theme="dark"' in browser.get("/nope").content
    browser.post("/theme", {"theme": "system"})
    assert b"data-theme" not in browser.get("/nope").content


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
def test_the_choice_of_theme_leads_nowhere_else(elsewhere: str) -> None:
    assert client().post("/theme", {"theme": "light", "next": elsewhere}).headers["Location"] == "/"


def test_a_theme_from_a_tampered_cookie_is_not_written_into_the_page() -> None:
    browser = client()
    browser.cookies["theme"] = '"><script>'
    assert b"data-theme" not in browser.get("/nope").content


def test_the_kit_is_there_on_one_machine_only() -> None:
    assert client().get("/kit").status_code == 200
    with override_settings(LOCAL_STACK=False):
        assert client().get("/kit").status_code == 404


def test_the_way_around_names_only_what_is_installed_and_where_the_reader_is() -> None:
    addresses = {"catalog:browse": "/", "orders:list": "/orders/", "catalog:library": "/library/"}

    def reverse(name: str) -> str:
        from django.urls import NoReverseMatch

        if name not in addresses:
            raise NoReverseMatch
        return addresses[name]

    with mock.patch("marketplace.web.navigation.reverse", reverse):
        assert [item.word for item in items("/")] == ["Browse", "Orders", "Library"]
        current = {
            place: [item.word for item in items(place) if item.current]
            for place in ("/", "/orders/7", "/nope", "/libraryx")
        }
    assert current == {"/": ["Browse"], "/orders/7": ["Orders"], "/nope": [], "/libraryx": []}


@pytest.mark.django_db
def test_an_address_with_a_nul_byte_leads_nowhere(client: Client) -> None:
    answer = client.get("/datasets/ann/numbers/versions/1.0.0/files/a%00b")
    assert answer.status_code == 404
