"""Calls that fail on demand, and how the unmodified client gets over it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
import stripe

from tests.stripe_world import VERSION, StripeWorld


@pytest.fixture
def patient(world: StripeWorld) -> stripe.StripeClient:
    """A client that tries twice more, as the product's does."""
    return stripe.StripeClient(
        world.key, base_addresses={"api": world.base}, stripe_version=VERSION, max_network_retries=2
    )


@pytest.mark.parametrize(
    ("kind", "error", "happened"),
    [
        ("error", stripe.APIError, False),
        ("effect_then_error", stripe.APIError, True),
        ("drop", stripe.APIConnectionError, False),
        ("effect_then_drop", stripe.APIConnectionError, True),
        ("rate_limit", stripe.RateLimitError, False),
    ],
)
def test_a_call_fails_and_did_or_did_not_do_what_it_should(
    world: StripeWorld, kind: str, error: type[Exception], happened: bool
) -> None:
    world.fail_next(1, kind)
    with pytest.raises(error):
        world.client.v1.customers.create({"name": "N"})
    assert len(world.client.v1.customers.list().data) == happened


@pytest.mark.parametrize("kind", ["error", "effect_then_error", "drop", "effect_then_drop"])
def test_a_client_that_tries_again_has_the_effect_once(
    world: StripeWorld, patient: stripe.StripeClient, kind: str
) -> None:
    world.fail_next(2, kind)
    made = patient.v1.customers.create({"name": "N"})
    assert [one.id for one in world.client.v1.customers.list().data] == [made.id]


def test_a_fault_waits_for_the_operation_that_it_is_meant_for(world: StripeWorld) -> None:
    world.fail_next(1, "error", operation="DeleteCustomersCustomer")
    customer = world.client.v1.customers.create()
    with pytest.raises(stripe.APIError):
        world.client.v1.customers.delete(customer.id)
    assert world.client.v1.customers.delete(customer.id).deleted


def test_a_key_is_in_use_while_its_first_request_is_answered(world: StripeWorld) -> None:
    options: Any = {"idempotency_key": uuid4().hex}
    world.fail_next(1, "slow", operation="PostCustomers", seconds=6)
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(world.client.v1.customers.create, {"name": "N"}, options)
        _until(lambda: bool(world.client.v1.customers.list().data))
        with pytest.raises(stripe.APIError) as refused:
            world.client.v1.customers.create({"name": "N"}, options)
        assert refused.value.http_status == 409
        assert refused.value.error and refused.value.error.code == "idempotency_key_in_use"
        first = slow.result()
    assert world.client.v1.customers.create({"name": "N"}, options).id == first.id


def test_an_unknown_control_and_an_unknown_fault_are_refused(world: StripeWorld) -> None:
    with pytest.raises(OSError, match="404"):
        world.control("explode")
    with pytest.raises(OSError, match="400"):
        world.fail_next(1, "sulk")
    with pytest.raises(OSError, match="400"):
        world.control("clock", seconds=-5)


def _until(happened: Callable[[], bool]) -> None:
    while not happened():
        time.sleep(0.01)
