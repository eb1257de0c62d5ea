"""The second factor: an authenticator app, recovery codes, passkeys."""

from __future__ import annotations

import json
import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core import mail
from django.test import Client
from django.urls import reverse

from tests.accounts.pages import SIGN_IN, assert_whole, sign_in_and_show_again
from tests.factories import a_person
from tests.workers import work_off

pytestmark = pytest.mark.django_db

HOME = "accounts:home"


def _code(secret: str, steps_on: int = 0) -> str:
    """What an app shows (RFC 6238, 30 seconds); a later step too, since a code that was used is refused."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps_on)))


def _with_app(client: Client) -> str:
    """Sign in by password, set an app up, and return its secret."""
    a_person("ann")
    sign_in_and_show_again(client)
    page = assert_whole(client.get(reverse("mfa_activate_totp")))
    found = re.search(r'<dd class="digits">([A-Z2-7]+)</dd>', page)
    assert found and "<svg" in page
    refused = client.post(reverse("mfa_activate_totp"), {"code": "000000"})
    assert "code" in refused.context["form"].errors
    response = client.post(reverse("mfa_activate_totp"), {"code": _code(found[1])})
    assert response.headers["Location"] == reverse("mfa_view_recovery_codes")
    return found[1]


@pytest.mark.django_db(transaction=True)
def test_an_app_is_set_up_asked_for_and_given_up(client: Client) -> None:
    secret = _with_app(client)
    work_off()
    assert "An authenticator app was set up" in [message.subject for message in mail.outbox]
    client.post(reverse("account_logout"))

    response = client.post(reverse("account_login"), SIGN_IN)
    assert response.headers["Location"] == reverse("mfa_authenticate")
    assert_whole(client.get(reverse("mfa_authenticate")))
    assert client.get(reverse(HOME)).status_code == 302
    wrong = client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert "code" in wrong.context["form"].errors
    assert client.get(reverse(HOME)).status_code == 302
    client.post(reverse("mfa_authenticate"), {"code": _code(secret, 1)})
    assert client.get(reverse(HOME)).status_code == 200

    client.post(reverse("account_reauthenticate"), {"password": SIGN_IN["password"]})
    assert_whole(client.get(reverse("mfa_deactivate_totp")))
    client.post(reverse("mfa_deactivate_totp"))
    client.post(reverse("account_logout"))
    assert client.post(reverse("account_login"), SIGN_IN).headers["Location"] == "/"


def test_a_recovery_code_lets_in_once(client: Client) -> None:
    _with_app(client)
    page = assert_whole(client.get(reverse("mfa_view_recovery_codes")))
    codes = re.findall(r"^(?:<pre[^>]*>|\s*<pre[^>]*>)?([a-z0-9]{8})$", page, re.MULTILINE)
    assert len(codes) == 10
    assert client.get(reverse("mfa_download_recovery_codes")).content.decode().split() == codes
    assert_whole(client.get(reverse("mfa_generate_recovery_codes")))
    for attempt, lets_in in enumerate([True, False]):
        client.post(reverse("account_logout"))
        client.post(reverse("account_login"), SIGN_IN)
        client.post(reverse("mfa_authenticate"), {"code": codes[0]})
        assert (client.get(reverse(HOME)).status_code == 200) is lets_in, attempt


def test_what_guards_the_account_is_changed_only_after_showing_again_who_one_is(client: Client) -> None:
    user, _ = a_person("ann")
    client.force_login(user)
    address = reverse("mfa_activate_totp")
    response = client.get(address)
    assert response.status_code == 302 and response.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert_whole(client.get(response.headers["Location"]))
    wrong = client.post(reverse("account_reauthenticate"), {"password": "wrong horse", "next": address})
    assert "password" in wrong.context["form"].errors
    client.post(reverse("account_reauthenticate"), {"password": "correct horse", "next": address})
    assert_whole(client.get(address))


def test_the_pages_of_keys_hand_the_browser_its_options(client: Client) -> None:
    a_person("ann")
    sign_in_and_show_again(client)
    page = assert_whole(client.get(reverse("mfa_add_webauthn")))
    data = re.search(r'<script id="js_data" type="application/json">(.*?)</script>', page)
    assert data
    options = json.loads(data[1])["creation_options"]["publicKey"]
    assert options["challenge"] and options["user"]["name"] == "ann@example.com"
    for block in re.findall(r'<script data-allauth-onload="[^"]+" type="application/json">(.*?)</script>', page):
        assert set(json.loads(block)["ids"]) >= {"add", "credential", "data"}


def test_signing_in_by_passkey_begins_with_a_challenge_and_refuses_what_is_none(client: Client) -> None:
    response = client.get(reverse("mfa_login_webauthn"), headers={"accept": "application/json"})
    assert response.status_code == 200
    options = response.json()["request_options"]["publicKey"]
    assert options["challenge"] and options["userVerification"]
    refused = client.post(reverse("mfa_login_webauthn"), {"credential": "{}"})
    assert refused.status_code in {302, 400}
    assert client.get(reverse(HOME)).status_code == 302
