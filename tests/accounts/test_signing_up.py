"""Signing up makes a user, an account and a membership together, or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from marketplace.accounts.forms import SignupForm
from marketplace.accounts.models import Account, Membership, Role, User
from marketplace.web.problems import Problem
from tests.accounts.pages import assert_whole, link_in
from tests.factories import a_person, an_account
from tests.workers import work_off

pytestmark = pytest.mark.django_db

GIVEN = {"email": "new@example.com", "slug": "new-shop", "password1": "correct horse battery"}


def _sign_up(client: Client, **changed: str) -> Any:
    return client.post(reverse("account_signup"), {**GIVEN, **changed})


def test_signing_up_makes_user_account_and_membership_and_signs_in(client: Client) -> None:
    response = _sign_up(client)
    assert response.status_code == 302 and response.headers["Location"] == "/"
    membership = Membership.objects.select_related("user", "account").get()
    assert membership.role == Role.OWNER
    assert (membership.user.email, membership.account.slug) == ("new@example.com", "new-shop")
    assert membership.account.kind == Account.Kind.PERSONAL
    page = assert_whole(client.get(reverse("accounts:home")))
    assert "new@example.com" in page and "new-shop" in page


@pytest.mark.parametrize(
    ("slug", "said"),
    [
        ("taken", "is taken"),
        ("admin", "kept for the site itself"),
        ("Not A Slug", "Use 3 to 39"),
        ("ab", "Use 3 to 39"),
        ("a" * 40, "at most 39"),
        ("new-shop\n", "new-shop"),
        ("", "required"),
    ],
)
def test_a_name_that_cannot_be_had_is_said_at_its_field_and_changes_nothing(
    client: Client, slug: str, said: str
) -> None:
    an_account("taken")
    response = _sign_up(client, slug=slug)
    if slug.strip() == "new-shop":  # a stray line end is not part of the name
        assert response.status_code == 302
        return
    page = assert_whole(response)
    assert said in " ".join(response.context["form"].errors["slug"])
    assert 'value="new@example.com"' in page and (not slug or f'value="{slug}"' in page)
    assert GIVEN["password1"] not in page
    assert not User.objects.exists() and Account.objects.count() == 1
    assert reverse("account_login") in client.get(reverse("accounts:home")).headers["Location"]


def test_all_that_is_wrong_is_said_at_once(client: Client) -> None:
    response = _sign_up(client, email="nobody", slug="admin", password1="short")
    assert set(response.context["form"].errors) == {"email", "slug", "password1"}


def test_an_address_longer_than_any_that_is_kept_is_refused_at_its_field(client: Client) -> None:
    response = _sign_up(client, email="x" * 300 + "@a.de")
    assert "at most 254" in str(response.context["form"].errors["email"])
    assert not User.objects.exists()


def test_an_address_that_is_signed_up_makes_nothing_whatever_its_case(client: Client) -> None:
    a_person("ann")
    response = _sign_up(client, email="ANN@example.com")
    assert "email" in response.context["form"].errors
    assert User.objects.count() == 1 and Account.objects.count() == 1


def test_a_name_taken_after_the_check_is_a_conflict_and_leaves_nothing_behind(rf: RequestFactory) -> None:
    form = SignupForm(GIVEN)
    assert form.is_valid()
    an_account("new-shop")
    request = rf.post("/")
    request.session = Client().session  # type: ignore[assignment]
    with pytest.raises(Problem) as raised:
        form.save(request)
    assert raised.value.status == 409 and raised.value.faults[0].field == "slug"
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_link_in_the_first_message_confirms_the_address(client: Client) -> None:
    _sign_up(client)
    work_off()
    message = mail.outbox[0]
    assert message.subject == "Confirm your e-mail address" and message.to == ["new@example.com"]
    assert not User.objects.get().emailaddress_set.get().verified
    link = link_in(str(message.body))
    page = assert_whole(client.get(link))
    assert "new@example.com" in page
    assert not User.objects.get().emailaddress_set.get().verified
    client.post(link)
    assert User.objects.get().emailaddress_set.get().verified
    assert "no longer good" in assert_whole(client.get(reverse("account_confirm_email", args=["cut-off"])))


@pytest.mark.django_db(transaction=True)
def test_on_one_machine_each_message_is_a_file(client: Client, settings: Settings, tmp_path: Path) -> None:
    assert settings.LOCAL_STACK and settings.EMAIL_FILE_PATH.endswith("/mail")
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    _sign_up(client)
    work_off()
    (file,) = tmp_path.iterdir()
    assert "Subject: Confirm your e-mail address" in file.read_text()
