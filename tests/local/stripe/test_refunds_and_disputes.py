"""Money that goes back: by us, or by the buyer's bank."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.local.stripe.conftest import NO_REDIRECT
from tests.stripe_world import StripeWorld

Charged = Callable[..., stripe.PaymentIntent]


def _paid(world: StripeWorld, card: str = "pm_card_visa", amount: int = 5_000) -> stripe.PaymentIntent:
    return world.client.v1.payment_intents.create(
        {"amount": amount, "currency": "eur", "payment_method": card, "confirm": True, **NO_REDIRECT}
    )


def _net(world: StripeWorld) -> int:
    return sum(moved.net for moved in world.client.v1.balance_transactions.list().auto_paging_iter())


def test_refunds_in_parts_never_give_back_more_than_was_taken(anywhere: stripe.StripeClient, charged: Charged) -> None:
    paid = charged(5_000)
    first = anywhere.v1.refunds.create({"payment_intent": paid.id, "amount": 2_000, "metadata": {"why": "x"}})
    assert (first.status, first.amount, first.metadata and first.metadata["why"]) == ("succeeded", 2_000, "x")
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        anywhere.v1.refunds.create({"payment_intent": paid.id, "amount": 3_001})
    rest = anywhere.v1.refunds.create({"payment_intent": paid.id})
    assert rest.amount == 3_000
    charge = anywhere.v1.charges.retrieve(str(paid.latest_charge))
    assert (charge.refunded, charge.amount_refunded) == (True, 5_000)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        anywhere.v1.refunds.create({"charge": charge.id})
    assert refused.value.code == "charge_already_refunded"
    assert {refund.id for refund in anywhere.v1.refunds.list({"payment_intent": paid.id}).data} == {first.id, rest.id}


def test_stripe_keeps_its_fee_of_what_is_given_back(world: StripeWorld) -> None:
    paid = _paid(world)
    refund = world.client.v1.refunds.create({"payment_intent": paid.id, "expand": ["balance_transaction"]})
    moved = refund.balance_transaction
    assert isinstance(moved, stripe.BalanceTransaction)
    assert (moved.type, moved.amount, moved.fee) == ("refund", -5_000, 0)
    assert _net(world) == -100


def test_nothing_is_refunded_of_what_was_not_taken(anywhere: stripe.StripeClient, charged: Charged) -> None:
    held = charged(capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError, match="must cancel the PaymentIntent"):
        anywhere.v1.refunds.create({"payment_intent": held.id, "amount": 100})
    open_intent = anywhere.v1.payment_intents.create({"amount": 500, "currency": "eur"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        anywhere.v1.refunds.create({"payment_intent": open_intent.id})
    assert refused.value.code == "payment_intent_unexpected_state"


def test_a_refund_may_be_pending_and_succeed_later(world: StripeWorld) -> None:
    refund = world.client.v1.refunds.create({"payment_intent": _paid(world, "pm_card_pendingRefund").id})
    assert refund.status == "pending"
    world.events()
    world.clock_forward(timedelta(minutes=1))
    assert world.client.v1.refunds.retrieve(refund.id).status == "succeeded"
    assert {event.type for event in world.events()} == {"refund.updated", "charge.refund.updated"}


def test_a_refund_may_fail_later_and_the_money_comes_back(world: StripeWorld) -> None:
    paid = _paid(world, "pm_card_refundFail")
    refund = world.client.v1.refunds.create({"payment_intent": paid.id, "amount": 1_000})
    assert refund.status == "succeeded"
    world.clock_forward(timedelta(minutes=1))
    failed = world.client.v1.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "unknown")
    assert failed.failure_balance_transaction
    assert world.client.v1.charges.retrieve(str(paid.latest_charge)).amount_refunded == 0
    assert _net(world) == 5_000 - 100
    assert "refund.failed" in {event.type for event in world.events()}


def test_a_dispute_takes_the_money_and_a_fee_and_winning_brings_the_money_back(world: StripeWorld) -> None:
    paid = _paid(world)
    world.events()
    name = world.dispute(str(paid.latest_charge))
    told = [event.type for event in world.events()]
    assert {"charge.dispute.created", "charge.dispute.funds_withdrawn"} <= set(told)
    dispute = world.client.v1.disputes.retrieve(name)
    assert (dispute.status, dispute.amount, dispute.payment_intent) == ("needs_response", 5_000, paid.id)
    assert [(moved.amount, moved.fee) for moved in dispute.balance_transactions] == [(-5_000, 2_000)]
    assert world.client.v1.charges.retrieve(str(paid.latest_charge)).disputed
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.client.v1.refunds.create({"payment_intent": paid.id})
    assert refused.value.code == "charge_disputed"
    assert _net(world) == -100 - 2_000
    world.close_dispute(name, won=True)
    won = world.client.v1.disputes.retrieve(name)
    assert won.status == "won"
    assert [moved.amount for moved in won.balance_transactions] == [-5_000, 5_000]
    assert _net(world) == 5_000 - 100 - 2_000
    assert {"charge.dispute.closed", "charge.dispute.funds_reinstated"} == {event.type for event in world.events()}


def test_a_lost_dispute_brings_nothing_back(world: StripeWorld) -> None:
    name = world.dispute(str(_paid(world).latest_charge))
    world.close_dispute(name, won=False)
    lost = world.client.v1.disputes.retrieve(name)
    assert (lost.status, len(lost.balance_transactions)) == ("lost", 1)
    with pytest.raises(stripe.InvalidRequestError):
        world.client.v1.disputes.close(name)


@pytest.mark.parametrize(("words", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
def test_evidence_decides_as_the_documentation_says(world: StripeWorld, words: str, status: str) -> None:
    name = world.dispute(str(_paid(world).latest_charge))
    drafted = world.client.v1.disputes.update(name, {"evidence": {"product_description": "Rows"}, "submit": False})
    assert (drafted.status, drafted.evidence_details.has_evidence) == ("needs_response", True)
    given = world.client.v1.disputes.update(name, {"evidence": {"uncategorized_text": words}})
    assert (given.status, given.evidence.product_description) == (status, "Rows")


def test_an_inquiry_moves_no_money_and_leaves_refunds_possible(world: StripeWorld) -> None:
    paid = _paid(world)
    name = world.dispute(str(paid.latest_charge), inquiry=True)
    assert world.client.v1.disputes.retrieve(name).status == "warning_needs_response"
    assert world.client.v1.refunds.create({"payment_intent": paid.id}).status == "succeeded"
    world.close_dispute(name, won=True)
    closed = world.client.v1.disputes.retrieve(name)
    assert (closed.status, closed.balance_transactions) == ("warning_closed", [])


@pytest.mark.parametrize(
    ("card", "reason", "status"),
    [
        ("pm_card_createDispute", "fraudulent", "needs_response"),
        ("pm_card_createDisputeProductNotReceived", "product_not_received", "needs_response"),
        ("pm_card_createDisputeInquiry", "fraudulent", "warning_needs_response"),
    ],
)
def test_a_card_whose_owner_disputes_does_so_by_itself(world: StripeWorld, card: str, reason: str, status: str) -> None:
    paid = _paid(world, card)
    (dispute,) = world.client.v1.disputes.list({"charge": str(paid.latest_charge)}).data
    assert (dispute.reason, dispute.status) == (reason, status)


def test_a_part_of_a_charge_is_disputed_after_a_refund(world: StripeWorld) -> None:
    paid = _paid(world)
    world.client.v1.refunds.create({"payment_intent": paid.id, "amount": 1_500})
    dispute: Any = world.client.v1.disputes.retrieve(world.dispute(str(paid.latest_charge)))
    assert dispute.amount == 3_500
