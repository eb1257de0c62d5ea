"""Sellers' accounts, transfers to them and back."""

from __future__ import annotations

from datetime import timedelta

import pytest
import stripe

from tests.local.stripe.conftest import NO_REDIRECT
from tests.stripe_world import StripeWorld


def _account(client: stripe.StripeClient) -> stripe.Account:
    return client.v1.accounts.create(
        {
            "type": "express",
            "country": "NL",
            "email": "seller@example.org",
            "capabilities": {"transfers": {"requested": True}},
            "metadata": {"account": "7"},
        }
    )


def _link(client: stripe.StripeClient, account: str) -> stripe.AccountLink:
    return client.v1.account_links.create(
        {
            "account": account,
            "type": "account_onboarding",
            "refresh_url": "https://shop.example/again",
            "return_url": "https://shop.example/back",
        }
    )


def _charge(world: StripeWorld, amount: int = 5_000, card: str = "pm_card_visa") -> str:
    paid = world.client.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "eur",
            "payment_method": card,
            "confirm": True,
            "transfer_group": "group-1",
            **NO_REDIRECT,
        }
    )
    return str(paid.latest_charge)


@pytest.fixture
def seller(world: StripeWorld) -> str:
    """An account that told Stripe all it wanted to know."""
    account = _account(world.client)
    world.complete_account(account.id)
    return account.id


def test_a_new_account_can_receive_nothing_and_says_what_is_needed(anywhere: stripe.StripeClient) -> None:
    account = _account(anywhere)
    assert (account.type, account.details_submitted, account.payouts_enabled) == ("express", False, False)
    assert account.capabilities and account.capabilities.transfers == "inactive"
    assert account.requirements and account.requirements.currently_due
    with pytest.raises(stripe.InvalidRequestError) as refused:
        anywhere.v1.transfers.create({"amount": 100, "currency": "eur", "destination": account.id})
    assert refused.value.code in ("insufficient_capabilities_for_transfer", "balance_insufficient")


def test_a_link_to_onboarding_opens_once(world: StripeWorld) -> None:
    account = _account(world.client)
    link = _link(world.client, account.id)
    assert "Test payment processor" in world.visit(link.url).text
    again = world.visit(link.url)
    assert (again.status, again.location) == (303, "https://shop.example/again")
    late = _link(world.client, account.id)
    world.clock_forward(timedelta(minutes=6))
    assert world.visit(late.url).location == "https://shop.example/again"


def test_onboarding_completed_makes_the_account_active_and_left_does_not(world: StripeWorld) -> None:
    account = _account(world.client)
    assert world.onboard(_link(world.client, account.id).url, complete=False).location == "https://shop.example/back"
    assert not world.client.v1.accounts.retrieve(account.id).details_submitted
    world.events()
    assert world.onboard(_link(world.client, account.id).url).location == "https://shop.example/back"
    ready = world.client.v1.accounts.retrieve(account.id)
    assert (ready.details_submitted, ready.payouts_enabled) == (True, True)
    assert ready.capabilities and ready.capabilities.transfers == "active"
    assert ready.requirements and ready.requirements.currently_due == []
    (told,) = world.events()
    assert (told.type, told.content["account"]) == ("account.updated", account.id)
    # What connected accounts say comes with the other endpoint's secret.
    stripe.Webhook.construct_event(told.body, told.signature, "whsec_connect")


def test_an_account_that_stripe_restricts_can_receive_nothing_until_it_answers(world: StripeWorld, seller: str) -> None:
    charge = _charge(world)
    world.restrict_account(seller, "individual.verification.document")
    account = world.client.v1.accounts.retrieve(seller)
    assert account.requirements
    assert account.requirements.past_due == ["individual.verification.document"]
    assert (account.requirements.disabled_reason, account.payouts_enabled) == ("requirements.past_due", False)
    wanted = {"amount": 100, "currency": "eur", "destination": seller, "source_transaction": charge}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.client.v1.transfers.create(wanted)  # type: ignore[arg-type]
    assert refused.value.code == "insufficient_capabilities_for_transfer"
    world.complete_account(seller)
    assert world.client.v1.transfers.create(wanted).amount == 100  # type: ignore[arg-type]


def test_stripe_may_want_to_know_more_by_some_time_and_close_nothing_yet(world: StripeWorld, seller: str) -> None:
    world.restrict_account(seller, "tos_acceptance.date", within=timedelta(days=14))
    account = world.client.v1.accounts.retrieve(seller)
    assert account.requirements and account.capabilities
    assert (account.requirements.currently_due, account.requirements.past_due) == (["tos_acceptance.date"], [])
    assert account.requirements.current_deadline
    assert (account.requirements.disabled_reason, account.capabilities.transfers) == (None, "active")


