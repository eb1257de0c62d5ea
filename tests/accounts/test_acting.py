"""Which account a request acts for."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from marketplace.accounts.acting import acting_account, choose
from marketplace.accounts.models import Account, Membership, User
from tests.accounts.pages import assert_whole
from tests.factories import a_person, an_account

pytestmark = pytest.mark.django_db


def _member_of(user: User, slug: str) -> Account:
    account = an_account(slug)
    Membership.objects.create(account=account, user=user)
    Membership.objects.create(account=account, user=User.objects.create_user(f"other@{slug}.example"))
    return account


def test_nobody_acts_for_no_account(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = AnonymousUser()
    assert acting_account(request) is None


def test_without_a_choice_a_person_acts_for_their_own_account_in_one_query(
    rf: RequestFactory, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    user = User.objects.create_user("bea@example.com")
    _member_of(user, "first-joined")
    own = an_account("bea", kind=Account.Kind.PERSONAL)
    Membership.objects.create(account=own, user=user)
    request = rf.get("/")
    request.user, request.session = user, Client().session  # type: ignore[assignment]
    with django_assert_num_queries(1):
        assert acting_account(request) == own
        assert acting_account(request) == own


def test_a_member_of_several_chooses_and_the_choice_lasts(client: Client) -> None:
    user, own = a_person("ann")
    shop = _member_of(user, "shop")
    client.force_login(user)
    page = assert_whole(client.get(reverse("accounts:home")))
    assert 'value="ann"' in page and 'value="shop"' in page
    client.post(reverse("accounts:act-for"), {"account": "shop"})
    response = client.get(reverse("accounts:home"))
    assert response.context["account"] == shop
    client.post(reverse("accounts:act-for"), {"account": "ann"})
    assert client.get(reverse("accounts:home")).context["account"] == own


def test_whoever_is_no_longer_a_member_acts_for_their_own_account_again(client: Client) -> None:
    user, own = a_person("ann")
    shop = _member_of(user, "shop")
    client.force_login(user)
    client.post(reverse("accounts:act-for"), {"account": "shop"})
    Membership.objects.filter(user=user, account=shop).delete()
    assert client.get(reverse("accounts:home")).context["account"] == own


@pytest.mark.parametrize("slug", ["strangers", "no-such", "", "\x00"])
def test_nobody_acts_for_an_account_of_others(client: Client, slug: str) -> None:
    user, own = a_person("ann")
    strangers = an_account("strangers")
    client.force_login(user)
    response = client.post(reverse("accounts:act-for"), {"account": slug})
    page = assert_whole(response, 422)
    assert "account" in response.context["form"].errors and "1 entry needs a change" in page
    assert client.get(reverse("accounts:home")).context["account"] == own
    request = RequestFactory().get("/")
    request.user, request.session = user, client.session  # type: ignore[assignment]
    with pytest.raises(PermissionDenied):
        choose(request, strangers)


def test_a_person_without_any_account_is_told_so(client: Client) -> None:
    client.force_login(User.objects.create_user("lone@example.com"))
    assert "not a member of any account" in assert_whole(client.get(reverse("accounts:home")))


def test_the_account_page_is_for_the_signed_in(client: Client) -> None:
    for response in (client.get(reverse("accounts:home")), client.post(reverse("accounts:act-for"))):
        assert response.status_code == 302
        assert response.headers["Location"].startswith(reverse("account_login"))
