"""Contrary mode: all that Stripe's documentation leaves open, done at once."""

from __future__ import annotations

import pytest
import stripe

from tests.local.stripe.conftest import NO_REDIRECT
from tests.stripe_world import StripeWorld


@pytest.fixture
def contrary(stripe_world: StripeWorld) -> StripeWorld:
    stripe_world.contrary()
    return stripe_world


def _paid(world: StripeWorld) -> stripe.PaymentIntent:
    return world.client.v1.payment_intents.create(
        {
            "amount": 900,
            "currency": "eur",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "expand": ["latest_charge"],
            **NO_REDIRECT,
        }
    )


def test_ids_have_other_lengths(contrary: StripeWorld) -> None:
    lengths = {len(contrary.client.v1.customers.create().id) for _ in range(20)}
    assert len(lengths) > 5
    assert max(lengths) <= 255


def test_objects_have_fields_that_nobody_has_heard_of_and_come_unexpanded(contrary: StripeWorld) -> None:
    paid = _paid(contrary)
    assert isinstance(paid.latest_charge, str)
    assert "unheard_of" in paid.to_dict()
    assert "unheard_of" not in paid.metadata.to_dict()


def test_pages_hold_one_and_the_client_walks_through_them(contrary: StripeWorld) -> None:
    made = [contrary.client.v1.customers.create().id for _ in range(4)]
    page = contrary.client.v1.customers.list({"limit": 100})
    assert (len(page.data), page.has_more) == (1, True)
    assert [one.id for one in page.auto_paging_iter()] == made[::-1]


def test_events_come_in_reverse(contrary: StripeWorld) -> None:
    _paid(contrary)
    told = [event.type for event in contrary.events()]
    assert told.index("payment_intent.succeeded") < told.index("payment_intent.created")


def test_the_client_reads_errors_as_ever(contrary: StripeWorld) -> None:
    with pytest.raises(stripe.CardError) as refused:
        contrary.client.v1.payment_intents.create(
            {
                "amount": 900,
                "currency": "eur",
                "payment_method": "pm_card_visa_chargeDeclined",
                "confirm": True,
                **NO_REDIRECT,
            }
        )
    assert refused.value.code == "card_declined"
