"""What every page must be: under the policy that forbids inline script and style, and whole."""

from __future__ import annotations

import re

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

SIGN_IN = {"login": "ann@example.com", "password": "correct horse"}


def assert_whole(response: HttpResponse, status: int = 200) -> str:
    """The text of the page, once it has been seen to answer ``status`` and to keep to the policy."""
    assert response.status_code == status
    page = response.content.decode()
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    for tag in re.findall(r"<[a-zA-Z][^>]*>", page):
        assert not re.search(r"\s(style|on[a-z]+)\s*=", tag), tag
        if tag.startswith("<script"):
            assert ' src="/static/' in tag or 'type="application/json"' in tag, tag
        assert "data:" not in tag, tag
    assert "<style" not in page and "javascript:" not in page
    assert page.count("<h1") == 1 and page.count("<main") == 1
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids)), ids
    for name in re.findall(r'\s(?:for|form|aria-labelledby)="([^"]*)"', page):
        assert name in ids, name
    return page


def link_in(text: str) -> str:
    """The path of the first address of this site's pages in a message."""
    found = re.search(r"http://[^/\s]+(/accounts/\S+)", text)
    assert found, text
    return found[1]


def sign_in_and_show_again(client: Client) -> None:
    """Sign in as ann by password, and give it once more: what guards an account is changed only after that."""
    client.post(reverse("account_login"), SIGN_IN)
    client.post(reverse("account_reauthenticate"), {"password": SIGN_IN["password"]})
