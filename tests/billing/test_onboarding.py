"""A seller becomes an account at Stripe, on Stripe's pages, and its state follows what Stripe says."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import time
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client
from pytest_django import Settings

from billing.models import Event, SellerAccount
from billing.processor import Unavailable
from billing.selling import onboarding, payables
from marketplace.accounts.models import Account, Membership, Role, User
from marketplace.mail.models import Message
from tests.billing.selling import a_seller
from tests.factories import a_person, an_account
from tests.stripe_world import StripeWorld
from tests.workers import work_off

pytestmark = [pytest.mark.django_db(transaction=True)]


def state(account: Account) -> str:
    return SellerAccount.objects.get(account=account).state


@pytest.fixture
def ann(client: Client) -> Account:
    """A person who sells, signed in."""
    user, account = a_person("ann")
    client.force_login(user)
    return account


def test_a_seller_sets_payouts_up_and_comes_back(client: Client, ann: Account, stripe_world: StripeWorld) -> None:
    page = client.get("/sell/payouts")
    assert page.status_code == 200 and "Set up payouts at Stripe" in page.content.decode()
    begun = client.post("/sell/payouts/begin")
    assert begun.status_code == 303 and state(ann) == "onboarding"
    done = stripe_world.onboard(begun["Location"])
    assert done.location is not None and done.location.endswith("/sell/payouts/back")
    assert client.get("/sell/payouts/back").status_code == 302
    assert state(ann) == "active"
    assert "Money can be sent to it" in client.get("/sell/payouts").content.decode()
    assert {message.to for message in Message.objects.all()} == {"ann@example.com"}


def test_who_leaves_halfway_sees_what_stripe_still_wants_and_goes_on(
    client: Client, ann: Account, stripe_world: StripeWorld
) -> None:
    stripe_world.onboard(client.post("/sell/payouts/begin")["Location"], complete=False)
    client.get("/sell/payouts/back")
    page = client.get("/sell/payouts").content.decode()
    assert "Stripe still wants" in page and "Go on at Stripe" in page
    # Whoever opens a link a second time is sent back for a new one.
    again = client.get("/sell/payouts/again")
    assert again.status_code == 303
    stripe_world.onboard(again["Location"])
    client.get("/sell/payouts/back")
    assert state(ann) == "active"
    assert SellerAccount.objects.count() == 1


def test_a_link_is_good_once_and_leads_to_a_new_one(ann: Account, client: Client, stripe_world: StripeWorld) -> None:
    link = client.post("/sell/payouts/begin")["Location"]
    stripe_world.visit(link)
    used = stripe_world.visit(link)
    assert used.location is not None and used.location.endswith("/sell/payouts/again")


def test_asking_twice_opens_one_account(stripe_world: StripeWorld) -> None:
    account = an_account("maker")
    seller = payables.seller_account(account)
    # The answer to the first call was lost.
    stripe_world.fail_next(1, "effect_then_drop", operation="PostAccounts")
    with contextlib.suppress(Unavailable):
        onboarding.link(seller, "maker@example.org")
    onboarding.link(seller, "maker@example.org")
    assert len(list(stripe_world.client.v1.accounts.list().auto_paging_iter())) == 1


def test_no_account_is_opened_by_following_a_link(client: Client, ann: Account, stripe_world: StripeWorld) -> None:
    for address in ("/sell/payouts/again", "/sell/payouts/back"):
        answer = client.get(address)
        assert (answer.status_code, answer["Location"]) == (302, "/sell/payouts")
    assert not SellerAccount.objects.exists()
    assert not list(stripe_world.client.v1.accounts.list().auto_paging_iter())


def test_money_is_for_owners_and_billing_members(client: Client, ann: Account, stripe_world: StripeWorld) -> None:
    other, _ = a_person("bea")
    membership = Membership.objects.create(account=ann, user=other, role=Role.MEMBER)
    client.force_login(other)
    client.post("/account/act-for", {"account": "ann"})
    for address in ("/sell/payouts", "/sell/revenue", "/sell/revenue.csv", "/sell/payouts/again"):
        assert client.get(address).status_code == 403
    assert client.post("/sell/payouts/begin").status_code == 403
    membership.role = Role.BILLING
    membership.save()
    assert client.get("/sell/payouts").status_code == client.get("/sell/revenue").status_code == 200
    client.logout()
    assert client.get("/sell/payouts").status_code == 302


def test_without_an_answer_from_stripe_nothing_changes_and_the_page_says_so(
    client: Client, ann: Account, stripe_world: StripeWorld
) -> None:
    stripe_world.fail_next(3, "error", operation="PostAccounts")
    page = client.post("/sell/payouts/begin", follow=True).content.decode()
    assert "gives no answer" in page and state(ann) == "created"
    client.post("/sell/payouts/begin")
    stripe_world.fail_next(3, "drop", operation="GetAccountsAccount")
    assert "no answer yet" in client.get("/sell/payouts/back", follow=True).content.decode()


def test_what_stripe_says_later_is_heard_by_its_event(client: Client, stripe_world: StripeWorld) -> None:
    account = a_seller(stripe_world, complete=False)
    stripe_id = SellerAccount.objects.get(account=account).stripe_id
    stripe_world.complete_account(stripe_id)
    for event in stripe_world.events():
        client.post(
            "/webhooks/stripe",
            event.body,
            content_type="application/json",
            headers={"Stripe-Signature": event.signature},
        )
    work_off()
    assert Event.objects.filter(type="account.updated", state=Event.State.PROCESSED).exists()
    assert state(account) == "active"


def test_an_account_that_is_taken_away_from_us_is_heard_of_by_an_event_about_something_else(
    client: Client, settings: Settings, stripe_world: StripeWorld
) -> None:
    payables.seller_account(an_account("maker"))
    SellerAccount.objects.update(stripe_id="acct_gone", state="active")
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_ours"]
    told = {"id": "evt_1", "type": "account.application.deauthorized", "account": "acct_gone"}
    body = json.dumps({**told, "object": "event", "data": {"object": {"id": "ca_1", "object": "application"}}})
    now = int(time.time())
    signed = hmac.new(b"whsec_ours", f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={now},v1={signed}"}
    assert client.post("/webhooks/stripe", body, content_type="application/json", headers=headers).status_code == 200
    work_off()
    assert SellerAccount.objects.get().state == "closed"


def test_what_no_event_told_is_found_by_the_sweep(stripe_world: StripeWorld) -> None:
    account = a_seller(stripe_world)
    stripe_world.restrict_account(SellerAccount.objects.get(account=account).stripe_id)
    onboarding.look_again()
    work_off()
    assert state(account) == "active"
    SellerAccount.objects.update(looked_at=Now() - timedelta(days=2))
    onboarding.look_again()
    work_off()
    assert state(account) == "restricted"


def test_a_restricted_seller_is_told_what_is_wanted_in_words(
    client: Client, ann: Account, stripe_world: StripeWorld
) -> None:
    a_seller(stripe_world, "ann")
    found = SellerAccount.objects.get(account=ann)
    stripe_world.restrict_account(found.stripe_id, "individual.verification.document", "external_account")
    onboarding.look(found)
    page = client.get("/sell/payouts").content.decode()
    assert "An identity document" in page and "The bank account that money goes to" in page
    assert Message.objects.filter(subject__contains="Payouts stopped", to="ann@example.com").exists()
    stripe_world.complete_account(found.stripe_id)
    onboarding.look(found)
    assert state(ann) == "active" and onboarding.wanted(SellerAccount.objects.get(account=ann)) == []


def test_an_account_that_is_not_there_any_more_is_closed_until_staff_allow_another(
    client: Client, ann: Account, stripe_world: StripeWorld
) -> None:
    payables.seller_account(ann)
    SellerAccount.objects.update(stripe_id="acct_gone", state="active")
    onboarding.look(SellerAccount.objects.get())
    assert state(ann) == "closed"
    assert "may open another one" in client.post("/sell/payouts/begin", follow=True).content.decode()
    boss = User.objects.create_superuser("boss@example.com", "correct horse")
    staff = Client()
    staff.force_login(boss)
    assert staff.post("/money/sellers/ann/open-another").status_code == 302
    a_seller(stripe_world, "ann")
    assert state(ann) == "active"
    assert "not closed" in staff.post("/money/sellers/ann/open-another", follow=True).content.decode()


def test_staff_change_a_commission_for_what_begins_from_now_on_and_the_seller_is_told(client: Client) -> None:
    _, account = a_person("ann")
    payables.seller_account(account)
    assert client.get("/money/sellers").status_code == 404
    client.force_login(User.objects.create_superuser("boss@example.com", "correct horse"))
    assert "ann" in client.get("/money/sellers").content.decode()
    wrong = client.post("/money/sellers/ann/commission", {"commission": "130"})
    assert wrong.status_code == 422 and SellerAccount.objects.get().commission == 1_500
    assert client.post("/money/sellers/ann/commission", {"commission": "12.5"}).status_code == 302
    assert SellerAccount.objects.get().commission == 1_250
    message = Message.objects.get()
    assert "12.5 %" in message.text and "15 %" in message.text


def test_staff_pages_are_not_there_for_others(client: Client, ann: Account) -> None:
    payables.seller_account(ann)
    for address in ("/money/sellers", "/money/sellers/ann"):
        assert client.get(address).status_code == 404
    for address in (
        "/money/sellers/ann/commission",
        "/money/sellers/ann/hold",
        "/money/sellers/ann/open-another",
    ):
        assert client.post(address, {"commission": "0"}).status_code == 404
    assert SellerAccount.objects.get().commission == 1_500


def test_stripes_names_are_put_in_words() -> None:
    seller = SellerAccount(wanted=["individual.dob.day", "individual.dob.year", "person_1abc.verification.document"])
    assert onboarding.wanted(seller) == ["particulars of a person of the company", "your date of birth"]
    assert onboarding.wanted(SellerAccount(wanted=["future_thing.of_stripes"])) == ["future thing, of stripes"]
