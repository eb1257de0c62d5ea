"""The administration: for staff only, to look at and to find, without a query a row."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from marketplace.accounts import tokens
from marketplace.accounts.models import ApiToken, User
from tests.factories import a_dataset, a_listing, a_person, a_version

pytestmark = pytest.mark.django_db

LISTS = [
    reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for model in admin.site._registry
    if model._meta.app_label in {"accounts", "catalog", "runs", "orders", "billing"}
]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss@example.com", "correct horse"))
    return client


def _shelf(name: str) -> None:
    """An account with a dataset, a version, a licence to it, and an offer."""
    _, account = a_person(name)
    dataset = a_dataset(account)
    a_listing(dataset)
    a_version(dataset)


@pytest.mark.parametrize("address", LISTS)
def test_lists_answer_staff_and_can_be_searched(staff: Client, address: str) -> None:
    assert staff.get(address).status_code == 200
    assert staff.get(address, {"q": "ann"}).status_code == 200


def test_strangers_sign_in_first_with_the_limits_of_everybody(client: Client) -> None:
    index = reverse("admin:index")
    assert client.get(index).status_code == 302
    response = client.get(reverse("admin:login"), {"next": index})
    assert response.headers["Location"].startswith(reverse("account_login"))
    client.force_login(a_person("ann")[0])
    assert client.get(LISTS[0]).status_code == 302
    assert client.get(reverse("admin:login")).status_code == 403


def test_a_longer_list_takes_no_more_queries(staff: Client, s3_bucket: str) -> None:
    lists = [address for address in LISTS if "/catalog/" in address or "/accounts/" in address]
    _shelf("ann")
    counts = []
    for names in ((), ("bea", "cid")):
        for name in names:
            _shelf(name)
        seen = {}
        for address in lists:
            staff.get(address)
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert staff.get(address).status_code == 200
            seen[address] = len(queries)
        counts.append(seen)
    assert counts[0] == counts[1]


def test_what_never_changes_can_only_be_looked_at(staff: Client, s3_bucket: str) -> None:
    _, account = a_person("ann")
    version = a_version(a_dataset(account))
    address = reverse("admin:catalog_version_change", args=[version.id])
    page = staff.get(address)
    assert page.status_code == 200 and version.digest in page.content.decode()
    assert b'name="_save"' not in page.content
    assert staff.post(address, {"units": "1"}).status_code == 403
    assert staff.post(reverse("admin:catalog_version_delete", args=[version.id]), {"post": "yes"}).status_code == 403
    assert staff.get(reverse("admin:catalog_version_add")).status_code == 403


def test_staff_end_tokens_and_never_see_their_digest(staff: Client) -> None:
    user, account = a_person("ann")
    issued = tokens.issue(account, created_by=user, name="lost", scopes=["read"])
    page = staff.get(reverse("admin:accounts_apitoken_change", args=[issued.token.id])).content.decode()
    assert "lost" in page and issued.token.sha256 not in page
    chosen = {"action": "revoke", "_selected_action": [str(issued.token.id)]}
    staff.post(reverse("admin:accounts_apitoken_changelist"), chosen)
    assert ApiToken.objects.get().revoked_at is not None


def test_staff_without_every_permission_cannot_give_themselves_more(client: Client) -> None:
    from django.contrib.auth.models import Permission

    user, _ = a_person("ann")
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    client.force_login(user)
    address = reverse("admin:accounts_user_change", args=[user.id])
    assert client.get(address).status_code == 200
    client.post(address, {"is_superuser": "on", "is_staff": "on", "is_active": "on"})
    user.refresh_from_db()
    assert not user.is_superuser


def test_the_slug_of_an_account_stays(staff: Client) -> None:
    _, account = a_person("ann")
    address = reverse("admin:accounts_account_change", args=[account.id])
    page = staff.get(address).content.decode()
    assert 'name="slug"' not in page and 'name="name"' in page
