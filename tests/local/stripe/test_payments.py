"""Payment intents, setup intents and what hangs on them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.local.stripe.conftest import KEY, NO_REDIRECT
from tests.stripe_world import ASKS_ALWAYS, StripeWorld

Charged = Callable[..., stripe.PaymentIntent]
_DAY = 86_400


@pytest.mark.skipif(KEY is None, reason="STRIPE_TEST_KEY is not set: only the stand-in was asked")
def test_stripe_itself_was_asked_too() -> None:
    """Shown as skipped where only the stand-in was asked; with a key, the tests with ``anywhere`` ran twice."""


def test_a_charge_takes_the_whole_amount_and_its_fee_is_on_the_balance_transaction(
    anywhere: stripe.StripeClient, charged: Charged
) -> None:
    paid = charged(10_000, metadata={"order": "7"}, transfer_group="group-7")
    assert (paid.status, paid.amount_received, paid.metadata["order"]) == ("succeeded", 10_000, "7")
    charge = anywhere.v1.charges.retrieve(str(paid.latest_charge), {"expand": ["balance_transaction"]})
    moved = charge.balance_transaction
    assert isinstance(moved, stripe.BalanceTransaction)
    assert (moved.type, moved.amount, moved.net) == ("charge", 10_000, 10_000 - moved.fee)
    assert charge.transfer_group == "group-7"
    assert 0 < moved.fee < 1_000


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
def test_a_declined_card_is_told_with_its_code_and_the_intent_can_be_tried_again(
    anywhere: stripe.StripeClient, charged: Charged, card: str, code: str, decline_code: str | None
) -> None:
    with pytest.raises(stripe.CardError) as refused:
        charged(card=card)
    error = refused.value.error
    assert error is not None
    assert (refused.value.http_status, error.code, error.type) == (402, code, "card_error")
    if decline_code:
        assert error.decline_code == decline_code
    left = anywhere.v1.payment_intents.retrieve(error.payment_intent.id)
    assert (left.status, left.amount_received) == ("requires_payment_method", 0)
    assert left.last_payment_error and left.last_payment_error.code == code
    again = anywhere.v1.payment_intents.confirm(left.id, {"payment_method": "pm_card_visa"})
    assert (again.status, again.last_payment_error) == ("succeeded", None)


def test_a_bank_that_wants_the_person_refuses_an_off_session_charge(
    anywhere: stripe.StripeClient, charged: Charged
) -> None:
    with pytest.raises(stripe.CardError) as refused:
        charged(card="pm_card_authenticationRequired", off_session=True)
    error = refused.value.error
    assert error is not None
    assert (refused.value.http_status, error.code) == (402, "authentication_required")
    assert error.payment_intent.status == "requires_payment_method"


def test_with_the_person_there_the_same_card_asks_for_an_action(
    anywhere: stripe.StripeClient, charged: Charged
) -> None:
    asked = charged(card="pm_card_authenticationRequired")
    assert asked.status == "requires_action"
    assert asked.next_action
    assert asked.amount_received == 0


@pytest.mark.parametrize(("confirm", "status"), [(True, "succeeded"), (False, "requires_payment_method")])
def test_a_refused_off_session_charge_is_mended_by_the_person(world: StripeWorld, confirm: bool, status: str) -> None:
    intents = world.client.v1.payment_intents
    begun = intents.create({"amount": 900, "currency": "eur"})
    asked = intents.confirm(
        begun.id, {"payment_method": "pm_card_authenticationRequired", "return_url": "https://shop.example/back?x=1"}
    )
    assert asked.next_action and asked.next_action.redirect_to_url
    seen = world.post(str(asked.next_action.redirect_to_url.url), answer="yes" if confirm else "no")
    assert seen.location and seen.location.startswith(f"https://shop.example/back?x=1&payment_intent={begun.id}&")
    assert intents.retrieve(begun.id).status == status
    if not confirm:
        error = intents.retrieve(begun.id).last_payment_error
        assert error and error.code == "payment_intent_authentication_failure"


def test_a_saved_card_pays_later_without_the_person_once_it_was_set_up(
    anywhere: stripe.StripeClient, charged: Charged
) -> None:
    customer = anywhere.v1.customers.create({"email": "saved@example.org"})
    setup = anywhere.v1.setup_intents.create(
        {"customer": customer.id, "payment_method": "pm_card_visa", "confirm": True, **NO_REDIRECT}
    )
    assert setup.status == "succeeded"
    method = str(setup.payment_method)
    assert anywhere.v1.payment_methods.retrieve(method).customer == customer.id
    assert [kept.id for kept in anywhere.v1.customers.payment_methods.list(customer.id).data] == [method]
    paid = charged(card=method, customer=customer.id, off_session=True)
    assert paid.status == "succeeded"


def test_a_card_that_asks_unless_set_up_asks_at_setup_and_then_no_more(world: StripeWorld) -> None:
    client = world.client
    customer = client.v1.customers.create()
    setup = client.v1.setup_intents.create(
        {
            "customer": customer.id,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "confirm": True,
            "return_url": "https://shop.example/",
        }
    )
    assert setup.status == "requires_action"
    assert setup.next_action and setup.next_action.redirect_to_url
    world.post(str(setup.next_action.redirect_to_url.url), answer="yes")
    done = client.v1.setup_intents.retrieve(setup.id)
    assert done.status == "succeeded"
    charge: Any = {"amount": 700, "currency": "eur", "customer": customer.id, "confirm": True, "off_session": True}
    paid = client.v1.payment_intents.create(charge | {"payment_method": done.payment_method})
    assert paid.status == "succeeded"
    with pytest.raises(stripe.CardError, match="requires authentication"):
        client.v1.payment_intents.create(charge | {"payment_method": "pm_card_authenticationRequiredOnSetup"})


def test_a_card_that_is_always_declined_cannot_be_kept(anywhere: stripe.StripeClient) -> None:
    customer = anywhere.v1.customers.create()
    with pytest.raises(stripe.CardError, match="declined"):
        anywhere.v1.payment_methods.attach("pm_card_visa_chargeDeclined", {"customer": customer.id})


def test_a_card_that_is_kept_for_one_customer_pays_for_no_other(
    anywhere: stripe.StripeClient, charged: Charged
) -> None:
    one, other = anywhere.v1.customers.create(), anywhere.v1.customers.create()
    kept = anywhere.v1.payment_methods.attach("pm_card_visa", {"customer": one.id})
    for wrong in ({}, {"customer": other.id}):
        with pytest.raises(stripe.InvalidRequestError):
            charged(card=kept.id, **wrong)
    anywhere.v1.payment_methods.detach(kept.id)
    with pytest.raises(stripe.InvalidRequestError):
        charged(card=kept.id, customer=one.id)


def test_a_hold_takes_nothing_until_it_is_captured(anywhere: stripe.StripeClient, charged: Charged) -> None:
    held = charged(5_000, capture_method="manual")
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 5_000, 0)
    charge = anywhere.v1.charges.retrieve(str(held.latest_charge))
    assert (charge.captured, charge.amount_captured, charge.balance_transaction) == (False, 0, None)
    card = charge.payment_method_details and charge.payment_method_details.card
    assert card and card.capture_before
    assert 6.9 * _DAY < card.capture_before - charge.created <= 7 * _DAY
    taken = anywhere.v1.payment_intents.capture(held.id)
    assert (taken.status, taken.amount_capturable, taken.amount_received) == ("succeeded", 0, 5_000)
    assert anywhere.v1.charges.retrieve(charge.id).balance_transaction


@pytest.mark.parametrize(("card", "days"), [("pm_card_visa", 4.75), ("pm_card_mastercard", 7)])
def test_a_hold_that_the_merchant_asked_for_is_shorter_with_visa(world: StripeWorld, card: str, days: float) -> None:
    held = world.client.v1.payment_intents.create(
        {
            "amount": 5_000,
            "currency": "eur",
            "payment_method": card,
            "confirm": True,
            "off_session": True,
            "capture_method": "manual",
            "expand": ["latest_charge"],
        }
    )
    charge = held.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert charge.payment_method_details and charge.payment_method_details.card
    assert charge.payment_method_details.card.capture_before == charge.created + days * _DAY


def test_a_partial_capture_lets_go_of_the_rest_and_that_looks_like_a_refund(
    anywhere: stripe.StripeClient, charged: Charged
) -> None:
    held = charged(5_000, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError):
        anywhere.v1.payment_intents.capture(held.id, {"amount_to_capture": 5_001})
    taken = anywhere.v1.payment_intents.capture(held.id, {"amount_to_capture": 3_000})
    assert (taken.amount, taken.amount_received) == (5_000, 3_000)
    charge = anywhere.v1.charges.retrieve(str(taken.latest_charge), {"expand": ["balance_transaction"]})
    assert (charge.amount, charge.amount_captured, charge.amount_refunded) == (5_000, 3_000, 2_000)
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert charge.balance_transaction.amount == 3_000
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        anywhere.v1.refunds.create({"payment_intent": taken.id, "amount": 3_001})


def test_a_hold_is_captured_once(anywhere: stripe.StripeClient, charged: Charged) -> None:
    held = charged(5_000, capture_method="manual")
    anywhere.v1.payment_intents.capture(held.id, {"amount_to_capture": 100})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        anywhere.v1.payment_intents.capture(held.id)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_a_cancelled_hold_is_let_go_and_cannot_be_captured(anywhere: stripe.StripeClient, charged: Charged) -> None:
    held = charged(5_000, capture_method="manual")
    gone = anywhere.v1.payment_intents.cancel(held.id, {"cancellation_reason": "requested_by_customer"})
    assert (gone.status, gone.amount_received, gone.cancellation_reason) == ("canceled", 0, "requested_by_customer")
    for late in (anywhere.v1.payment_intents.capture, anywhere.v1.payment_intents.cancel):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            late(held.id)
        assert refused.value.code == "payment_intent_unexpected_state"


def test_what_succeeded_can_neither_be_cancelled_nor_confirmed_again(
    anywhere: stripe.StripeClient, charged: Charged
) -> None:
    paid = charged()
    for late in (anywhere.v1.payment_intents.cancel, anywhere.v1.payment_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            late(paid.id)
        assert refused.value.code == "payment_intent_unexpected_state"


def test_a_hold_that_nobody_captures_ends_by_the_clock_and_an_event_says_so(world: StripeWorld) -> None:
    intents = world.client.v1.payment_intents
    held = intents.create(
        {
            "amount": 5_000,
            "currency": "eur",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "capture_method": "manual",
            **NO_REDIRECT,
        }
    )
    world.clock_forward(timedelta(days=6, hours=23))
    assert intents.retrieve(held.id).status == "requires_capture"
    world.events()
    world.clock_forward(timedelta(hours=2))
    ended = intents.retrieve(held.id)
    assert (ended.status, ended.cancellation_reason, ended.amount_received) == ("canceled", "automatic", 0)
    assert {"payment_intent.canceled", "charge.expired"} <= {event.type for event in world.events()}
    with pytest.raises(stripe.InvalidRequestError):
        intents.capture(held.id)
    assert not list(world.client.v1.balance_transactions.list().auto_paging_iter())


def test_what_happens_while_the_clock_moves_happens_at_its_own_time(world: StripeWorld) -> None:
    held = world.client.v1.payment_intents.create(
        {
            "amount": 5_000,
            "currency": "eur",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "capture_method": "manual",
            **NO_REDIRECT,
        }
    )
    world.clock_forward(timedelta(days=30))
    ended = world.client.v1.payment_intents.retrieve(held.id)
    assert ended.canceled_at
    assert 7 * _DAY <= ended.canceled_at - held.created <= 7 * _DAY + 60


def test_money_of_a_payment_is_pending_and_then_available(world: StripeWorld) -> None:
    client = world.client
    client.v1.payment_intents.create(
        {"amount": 1_000, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True, **NO_REDIRECT}
    )
    balance = client.v1.balance.retrieve()
    assert (balance.available[0].amount, balance.pending[0].amount) == (0, 1_000 - 40)
    world.clock_forward(timedelta(days=8))
    balance = client.v1.balance.retrieve()
    assert (balance.available[0].amount, balance.pending[0].amount) == (960, 0)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payouts.create({"amount": 961, "currency": "eur"})
    assert refused.value.code == "balance_insufficient"
    payout = client.v1.payouts.create({"amount": 900, "currency": "eur"})
    world.clock_forward(timedelta(days=3))
    assert client.v1.payouts.retrieve(payout.id).status == "paid"
    assert client.v1.balance.retrieve().available[0].amount == 60
    nets = [moved.net for moved in client.v1.balance_transactions.list().auto_paging_iter()]
    assert sum(nets) == 60


def test_the_fee_comes_a_moment_after_an_asynchronous_capture(world: StripeWorld) -> None:
    paid = world.client.v1.payment_intents.create(
        {
            "amount": 1_000,
            "currency": "eur",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "expand": ["latest_charge"],
            **NO_REDIRECT,
        }
    )
    charge = paid.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert charge.balance_transaction is None
    assert world.client.v1.charges.retrieve(charge.id).balance_transaction
    assert "charge.updated" in {event.type for event in world.events()}


def test_an_amount_below_the_smallest_and_above_the_largest_is_refused(charged: Charged) -> None:
    for amount, code in ((49, "amount_too_small"), (100_000_000, "amount_too_large")):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            charged(amount)
        assert refused.value.code == code


def test_a_hosted_payment_that_the_bank_confirms_counts_as_authenticated(world: StripeWorld) -> None:
    session = world.client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "https://shop.example/",
            "line_items": [
                {
                    "price_data": {"currency": "eur", "unit_amount": 900, "product_data": {"name": "Rows"}},
                    "quantity": 1,
                }
            ],
        }
    )
    world.pay(str(session.url), ASKS_ALWAYS)
    done = world.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
    intent: Any = done.payment_intent
    assert intent.latest_charge.payment_method_details.card.three_d_secure.result == "authenticated"
