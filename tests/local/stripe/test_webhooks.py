"""Events on their way to a listener that is really there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe

from tests.stripe_world import StripeWorld

_PATIENCE_SECONDS = 120.0


@dataclass
class Listener:
    """A small server that takes events, or refuses the first few."""

    url: str
    refuse: int = 0
    heard: list[tuple[bytes, str]] = field(default_factory=list)

    def types(self, secret: str | None = None) -> list[str]:
        """What was heard, with its signature checked."""
        secret = secret or "whsec_tests"
        return [stripe.Webhook.construct_event(body, signature, secret).type for body, signature in self.heard]

    def wait_for(self, happened: Callable[[], bool]) -> None:
        """Return when it happened."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not happened():
            assert time.monotonic() < end, self.heard
            time.sleep(0.02)


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    found = Listener(f"http://127.0.0.1:{server.server_port}/hook?a=b")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken = found.refuse <= 0
            found.refuse -= 1
            found.heard.append((body, self.headers["Stripe-Signature"]))
            self.send_response(200 if taken else 500)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            """Nothing is printed."""

    server.RequestHandlerClass = Handler
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def heard(world: StripeWorld, listener: Listener) -> Listener:
    """A listener that the world's events go to."""
    for endpoint in world.client.v1.webhook_endpoints.list().data:
        world.client.v1.webhook_endpoints.delete(endpoint.id)
    world.deliver()
    world.listen(listener.url)
    return listener


def test_an_event_arrives_signed_with_what_it_is_about(world: StripeWorld, heard: Listener) -> None:
    customer = world.client.v1.customers.create({"name": "N"}, options={"idempotency_key": "key-1"})
    heard.wait_for(lambda: len(heard.heard) == 1)
    ((body, signature),) = heard.heard
    event = stripe.Webhook.construct_event(body, signature, "whsec_tests")
    assert (event.type, event.data.object["id"]) == ("customer.created", customer.id)
    assert event.request and event.request.idempotency_key == "key-1"
    assert world.client.v1.events.retrieve(event.id).type == "customer.created"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, "whsec_other")


def test_a_refused_event_is_sent_again_until_it_is_taken(world: StripeWorld, heard: Listener) -> None:
    heard.refuse = 3
    world.client.v1.customers.create()
    heard.wait_for(lambda: len(heard.heard) == 4)
    assert len(set(heard.types())) == 1
    assert len({stripe.Webhook.construct_event(body, mark, "whsec_tests").id for body, mark in heard.heard}) == 1


def test_an_endpoint_hears_only_what_it_asked_for(world: StripeWorld, heard: Listener) -> None:
    (endpoint,) = [one for one in world.client.v1.webhook_endpoints.list().data if one.url == heard.url][:1]
    for one in world.client.v1.webhook_endpoints.list().data:
        world.client.v1.webhook_endpoints.delete(one.id)
    made = world.client.v1.webhook_endpoints.create({"url": endpoint.url, "enabled_events": ["customer.updated"]})
    assert made.secret
    customer = world.client.v1.customers.create()
    world.client.v1.customers.update(customer.id, {"name": "N"})
    heard.wait_for(lambda: bool(heard.heard))
    assert heard.types(made.secret) == ["customer.updated"]
    assert world.client.v1.webhook_endpoints.retrieve(made.id).to_dict().get("secret") is None


def test_paused_events_wait_and_are_heard_in_reverse_when_told_so(world: StripeWorld, heard: Listener) -> None:
    world.deliver(paused=True, reverse=True)
    customer = world.client.v1.customers.create()
    world.client.v1.customers.delete(customer.id)
    assert heard.heard == []
    heard.refuse = 0
    waiting = [event.type for event in world.events()]
    assert waiting == ["customer.deleted", "customer.created"]
    world.deliver()
    world.client.v1.customers.create()
    heard.wait_for(lambda: bool(heard.heard))
    assert heard.types() == ["customer.created"]


def test_events_are_duplicated_and_lost_on_demand(world: StripeWorld, heard: Listener) -> None:
    world.deliver(duplicate=1)
    world.client.v1.customers.create()
    heard.wait_for(lambda: len(heard.heard) == 2)
    assert len(set(heard.types())) == 1
    world.deliver(lose=1)
    lost = world.client.v1.customers.create()
    world.client.v1.customers.update(lost.id, {"name": "N"})
    heard.wait_for(lambda: len(heard.heard) == 3)
    assert heard.types()[2] == "customer.updated"
    # It happened all the same, and whoever asks is told.
    assert len(world.client.v1.events.list({"type": "customer.created"}).data) == 2


def test_a_disabled_endpoint_hears_nothing(world: StripeWorld, heard: Listener) -> None:
    for endpoint in world.client.v1.webhook_endpoints.list().data:
        world.client.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    world.client.v1.customers.create()
    for endpoint in world.client.v1.webhook_endpoints.list().data:
        world.client.v1.webhook_endpoints.update(endpoint.id, {"disabled": False})
    customer = world.client.v1.customers.create()
    heard.wait_for(lambda: bool(heard.heard))
    assert [customer.id in body.decode() for body, _ in heard.heard] == [True]
