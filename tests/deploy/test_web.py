"""The role ``web`` with production settings, asked as a proxy asks it."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

import pytest

from tests.deploy import production
from tests.deploy.production import HOST, Deployment, Ground
from tests.mail import server as mailserver
from tests.mail.server import MailServer
from tests.workers import until

pytestmark = pytest.mark.xdist_group("deploy")


@pytest.fixture(scope="module")
def post() -> Iterator[MailServer]:
    with mailserver.running() as server:
        yield server


@pytest.fixture(scope="module")
def site(ground: Ground, post: MailServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One web process for the tests of this module; at their end it has to end by SIGTERM."""
    made = ground.deployment(tmp_path_factory.mktemp("web"), EMAIL_PORT=str(post.port))
    made.start("web", "web")
    try:
        until(lambda: _answers(made), seconds=240, what="a healthy web process", logs=made.children)
        yield made
        assert made.end("web", grace=30) == 0
    finally:
        made.stop()


def test_health_is_told_without_tls_by_name_only_and_says_no_more_than_up(site: Deployment) -> None:
    answer = site.ask("/healthz", headers={"X-Forwarded-Proto": "http"})
    assert answer.status == 200
    assert json.loads(answer.read()) == {"database": "up", "broker": "up"}
    assert "no-store" in answer.headers["Cache-Control"]
    assert site.ask("/healthz", headers={"Host": "elsewhere.example"}).status == 400


def test_a_database_that_does_not_answer_is_told_and_the_site_recovers_with_it(site: Deployment) -> None:
    site.databases.close(site.database)
    try:
        answer = site.ask("/healthz")
        assert answer.status == 503
        assert json.loads(answer.read()) == {"database": "down", "broker": "up"}
        assert production.run(site.environment, "health", "web").returncode == 1
    finally:
        site.databases.close(site.database, closed=False)
    assert site.ask("/healthz").status == 200


def test_a_broker_that_does_not_answer_is_told_and_the_site_recovers_with_it(site: Deployment) -> None:
    site.broker.close()
    try:
        answer = site.ask("/healthz")
        assert answer.status == 503
        assert json.loads(answer.read()) == {"database": "up", "broker": "down"}
    finally:
        site.broker.close(closed=False)
    assert site.ask("/healthz").status == 200


def test_plain_http_is_sent_to_https_and_https_is_told_to_stay(site: Deployment) -> None:
    plain = site.ask("/datasets/?q=cards", headers={"X-Forwarded-Proto": "http"})
    assert plain.status == 301
    assert plain.headers["Location"] == f"https://{HOST}/datasets/?q=cards"
    page = site.ask("/accounts/login/")
    assert page.status == 200
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_another_host_name_is_refused(site: Deployment) -> None:
    assert site.ask("/accounts/login/", headers={"Host": "elsewhere.example"}).status == 400


def test_static_files_are_named_by_their_digest_kept_for_ever_and_sent_compressed(site: Deployment) -> None:
    page = site.ask("/accounts/login/").read().decode()
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert any("site." in file for file in files)
    for file in files:
        assert re.search(r"\.[0-9a-f]{12}\.\w+$", file), file
        answer = site.ask(file, headers={"Accept-Encoding": "gzip"})
        assert answer.status == 200, file
        assert "immutable" in answer.headers["Cache-Control"]
        if file.endswith((".css", ".js")):
            assert answer.headers["Content-Encoding"] == "gzip"
    assert site.ask("/static/none.css").status == 404


def test_whoever_signs_up_must_confirm_the_address_by_the_link_that_a_worker_sends(
    site: Deployment, post: MailServer
) -> None:
    form = site.ask("/accounts/signup/")
    cookies = SimpleCookie(form.headers["Set-Cookie"])
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.read().decode())
    assert token and cookies["csrftoken"]["secure"]
    sent = site.ask(
        "/accounts/signup/",
        method="POST",
        body=urlencode(
            {
                "csrfmiddlewaretoken": token[1],
                "email": "ann@buyer.example",
                "slug": "ann",
                "password1": "a very long pass phrase",
            }
        ),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": f"csrftoken={cookies['csrftoken'].value}",
            "Referer": f"https://{HOST}/accounts/signup/",
        },
    )
    assert sent.status == 302, sent.read().decode()
    assert sent.headers["Location"] == "/accounts/confirm-email/"
    session = SimpleCookie("; ".join(sent.headers.get_all("Set-Cookie") or [])).get("sessionid")
    assert session and session["secure"] and session["httponly"]
    mine = {"Cookie": f"sessionid={session.value}"}
    assert site.ask("/accounts/email/", headers=mine).status == 302

    assert post.kept == []
    # The first hint is worth nothing by the time a worker is there: beat has another sent.
    later = {"interactive": ("worker", "interactive"), "housekeeping": ("worker", "housekeeping"), "beat": ("beat",)}
    for name, role in later.items():
        site.start(name, *role)
    until(lambda: post.kept != [], seconds=240, what="the message", logs=site.children)
    for name in later:
        assert site.end(name, grace=60) == 0, name
    (letter,) = post.kept
    assert letter["To"] == "ann@buyer.example"
    link = re.search(rf"https://{HOST}\S+confirm-email\S+", letter.get_content())
    assert link, letter.get_content()
    assert site.query("SELECT count(*) FROM mail_message") == [(0,)]
    assert site.ask(urlsplit(link[0]).path).status == 200
    assert site.query("SELECT verified FROM account_emailaddress WHERE email = 'ann@buyer.example'") == [(False,)]


def test_the_role_is_the_server_itself(site: Deployment) -> None:
    assert "granian" in production.the_process(site.children["web"])
    assert production.run(site.environment, "health", "web").returncode == 0


def _answers(site: Deployment) -> bool:
    with contextlib.suppress(OSError):
        return site.ask("/healthz").status == 200
    return False