def test_a_rejected_account_receives_nothing_and_a_deleted_one_is_not_ours_any_more(
    world: StripeWorld, seller: str
) -> None:
    rejected = world.client.v1.accounts.reject(seller, {"reason": "fraud"})
    assert rejected.requirements and rejected.capabilities
    assert (rejected.requirements.disabled_reason, rejected.capabilities.transfers) == ("rejected.fraud", "inactive")
    world.client.v1.accounts.delete(seller)
    with pytest.raises(stripe.PermissionError) as refused:
        world.client.v1.accounts.retrieve(seller)
    assert refused.value.error and refused.value.error.code == "account_invalid"


def test_the_sum_of_transfers_never_exceeds_the_payment_they_come_from(world: StripeWorld, seller: str) -> None:
    charge = _charge(world)
    transfers = world.client.v1.transfers
    first = transfers.create(
        {
            "amount": 3_000,
            "currency": "eur",
            "destination": seller,
            "source_transaction": charge,
            "metadata": {"a": "b"},
        }
    )
    assert (first.transfer_group, first.source_transaction, first.reversed) == ("group-1", charge, False)
    with pytest.raises(stripe.InvalidRequestError, match="must not exceed the source amount"):
        transfers.create({"amount": 2_001, "currency": "eur", "destination": seller, "source_transaction": charge})
    transfers.create({"amount": 2_000, "currency": "eur", "destination": seller, "source_transaction": charge})
    found = transfers.list({"transfer_group": "group-1"}).data
    assert [transfer.amount for transfer in found] == [2_000, 3_000]


def test_without_a_source_a_transfer_needs_an_available_balance(world: StripeWorld, seller: str) -> None:
    _charge(world)
    wanted = {"amount": 1_000, "currency": "eur", "destination": seller}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.client.v1.transfers.create(wanted)  # type: ignore[arg-type]
    assert refused.value.code == "balance_insufficient"
    _charge(world, card="pm_card_bypassPending")
    assert world.client.v1.transfers.create(wanted).amount == 1_000  # type: ignore[arg-type]


def test_a_transfer_is_reversed_in_parts_and_never_beyond(world: StripeWorld, seller: str) -> None:
    charge, transfers = _charge(world), world.client.v1.transfers
    sent = transfers.create({"amount": 3_000, "currency": "eur", "destination": seller, "source_transaction": charge})
    before = world.client.v1.balance.retrieve().pending[0].amount
    transfers.reversals.create(sent.id, {"amount": 1_000, "metadata": {"refund": "r1"}})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unreversed amount"):
        transfers.reversals.create(sent.id, {"amount": 2_001})
    rest = transfers.reversals.create(sent.id)
    assert rest.amount == 2_000
    left = transfers.retrieve(sent.id)
    assert (left.reversed, left.amount_reversed) == (True, 3_000)
    assert [reversal.amount for reversal in transfers.reversals.list(sent.id).data] == [2_000, 1_000]
    assert world.client.v1.balance.retrieve().pending[0].amount == before + 3_000
    assert [event.type for event in world.events()].count("transfer.reversed") == 2


def test_nothing_is_reversed_from_an_account_that_was_paid_out(world: StripeWorld, seller: str) -> None:
    charge, transfers = _charge(world), world.client.v1.transfers
    sent = transfers.create({"amount": 3_000, "currency": "eur", "destination": seller, "source_transaction": charge})
    world.drain_account(seller)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        transfers.reversals.create(sent.id)
    assert refused.value.code == "balance_insufficient"
    assert transfers.retrieve(sent.id).amount_reversed == 0


def test_the_seller_sees_the_money_in_their_own_balance(world: StripeWorld, seller: str) -> None:
    charge = _charge(world)
    sent = world.client.v1.transfers.create(
        {"amount": 3_000, "currency": "eur", "destination": seller, "source_transaction": charge}
    )
    options: stripe.RequestOptions = {"stripe_account": seller}
    balance = world.client.v1.balance.retrieve(options=options)
    assert balance.pending[0].amount == 3_000
    payment = world.client.v1.charges.retrieve(str(sent.destination_payment), options=options)
    assert (payment.amount, payment.source_transfer) == (3_000, sent.id)
    with pytest.raises(stripe.PermissionError):
        world.client.v1.balance.retrieve(options={"stripe_account": "acct_of_somebody_else"})


def test_a_seller_gets_a_link_to_their_dashboard_after_onboarding(world: StripeWorld, seller: str) -> None:
    assert world.visit(world.client.v1.accounts.login_links.create(seller).url).status == 200
    fresh = _account(world.client)
    with pytest.raises(stripe.InvalidRequestError, match="onboarding"):
        world.client.v1.accounts.login_links.create(fresh.id)
