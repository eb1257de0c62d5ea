"""Whom these tests ask: the stand-in in its plain mode, and Stripe itself where there is a key to its test mode."""

from __future__ import annotations

import os
from typing import Any

import pytest
import stripe

from tests.stripe_world import VERSION, StripeWorld

KEY = os.environ.get("STRIPE_TESTKEY")


@pytest.fixture
def world(stripe_world: StripeWorld) -> StripeWorld:
    """A world in its plain mode, also where all others are contrary."""
    stripe_world.contrary(on=False)
    return stripe_world


@pytest.fixture(params=["the stand-in", *(["Stripe"] if KEY else [])])
def anywhere(request: pytest.FixtureRequest) -> stripe.StripeClient:
    """A client of whoever must behave so: the stand-in, and Stripe too if ``STRIPE_TESTKEY`` is set."""
    if request.param == "Stripe":
        return stripe.StripeClient(str(KEY), stripe_version=VERSION)
    world: StripeWorld = request.getfixturevalue("world")
    return world.client


@pytest.fixture
def charged(anywhere: stripe.StripeClient) -> Any:
    """Charges a test card, its owner not being there, and returns the intent."""

    def charge(amount: int = 1_000, card: str = "pm_card_visa", **more: Any) -> stripe.PaymentIntent:
        return anywhere.v1.payment_intents.create(
            {"amount": amount, "currency": "eur", "payment_method": card, "confirm": True, **NO_REDIRECT, **more}
        )

    return charge


NO_REDIRECT: Any = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
