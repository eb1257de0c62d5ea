"""Every page of signing in and of the account answers, and keeps to the policy."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from tests.accounts.pages import assert_whole, sign_in_and_show_again
from tests.factories import a_person

pytestmark = pytest.mark.django_db

FOR_ANYBODY = [
    "account_login",
    "account_signup",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key_done",
    "account_email_verification_sent",
    "account_inactive",
]
FOR_THE_SIGNED_IN = [
    "accounts:home",
    "account_logout",
    "account_email",
    "account_change_password",
    "account_reauthenticate",
    "account_reset_password",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_list_webauthn",
    "mfa_add_webauthn",
    "mfa_generate_recovery_codes",
]


@pytest.mark.parametrize("name", FOR_ANYBODY)
def test_a_page_for_anybody_answers(client: Client, name: str) -> None:
    assert_whole(client.get(reverse(name)))


@pytest.mark.parametrize("name", FOR_THE_SIGNED_IN)
def test_a_page_for_the_signed_in_answers_them(client: Client, name: str) -> None:
    a_person("ann")
    sign_in_and_show_again(client)
    assert_whole(client.get(reverse(name)))


def test_showing_again_who_one_is_by_a_key_leads_those_without_one_to_their_password(client: Client) -> None:
    client.force_login(a_person("ann")[0])
    response = client.get(reverse("mfa_reauthenticate_webauthn"))
    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("account_reauthenticate"))


@pytest.mark.parametrize("name", sorted(set(FOR_THE_SIGNED_IN) - {"account_logout", "account_reset_password"}))
def test_a_page_for_the_signed_in_leads_others_to_signing_in(client: Client, name: str) -> None:
    response = client.get(reverse(name))
    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", ["mfa_authenticate", "mfa_reauthenticate", "account_confirm_login_code"])
def test_a_step_of_signing_in_that_was_not_begun_leads_to_its_beginning(client: Client, name: str) -> None:
    response = client.get(reverse(name))
    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("account_login"))


def test_whoever_has_no_password_is_led_to_set_one(client: Client) -> None:
    user, _ = a_person("ann")
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    response = client.get(reverse("account_change_password"))
    assert response.headers["Location"] == reverse("account_set_password")
    assert_whole(client.get(reverse("account_set_password")))


def test_where_addresses_must_be_confirmed_signing_up_waits_for_it(client: Client) -> None:
    given = {"email": "new@example.com", "slug": "new-shop", "password1": "correct horse battery"}
    with override_settings(ACCOUNT_EMAIL_VERIFICATION="mandatory"):
        response = client.post(reverse("account_signup"), given)
        assert response.headers["Location"] == reverse("account_email_verification_sent")
        assert client.get(reverse("accounts:home")).status_code == 302
