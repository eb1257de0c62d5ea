"""Whom invoices are made out to: stated by those who see to money, checked as a whole, confirmed by staff."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from billing.invoicing import countries, profiles, tax_ids
from billing.invoicing.profiles import Details
from billing.models import BillingProfile
from marketplace.accounts.models import Account, Membership, Role, User
from tests.accounts.pages import assert_whole
from tests.factories import a_person, an_account

pytestmark = pytest.mark.django_db

GOOD = Details(
    legal_name="Łódzkie Dane Sp. z o.o.",
    address="ul. Piotrkowska 1",
    postal_code="90-001",
    city="Łódź",
    country="PL",
    tax_id="PL1234567890",
    purchase_order="PO-7",
    email="invoices@example.org",
)


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss@example.com", "correct horse")


@pytest.fixture
def account() -> Account:
    return an_account()


@pytest.mark.parametrize("code", sorted(tax_ids._FORMS))
def test_each_country_takes_the_ids_that_look_like_its_example(code: str) -> None:
    example = tax_ids._FORMS[code].example
    assert code in countries.NAMES
    assert tax_ids.fault(tax_ids.normal(f" {example[:4]} {example[4:8]}-{example[8:].lower()}"), code) == ""
    assert example in tax_ids.fault(f"{example}99999999999", code)
    assert tax_ids.fault("ZZ123456789", code)


def test_a_member_state_does_not_take_the_id_of_another() -> None:
    assert "Write it like FR" in tax_ids.fault("DE123456789", "FR")
    assert tax_ids.fault("EL123456789", "GR") == ""
    assert tax_ids.fault("XI123456789", "GB") == ""


def test_digits_of_other_scripts_are_none() -> None:
    assert tax_ids.fault("DE12345678٩", "DE")


def test_the_union_is_of_countries_that_are_there() -> None:
    assert len(countries.EUROPEAN_UNION) == 27
    assert set(countries.NAMES) > countries.EUROPEAN_UNION
    assert all(len(code) == 2 and code.isupper() for code in countries.NAMES)


def test_details_are_kept_in_their_one_form(account: Account) -> None:
    profile = profiles.keep(account, Details(**vars(GOOD) | {"tax_id": " pl 123-456-78-90 ", "city": " Łódź \n"}))
    assert (profile.tax_id, profile.city, profile.tax_id_checked) == ("PL1234567890", "Łódź", False)
    assert BillingProfile.objects.get() == profile


def test_all_faults_are_told_at_once_and_nothing_is_changed(account: Account) -> None:
    profiles.keep(account, GOOD)
    wrong = Details(
        legal_name="東京データ",
        address="",
        city="x" * 101,
        country="PL",
        tax_id="123",
        email="nobody",
        purchase_order="é" * 61,
    )
    with pytest.raises(profiles.ProfileRefused) as refused:
        profiles.keep(account, wrong)
    found = {fault.field: fault for fault in refused.value.faults}
    assert set(found) == {"legal_name", "address", "city", "tax_id", "email", "purchase_order"}
    assert "Latin, Greek or Cyrillic" in found["legal_name"].remedy
    assert "PL1234567890" in found["tax_id"].remedy
    assert all(fault.message and fault.remedy and fault.code for fault in found.values())
    assert BillingProfile.objects.get().legal_name == GOOD.legal_name


def test_a_country_that_is_none_is_refused(account: Account) -> None:
    with pytest.raises(profiles.ProfileRefused, match="no country"):
        profiles.keep(account, Details(**vars(GOOD) | {"country": "ZZ", "tax_id": ""}))


def test_staff_confirm_the_id_that_they_saw(account: Account, boss: User) -> None:
    profile = profiles.keep(account, GOOD)
    confirmed = profiles.confirm_tax_id(profile, profiles.registered(GOOD), by=boss)
    assert confirmed.tax_id_checked and confirmed.tax_id_checked_by == boss
    again = profiles.confirm_tax_id(profile, profiles.registered(GOOD), by=boss)
    assert again.tax_id_checked_at == confirmed.tax_id_checked_at
    changed = profiles.keep(account, Details(**vars(GOOD) | {"tax_id": "PL9999999999"}))
    assert not changed.tax_id_checked and changed.tax_id_checked_by is None
    with pytest.raises(profiles.ProfileMoved, match="changed meanwhile"):
        profiles.confirm_tax_id(profile, profiles.registered(GOOD), by=boss)


@pytest.mark.parametrize(("field", "value", "stays"), [("legal_name", "Other", False), ("city", "Kraków", True)])
def test_what_the_register_confirmed_together_is_checked_anew_together(
    account: Account, boss: User, field: str, value: str, stays: bool
) -> None:
    profiles.confirm_tax_id(profiles.keep(account, GOOD), profiles.registered(GOOD), by=boss)
    assert profiles.keep(account, Details(**vars(GOOD) | {field: value})).tax_id_checked is stays


def test_the_database_knows_no_check_of_an_id_that_is_not_there(account: Account, boss: User) -> None:
    profile = profiles.keep(account, Details(**vars(GOOD) | {"tax_id": ""}))
    with pytest.raises(IntegrityError), transaction.atomic():
        BillingProfile.objects.filter(id=profile.id).update(tax_id_checked_at=profile.changed_at)


def test_letters_about_money_go_to_the_profiles_address_or_to_who_sees_to_money(account: Account) -> None:
    people = {role: a_person(f"the-{role}")[0] for role in Role.values}
    for role, user in people.items():
        Membership.objects.create(account=account, user=user, role=role)
    assert profiles.addresses(account) == ["the-billing@example.com", "the-owner@example.com"]
    profiles.keep(account, GOOD)
    assert profiles.addresses(account) == ["invoices@example.org"]


def test_the_page_says_all_faults_keeps_what_was_typed_and_then_keeps_the_profile(client: Client) -> None:
    user, account = a_person()
    client.force_login(user)
    page = reverse("billing:profile")
    assert 'autocomplete="organization"' in assert_whole(client.get(page))
    sent = {**vars(GOOD), "country": "DE", "city": ""}
    text = assert_whole(client.post(page, sent), 422)
    assert "2 entries need a change" in text and "DE123456789" in text and "Piotrkowska" in text
    assert not BillingProfile.objects.exists()
    assert client.post(page, vars(GOOD)).status_code == 302
    assert "not checked" in assert_whole(client.get(page))
    assert BillingProfile.objects.get().account == account


def test_a_null_byte_or_an_unknown_country_is_a_fault_of_the_form(client: Client) -> None:
    client.force_login(a_person()[0])
    answer = client.post(reverse("billing:profile"), {**vars(GOOD), "legal_name": "a\0b", "country": "XX"})
    assert_whole(answer, 422)
    assert not BillingProfile.objects.exists()


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("billing", 200), ("member", 403)])
def test_the_page_is_for_those_who_see_to_money(client: Client, account: Account, role: str, status: int) -> None:
    user, own = a_person()
    Membership.objects.filter(account=own).delete()
    Membership.objects.create(account=account, user=user, role=role)
    client.force_login(user)
    for name in ("billing:profile", "billing:overview"):
        assert client.get(reverse(name)).status_code == status


def test_strangers_sign_in_first(client: Client) -> None:
    assert client.get(reverse("billing:profile")).status_code == 302
