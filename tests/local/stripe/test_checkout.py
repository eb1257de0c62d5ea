"""Hosted pages: what a person sees and does, and what a program learns of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.stripe_world import (
    ASKS_ALWAYS,
    ASKS_UNLESS_SET_UP,
    DECLINED,
    INSUFFICIENT_FUNDS,
    StripeWorld,
)

_SUCCESS = "https://shop.example/done?session={CHECKOUT_SESSION_ID}"


def _session(client: stripe.StripeClient, amount: int = 2_500, **more: Any) -> stripe.checkout.Session:
    price = {"currency": "eur", "unit_amount": amount, "product_data": {"name": "Ten thousand <rows>"}}
    wanted: Any = {
        "mode": "payment",
        "success_url": _SUCCESS,
        "cancel_url": "https://shop.example/back",
        "line_items": [{"price_data": price, "quantity": 2}],
    }
    return client.v1.checkout.sessions.create(wanted | more)


def test_a_new_session_is_open_unpaid_and_without_an_intent(anywhere: stripe.StripeClient) -> None:
    session = _session(anywhere, client_reference_id="order-1", metadata={"a": "b"})
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_subtotal, session.amount_total, session.currency) == (5_000, 5_000, "eur")
    assert (session.client_reference_id, session.metadata and session.metadata["a"]) == ("order-1", "b")
    assert session.url and session.url.startswith("http")
    items = anywhere.v1.checkout.sessions.line_items.list(session.id).data
    assert [(item.quantity, item.amount_total) for item in items] == [(2, 5_000)]


def test_paying_leads_back_and_leaves_an_intent_with_all_that_was_asked(world: StripeWorld) -> None:
    session = _session(
        world.client,
        payment_intent_data={"metadata": {"order": "7"}, "transfer_group": "group-7", "description": "Rows"},
    )
    page = world.visit(str(session.url)).text
    assert "Test payment processor" in page
    assert "Ten thousand &lt;rows&gt; × 2" in page
    assert "Pay €50.00" in page
    seen = world.pay(str(session.url))
    assert (seen.status, seen.location) == (303, f"https://shop.example/done?session={session.id}")
    done = world.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert done.customer_details and done.customer_details.email == "b@example.org"
    intent = done.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert (intent.amount_received, intent.transfer_group, intent.description) == (5_000, "group-7", "Rows")
    assert intent.metadata["order"] == "7"
    assert "checkout.session.completed" in {event.type for event in world.events()}


def test_whoever_comes_back_to_a_finished_page_is_led_on_and_pays_nothing_more(world: StripeWorld) -> None:
    session = _session(world.client)
    world.pay(str(session.url))
    for seen in (world.visit(str(session.url)), world.pay(str(session.url))):
        assert f"https://shop.example/done?session={session.id}" in seen.text
    assert len(world.client.v1.charges.list().data) == 1


@pytest.mark.parametrize(
    ("card", "sentence"),
    [
        (DECLINED, "Your card was declined."),
        (INSUFFICIENT_FUNDS, "Your card has insufficient funds."),
        ("1234", "Your card number is invalid: this test processor knows the test cards below and no others."),
    ],
)
def test_a_declined_card_leaves_the_page_open_and_the_next_one_pays(
    world: StripeWorld, card: str, sentence: str
) -> None:
    session = _session(world.client)
    seen = world.pay(str(session.url), card)
    assert (seen.status, seen.alert) == (422, sentence)
    assert world.client.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert world.pay(str(session.url)).status == 303
    done = world.client.v1.checkout.sessions.retrieve(session.id)
    assert done.payment_status == "paid"
    assert len(world.client.v1.payment_intents.list().data) == 1


def test_a_card_that_has_expired_is_told_so(world: StripeWorld) -> None:
    session = _session(world.client)
    seen = world.post(str(session.url), number="4242424242424242", email="b@example.org", expiry="01/20")
    assert (seen.status, "in the past" in str(seen.alert)) == (422, True)


def test_three_d_secure_confirmed_pays_and_denied_does_not(world: StripeWorld) -> None:
    denied, confirmed = _session(world.client), _session(world.client)
    seen = world.pay(str(denied.url), ASKS_ALWAYS, confirm=False)
    assert (seen.status, seen.location) == (422, None)
    assert seen.alert and "authenticate" in seen.alert
    assert world.client.v1.checkout.sessions.retrieve(denied.id).payment_status == "unpaid"
    assert world.pay(str(confirmed.url), ASKS_ALWAYS).status == 303
    assert world.client.v1.checkout.sessions.retrieve(confirmed.id).payment_status == "paid"


def test_a_page_offers_the_way_back_without_paying(world: StripeWorld) -> None:
    assert 'href="https://shop.example/back"' in world.visit(str(_session(world.client).url)).text


def test_an_expired_session_takes_no_money(anywhere: stripe.StripeClient) -> None:
    session = _session(anywhere)
    gone = anywhere.v1.checkout.sessions.expire(session.id)
    assert (gone.status, gone.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError, match="expired"):
        anywhere.v1.checkout.sessions.expire(session.id)


def test_a_session_expires_by_the_clock_and_an_event_says_so(world: StripeWorld) -> None:
    session = _session(world.client)
    world.pay(str(session.url), DECLINED)
    world.events()
    world.clock_forward(timedelta(hours=25))
    assert {"checkout.session.expired", "payment_intent.canceled"} == {event.type for event in world.events()}
    assert world.pay(str(session.url)).status == 410
    assert world.client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert not [charge for charge in world.client.v1.charges.list().data if charge.paid]


def test_a_time_to_expire_at_must_lie_within_a_day(anywhere: stripe.StripeClient) -> None:
    begun = _session(anywhere)
    for seconds in (60, 90_000):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            _session(anywhere, expires_at=begun.created + seconds)
        assert refused.value.param == "expires_at"
    assert _session(anywhere, expires_at=begun.created + 3_600).expires_at == begun.created + 3_600


def test_a_hold_completes_the_session_unpaid_and_capture_pays_it(world: StripeWorld) -> None:
    session = _session(world.client, payment_intent_data={"capture_method": "manual"})
    world.pay(str(session.url))
    held = world.client.v1.checkout.sessions.retrieve(session.id)
    assert (held.status, held.payment_status) == ("complete", "unpaid")
    world.client.v1.payment_intents.capture(str(held.payment_intent))
    assert world.client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_a_card_is_saved_in_setup_and_charged_later(world: StripeWorld) -> None:
    client = world.client
    customer = client.v1.customers.create()
    session = client.v1.checkout.sessions.create(
        {"mode": "setup", "currency": "eur", "customer": customer.id, "success_url": _SUCCESS}
    )
    assert (session.payment_status, session.payment_intent) == ("no_payment_required", None)
    assert world.pay(str(session.url), ASKS_UNLESS_SET_UP).status == 303
    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    setup = done.setup_intent
    assert isinstance(setup, stripe.SetupIntent)
    assert (done.status, setup.status, setup.usage) == ("complete", "succeeded", "off_session")
    paid = client.v1.payment_intents.create(
        {
            "amount": 900,
            "currency": "eur",
            "customer": customer.id,
            "payment_method": str(setup.payment_method),
            "off_session": True,
            "confirm": True,
        }
    )
    assert paid.status == "succeeded"


def test_a_card_is_saved_while_it_pays(world: StripeWorld) -> None:
    client = world.client
    customer = client.v1.customers.create()
    session = _session(client, customer=customer.id, payment_intent_data={"setup_future_usage": "off_session"})
    world.pay(str(session.url))
    (kept,) = client.v1.customers.payment_methods.list(customer.id).data
    assert kept.card and kept.card.last4 == "4242"


@pytest.mark.parametrize(("behaviour", "total", "tax"), [("exclusive", 6_050, 1_050), ("inclusive", 5_000, 868)])
def test_tax_is_added_or_within_and_shown_before_paying(
    world: StripeWorld, behaviour: str, total: int, tax: int
) -> None:
    world.tax(21)
    price = {
        "currency": "eur",
        "unit_amount": 2_500,
        "product_data": {"name": "Rows"},
        "tax_behavior": behaviour,
    }
    session = _session(world.client, automatic_tax={"enabled": True}, line_items=[{"price_data": price, "quantity": 2}])
    assert session.automatic_tax.status == "requires_location_inputs"
    assert f"Pay €{total / 100:.2f}" in world.visit(str(session.url)).text
    world.pay(str(session.url))
    done = world.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert done.total_details
    assert (done.amount_subtotal, done.amount_total, done.total_details.amount_tax) == (5_000, total, tax)
    assert isinstance(done.payment_intent, stripe.PaymentIntent)
    assert done.payment_intent.amount_received == total


def test_tax_for_a_known_customer_needs_an_address_theirs_or_the_pages(world: StripeWorld) -> None:
    customer = world.client.v1.customers.create({"email": "known@example.org"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        _session(world.client, customer=customer.id, automatic_tax={"enabled": True})
    assert refused.value.code == "customer_tax_location_invalid"
    session = _session(
        world.client,
        customer=customer.id,
        automatic_tax={"enabled": True},
        customer_update={"address": "auto", "name": "auto"},
    )
    assert 'value="known@example.org"' in world.visit(str(session.url)).text
    world.post(str(session.url), number="4242424242424242", email="known@example.org", name="N. N.", country="DE")
    known = world.client.v1.customers.retrieve(customer.id)
    assert known.address and (known.address.country, known.name) == ("DE", "N. N.")


def test_an_invoice_is_made_of_a_payment_when_asked_for(world: StripeWorld) -> None:
    session = _session(
        world.client, invoice_creation={"enabled": True, "invoice_data": {"description": "PO 12", "footer": "Thanks"}}
    )
    world.pay(str(session.url))
    done = world.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["invoice"]})
    invoice = done.invoice
    assert isinstance(invoice, stripe.Invoice)
    assert (invoice.status, invoice.amount_paid, invoice.description) == ("paid", 5_000, "PO 12")
    assert invoice.customer == done.customer
    assert str(invoice.number) in world.visit(str(invoice.hosted_invoice_url)).text


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ({"mode": "payment", "success_url": _SUCCESS}, "line_items"),
        ({"success_url": _SUCCESS}, "mode"),
        ({"mode": "setup", "success_url": _SUCCESS}, "currency"),
        ({"mode": "payment", "success_url": _SUCCESS, "line_items": [{"quantity": 1}]}, "line_items[0]"),
        (
            {
                "mode": "payment",
                "success_url": _SUCCESS,
                "line_items": [{"price_data": {"unit_amount": 5, "product_data": {"name": "x"}}, "quantity": 1}],
            },
            "line_items[0][price_data][currency]",
        ),
    ],
)
def test_a_session_that_lacks_something_is_refused_and_says_what(world: StripeWorld, wanted: Any, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.client.v1.checkout.sessions.create(wanted)
    assert refused.value.param == param
    assert not world.client.v1.checkout.sessions.list().data
