"""API tokens: shown once, kept as a digest, in force until they expire or are revoked."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core import serializers
from django.test import RequestFactory
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from marketplace.accounts import tokens
from marketplace.accounts.models import ApiToken, User
from tests.factories import a_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def issued() -> tokens.IssuedToken:
    user, account = a_person("ann")
    return tokens.issue(account, created_by=user, name="nightly", scopes=["read", "order", "read"])


def test_the_secret_opens_the_account_and_is_nowhere_in_the_database(issued: tokens.IssuedToken) -> None:
    assert issued.secret.startswith("lk_") and len(issued.secret) > 40
    assert tokens.authenticate(issued.secret) == issued.token
    stored = json.dumps(json.loads(serializers.serialize("json", ApiToken.objects.all())))
    assert issued.secret not in stored and issued.secret.removeprefix("lk_") not in stored
    assert issued.token.scopes == ["order", "read"]


def test_no_two_secrets_are_alike(issued: tokens.IssuedToken) -> None:
    token = issued.token
    assert token.created_by
    another = tokens.issue(token.account, created_by=token.created_by, name="nightly", scopes=["read"])
    assert another.secret != issued.secret and tokens.authenticate(another.secret) == another.token


def test_all_that_is_wrong_with_a_new_token_is_said_at_once(issued: tokens.IssuedToken) -> None:
    user, account = issued.token.created_by, issued.token.account
    assert user
    over = timezone.now() - timedelta(seconds=1)
    with pytest.raises(ValueError, match=r"name: .*scopes: .*expires_at: "):
        tokens.issue(account, created_by=user, name=" ", scopes=["everything"], expires_at=over)
    with pytest.raises(ValueError, match="scopes: choose at least one of read, order, purchase, sell"):
        tokens.issue(account, created_by=user, name="empty", scopes=[])
    assert ApiToken.objects.count() == 1


def test_an_expired_token_opens_nothing_and_a_later_expiry_does(issued: tokens.IssuedToken) -> None:
    rows = ApiToken.objects.filter(id=issued.token.id)
    rows.update(expires_at=timezone.now() + timedelta(hours=1))
    assert tokens.authenticate(issued.secret) == issued.token
    rows.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert tokens.authenticate(issued.secret) is None


def test_a_revoked_token_opens_nothing_and_keeps_the_moment_of_its_end(issued: tokens.IssuedToken) -> None:
    tokens.revoke(issued.token)
    assert tokens.authenticate(issued.secret) is None
    ended = ApiToken.objects.get().revoked_at
    tokens.revoke(issued.token)
    assert ended is not None and ApiToken.objects.get().revoked_at == ended


def test_a_token_opens_nothing_while_whoever_made_it_is_inactive_or_once_they_are_gone(
    issued: tokens.IssuedToken,
) -> None:
    people = User.objects.filter(id=issued.token.created_by_id)
    people.update(is_active=False)
    assert tokens.authenticate(issued.secret) is None
    people.update(is_active=True)
    assert tokens.authenticate(issued.secret) == issued.token
    ApiToken.objects.filter(id=issued.token.id).update(created_by=None)
    assert tokens.authenticate(issued.secret) is None


def test_the_last_use_is_noted_at_most_once_a_minute(issued: tokens.IssuedToken) -> None:
    rows = ApiToken.objects.filter(id=issued.token.id)
    assert rows.get().last_used_at is None
    tokens.authenticate(issued.secret)
    first = rows.get().last_used_at
    assert first is not None
    recent = first - timedelta(seconds=30)
    rows.update(last_used_at=recent)
    tokens.authenticate(issued.secret)
    assert rows.get().last_used_at == recent
    rows.update(last_used_at=first - timedelta(seconds=90))
    tokens.authenticate(issued.secret)
    noted = rows.get().last_used_at
    assert noted is not None and noted >= first


def test_a_request_shows_its_token_as_bearer(rf: RequestFactory, issued: tokens.IssuedToken) -> None:
    for header in (f"Bearer {issued.secret}", f"bearer  {issued.secret} "):
        assert tokens.bearer(rf.get("/", headers={"authorization": header})) == issued.token
    for header in (f"Basic {issued.secret}", issued.secret, "Bearer", "Bearer lk_wrong", ""):
        assert tokens.bearer(rf.get("/", headers={"authorization": header})) is None
    assert tokens.bearer(rf.get("/")) is None


@given(st.text())
def test_no_other_text_opens_anything(text: str) -> None:
    assert tokens.authenticate(text) is None and tokens.authenticate(tokens.PREFIX + text) is None
