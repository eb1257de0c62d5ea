"""Signing in, passwords, and the limits on attempts."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from tests.accounts.pages import SIGN_IN, assert_whole, link_in
from tests.factories import a_person
from tests.workers import work_off

pytestmark = pytest.mark.django_db


def _signed_in(client: Client) -> bool:
    return client.get(reverse("accounts:home")).status_code == 200


def test_an_address_in_any_case_and_the_password_sign_in_and_lead_on(client: Client) -> None:
    a_person("ann")
    address = reverse("account_login")
    response = client.post(address, {**SIGN_IN, "login": "Ann@Example.com", "next": "/library"})
    assert response.status_code == 302 and response.headers["Location"] == "/library"
    assert _signed_in(client)


def test_signing_in_leads_to_no_other_site(client: Client) -> None:
    a_person("ann")
    response = client.post(reverse("account_login"), {**SIGN_IN, "next": "https://evil.example/"})
    assert response.headers["Location"] == "/"


def test_a_wrong_password_and_an_unknown_address_are_told_alike(client: Client) -> None:
    a_person("ann")
    pages = [
        client.post(reverse("account_login"), {**SIGN_IN, **wrong})
        for wrong in ({"password": "wrong horse"}, {"login": "bob@example.com"})
    ]
    errors = [response.context["form"].non_field_errors() for response in pages]
    assert errors[0] == errors[1] and errors[0]
    page = assert_whole(pages[0])
    assert 'value="ann@example.com"' in page and "wrong horse" not in page
    assert not _signed_in(client)


def test_after_five_wrong_passwords_even_the_right_one_waits(client: Client) -> None:
    a_person("ann")
    for _ in range(5):
        client.post(reverse("account_login"), {**SIGN_IN, "password": "wrong horse"})
    response = client.post(reverse("account_login"), SIGN_IN)
    assert "Too many" in str(response.context["form"].non_field_errors())
    assert not _signed_in(client)


def test_too_many_requests_get_a_page_that_says_so(client: Client) -> None:
    answers = [client.post(reverse("account_reset_password"), {"email": "nobody@example.com"}) for _ in range(6)]
    assert answers[0].status_code == 302
    assert "Too many attempts" in assert_whole(answers[-1], 429)


def test_somebody_inactive_is_told_so(client: Client) -> None:
    user, _ = a_person("ann")
    user.is_active = False
    user.save()
    client.post(reverse("account_login"), SIGN_IN)
    assert not _signed_in(client)
    assert "cannot sign in" in assert_whole(client.get(reverse("account_inactive")))


def test_signing_out_needs_a_post(client: Client) -> None:
    user, _ = a_person("ann")
    client.force_login(user)
    assert_whole(client.get(reverse("account_logout")))
    assert _signed_in(client)
    client.post(reverse("account_logout"))
    assert not _signed_in(client)


@pytest.mark.django_db(transaction=True)
def test_the_link_for_a_new_password_works_once(client: Client) -> None:
    a_person("ann")
    response = client.post(reverse("account_reset_password"), {"email": "ann@example.com"}, follow=True)
    assert "A message was sent" in assert_whole(response)
    work_off()
    (message,) = mail.outbox
    assert message.subject == "Set a new password" and message.to == ["ann@example.com"]
    link = link_in(str(message.body))
    response = client.get(link, follow=True)
    assert "Set a new password" in assert_whole(response)
    form_address = response.redirect_chain[-1][0]
    short = client.post(form_address, {"password1": "short", "password2": "short"})
    assert "password1" in short.context["form"].errors
    new = "another horse battery"
    done = client.post(form_address, {"password1": new, "password2": new}, follow=True)
    assert_whole(done)
    work_off()
    assert mail.outbox[1].subject == "Your password was reset"
    old = client.post(reverse("account_login"), SIGN_IN)
    assert old.status_code == 200
    assert client.post(reverse("account_login"), {**SIGN_IN, "password": new}).status_code == 302
    assert "no longer good" in assert_whole(Client().get(link, follow=True))


@pytest.mark.django_db(transaction=True)
def test_an_unknown_address_gets_the_same_page_and_a_message_that_says_so(client: Client) -> None:
    response = client.post(reverse("account_reset_password"), {"email": "nobody@example.com"}, follow=True)
    assert "A message was sent" in assert_whole(response)
    work_off()
    assert [message.subject for message in mail.outbox] == ["This address is not signed up"]


def test_an_address_longer_than_any_that_is_kept_is_refused_at_its_field(client: Client) -> None:
    user, _ = a_person("ann")
    long = "x" * 300 + "@a.de"
    answers = [client.post(reverse("account_reset_password"), {"email": long})]
    client.force_login(user)
    answers.append(client.post(reverse("account_email"), {"action_add": "", "email": long}))
    for answer in answers:
        assert "at most 254" in str(answer.context["form"].errors["email"])
        assert_whole(answer)


@pytest.mark.django_db(transaction=True)
def test_a_password_is_changed_with_the_present_one_and_a_message_tells_of_it(client: Client) -> None:
    user, _ = a_person("ann")
    client.force_login(user)
    new = "another horse battery"
    given = {"oldpassword": "wrong horse", "password1": new, "password2": new}
    response = client.post(reverse("account_change_password"), given)
    assert "oldpassword" in response.context["form"].errors
    client.post(reverse("account_change_password"), {**given, "oldpassword": "correct horse"})
    user.refresh_from_db()
    assert user.check_password(new) and _signed_in(client)
    work_off()
    message = mail.outbox[-1]
    assert message.subject == "Your password was changed" and "127.0.0.1" in message.body


@pytest.mark.django_db(transaction=True)
def test_a_second_address_is_added_and_removed(client: Client) -> None:
    user, _ = a_person("ann")
    client.force_login(user)
    address = reverse("account_email")
    client.post(address, {"action_add": "", "email": "second@example.com"})
    work_off()
    assert mail.outbox[0].to == ["second@example.com"]
    page = assert_whole(client.get(address))
    assert "second@example.com" in page and "not confirmed" in page
    client.post(address, {"action_remove": "", "email": "second@example.com"})
    assert [entry.email for entry in user.emailaddress_set.all()] == ["ann@example.com"]
    client.post(address, {"action_remove": "", "email": "ann@example.com"})
    assert user.emailaddress_set.count() == 1
