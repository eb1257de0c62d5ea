"""The stand-in as a process: it forgets nothing, and answers many at once."""

from __future__ import annotations

import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import stripe

from marketplace.local.servers import StripeStandIn
from tests.local.stripe.conftest import NO_REDIRECT
from tests.stripe_world import StripeWorld

_SECRETS = ("whsec_tests", "whsec_connect")
_AT_ONCE = 200


def test_a_server_that_was_killed_knows_all_that_it_said(tmp_path: Path) -> None:
    server = StripeStandIn(tmp_path / "stripe", "sk_test_kept", _SECRETS, port=0)
    server.start()
    try:
        server.wait()
        world = StripeWorld(server.base, server.api_key)
        world.contrary(on=False)
        server.tell("http://127.0.0.1:9/nobody")
        session = world.client.v1.checkout.sessions.create(
            {
                "mode": "payment",
                "success_url": "https://shop.example/",
                "payment_intent_data": {"capture_method": "manual"},
                "line_items": [
                    {
                        "price_data": {"currency": "eur", "unit_amount": 900, "product_data": {"name": "Rows"}},
                        "quantity": 1,
                    }
                ],
            },
            options={"idempotency_key": "the-session"},
        )
        world.pay(str(session.url))
        waiting = len(world.client.v1.events.list({"limit": 100}).data)
        assert server.child.process
        os.killpg(server.child.process.pid, signal.SIGKILL)
        server.start()
        server.wait()
        held = world.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
        assert (held.status, held.payment_status) == ("complete", "unpaid")
        assert isinstance(held.payment_intent, stripe.PaymentIntent)
        assert held.payment_intent.status == "requires_capture"
        assert len(world.events()) == waiting
        world.clock_forward(timedelta(days=8))
        assert world.client.v1.payment_intents.retrieve(held.payment_intent.id).status == "canceled"
        assert world.audit() == []
    finally:
        server.child.stop()


def test_many_requests_with_one_key_at_once_take_money_once(world: StripeWorld) -> None:
    wanted: Any = {"amount": 900, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True, **NO_REDIRECT}

    def buy(number: int) -> str:
        return world.client.v1.payment_intents.create(wanted, options={"idempotency_key": "one"}).id

    with ThreadPoolExecutor(50) as threads:
        seen = Counter(threads.map(buy, range(_AT_ONCE)))
    assert sum(seen.values()) == _AT_ONCE
    assert len(seen) == 1
    assert len(world.client.v1.charges.list().data) == 1


def test_many_different_requests_at_once_are_all_done(world: StripeWorld) -> None:
    wanted: Any = {"amount": 900, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True, **NO_REDIRECT}

    def buy(number: int) -> str:
        return world.client.v1.payment_intents.create(wanted, options={"idempotency_key": str(number)}).id

    with ThreadPoolExecutor(50) as threads:
        seen = set(threads.map(buy, range(_AT_ONCE)))
    assert len(seen) == _AT_ONCE
    moved = world.client.v1.balance_transactions.list({"limit": 100}).auto_paging_iter()
    assert sum(one.amount for one in moved) == 900 * _AT_ONCE
