from __future__ import annotations

import stripe

from tests.stripe_world import StripeWorld


def test_smoke(stripe_world: StripeWorld) -> None:
    c = stripe_world.client
    s = c.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "http://x/{CHECKOUT_SESSION_ID}",
            "line_items": [
                {"price_data": {"currency": "eur", "unit_amount": 1000, "product_data": {"name": "x"}}, "quantity": 1}
            ],
        }
    )
    assert stripe_world.pay(s.url).location == f"http://x/{s.id}"
    told = stripe_world.events()
    for e in told:
        stripe.Webhook.construct_event(e.body, e.signature, "whsec_tests")
    assert "checkout.session.completed" in [e.type for e in told]
