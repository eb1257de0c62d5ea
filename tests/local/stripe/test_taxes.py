"""Tax that is worked out without a page, and the payments that name it."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.local.stripe.conftest import NO_REDIRECT
from tests.stripe_world import StripeWorld

_HOME: Any = {"address": {"country": "NL", "postal_code": "1011 AB"}, "address_source": "billing"}


def _calculation(client: stripe.StripeClient, behaviour: str, **more: Any) -> stripe.tax.Calculation:
    line: Any = {"amount": 12_100, "reference": "rows", "tax_behavior": behaviour}
    wanted: Any = {"currency": "eur", "line_items": [line], "customer_details": _HOME, "expand": ["line_items"]}
    return client.v1.tax.calculations.create(wanted | more)


def test_tax_is_within_an_inclusive_amount_and_on_top_of_an_exclusive_one(world: StripeWorld) -> None:
    world.tax(21)
    within, on_top = _calculation(world.client, "inclusive"), _calculation(world.client, "exclusive")
    assert (within.amount_total, within.tax_amount_inclusive, within.tax_amount_exclusive) == (12_100, 2_100, 0)
    assert (on_top.amount_total, on_top.tax_amount_inclusive, on_top.tax_amount_exclusive) == (14_641, 0, 2_541)
    (part,) = within.tax_breakdown
    assert (part.amount, part.taxable_amount, part.tax_rate_details.percentage_decimal) == (2_100, 10_000, "21.0")
    assert within.line_items and [line.amount_tax for line in within.line_items.data] == [2_100]
    assert world.client.v1.tax.calculations.retrieve(str(within.id)).tax_amount_inclusive == 2_100


def test_a_buyer_who_owes_the_tax_is_charged_none(world: StripeWorld) -> None:
    world.tax(21)
    found = _calculation(world.client, "inclusive", customer_details=_HOME | {"taxability_override": "reverse_charge"})
    assert (found.tax_amount_inclusive, found.tax_breakdown[0].taxability_reason) == (0, "reverse_charge")


@pytest.mark.parametrize("buyer", [{}, {"address": {"country": "nowhere"}}])
def test_tax_needs_to_know_where_the_buyer_is(world: StripeWorld, buyer: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        _calculation(world.client, "inclusive", customer_details=buyer)
    assert refused.value.code == "customer_tax_location_invalid"


def test_a_payment_names_a_calculation_that_exists(world: StripeWorld) -> None:
    found = _calculation(world.client, "inclusive")
    wanted: Any = {
        "amount": 12_100,
        "currency": "eur",
        "payment_method": "pm_card_visa",
        "confirm": True,
        **NO_REDIRECT,
    }
    linked: Any = {"hooks": {"inputs": {"tax": {"calculation": found.id}}}}
    intent = world.client.v1.payment_intents.create(wanted | linked)
    assert world.client.v1.payment_intents.retrieve(intent.id).to_dict()["hooks"] == linked["hooks"]
    linked["hooks"]["inputs"]["tax"]["calculation"] = "taxcalc_nothing"
    with pytest.raises(stripe.InvalidRequestError):
        world.client.v1.payment_intents.create(wanted | linked)


def test_a_paid_page_says_the_rate_of_its_tax_when_it_is_asked(world: StripeWorld) -> None:
    world.tax(8.875)
    price = {"currency": "eur", "unit_amount": 1_000, "product_data": {"name": "Rows"}, "tax_behavior": "inclusive"}
    wanted: Any = {
        "mode": "payment",
        "success_url": "https://shop.example/done",
        "line_items": [{"price_data": price, "quantity": 1}],
        "automatic_tax": {"enabled": True},
    }
    session = world.client.v1.checkout.sessions.create(wanted)
    world.pay(str(session.url))
    seen = world.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items.data.taxes"]})
    assert seen.line_items
    ((found,),) = [item.taxes or [] for item in seen.line_items.data]
    assert (found.amount, found.taxable_amount, found.rate.percentage) == (82, 918, 8.875)
