"""A fresh world of the Stripe stand-in for each test, and what happens in it outside of our product.

``stripe_world`` puts a new API key into the settings. Events are not delivered: a test takes them with ``events`` and
posts them itself, in the order it likes. Nothing here mends what the product does wrong.
"""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import stripe
from pytest_django import Settings

VISA = "4242424242424242"
MASTERCARD = "5555555555554444"
DECLINED = "4000000000000002"
INSUFFICIENT_FUNDS = "4000000000009995"
ASKS_ALWAYS = "4000002760003184"
ASKS_UNLESS_SET_UP = "4000002500003155"
DISPUTES = "4000000000000259"
REFUND_PENDING = "4000000000007726"
REFUND_FAILS = "4000000000005126"
AVAILABLE_AT_ONCE = "4000000000000077"
#: The version that the description at hand is of; another one is a violation.
VERSION = "2026-05-27.dahlia"


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_Stay)


@dataclass(frozen=True)
class Seen:
    """What a person's browser was answered."""

    status: int
    location: str | None
    text: str

    @property
    def alert(self) -> str | None:
        """What the page says went wrong."""
        found = re.search(r'role="alert">([^<]+)<', self.text)
        return found[1] if found else None


@dataclass(frozen=True)
class SignedEvent:
    """One event as the stand-in would post it."""

    body: str
    signature: str

    @property
    def content(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def type(self) -> str:
        return str(self.content["type"])


class StripeWorld:
    """One world of the stand-in: all that belongs to one API key."""

    def __init__(self, base: str, key: str) -> None:
        self.base, self.key = base, key
        self.client = stripe.StripeClient(
            key, base_addresses={"api": base}, stripe_version=VERSION, max_network_retries=0
        )

    def pay(self, session_url: str, card: str = VISA, *, confirm: bool = True, email: str = "b@example.org") -> Seen:
        """Fill in the hosted page and press the button; answer the bank's question, if it asks, with ``confirm``."""
        seen = self.post(session_url, number=card, email=email)
        if seen.location and seen.location.startswith("/authenticate/"):
            return self.post(self.base + seen.location, answer="yes" if confirm else "no")
        return seen

    def onboard(self, link_url: str, *, complete: bool = True) -> Seen:
        """Open a link to onboarding, then complete it or leave."""
        opened = self.visit(link_url)
        form = re.search(r'action="(/onboarding/[^"]+)"', opened.text)
        return self.post(self.base + form[1], answer="complete" if complete else "leave") if form else opened

    def visit(self, url: str) -> Seen:
        """Open a page."""
        return self._ask(urllib.request.Request(url))

    def post(self, url: str, **fields: str) -> Seen:
        """Send a page's form."""
        return self._ask(urllib.request.Request(url, urllib.parse.urlencode(fields).encode()))

    def clock_forward(self, by: timedelta) -> None:
        """Move this world's clock; all that was due in between happens, in order."""
        self.control("clock", seconds=by.total_seconds())

    def dispute(self, charge: str, *, amount: int | None = None, inquiry: bool = False) -> str:
        """Have the buyer dispute a charge; returns the dispute's id."""
        return str(self.control("dispute", charge=charge, amount=amount, inquiry=inquiry)["id"])

    def close_dispute(self, dispute: str, *, won: bool) -> None:
        """Have the bank decide."""
        self.control("decide", dispute=dispute, won=won)

    def events(self) -> list[SignedEvent]:
        """What waits to be delivered, taken: oldest first, or newest first in contrary mode."""
        return [SignedEvent(parcel["body"], parcel["signature"]) for parcel in self.control("take")]

    def fail_next(
        self, times: int = 1, kind: str = "error", *, operation: str | None = None, seconds: float = 1.0
    ) -> None:
        """Have the next calls fail: ``marketplace.local.stripe.faults`` has the kinds.

        ``operation`` is a name of the document's, such as ``PostRefunds``.
        """
        self.control("fail", times=times, kind=kind, operation=operation, seconds=seconds)

    def mend(self) -> None:
        """Have nothing fail any more."""
        self.control("mend")

    def tax(self, percent: float) -> None:
        """The rate that ``automatic_tax`` finds."""
        self.control("tax", percent=percent)

    def complete_account(self, account: str) -> None:
        """Have a seller told Stripe all that it wants to know."""
        self.control("account", account=account, complete=True)

    def restrict_account(self, account: str, *fields: str, within: timedelta | None = None) -> None:
        """Have Stripe want to know more of a seller: at once, and nothing can be received, or ``within`` some time."""
        seconds = None if within is None else within.total_seconds()
        wanted = fields or ("individual.verification.document",)
        self.control("account", account=account, require=wanted, within=seconds)

    def drain_account(self, account: str) -> None:
        """Have a seller paid out by Stripe, so that nothing is left to reverse a transfer from."""
        self.control("account", account=account, drain=True)

    def contrary(self, *, on: bool = True) -> None:
        """Do all that Stripe's documentation does not forbid."""
        self.control("contrary", on=on)

    def deliver(self, *, paused: bool = False, duplicate: int = 0, lose: int = 0, reverse: bool = False) -> None:
        """How events are delivered from now on: ``duplicate`` and ``lose`` so many of the next ones."""
        self.control("webhooks", paused=paused, duplicate=duplicate, lose=lose, reverse=reverse)

    def listen(self, url: str) -> None:
        """Have events posted to an address, with the secrets of the settings."""
        secrets = os.environ["STRIPE_WEBHOOK_SECRET"].split(",")
        for connect, secret in zip((False, True), secrets, strict=True):
            self.control("endpoint", url=url, secret=secret, connect=connect)

    def audit(self) -> list[dict[str, str]]:
        """Where this world's requests or answers broke Stripe's contract."""
        return list(self.control("audit")["violations"])

    def control(self, verb: str, **wish: Any) -> Any:
        """Ask the control address."""
        headers = {"Authorization": f"Bearer {self.key}"}
        asked = urllib.request.Request(f"{self.base}/_control/{verb}", json.dumps(wish).encode(), headers)
        with urllib.request.urlopen(asked, timeout=240) as answer:
            return json.load(answer)

    def _ask(self, request: urllib.request.Request) -> Seen:
        try:
            with _OPENER.open(request, timeout=240) as answer:
                return Seen(answer.status, answer.headers.get("Location"), answer.read().decode())
        except urllib.error.HTTPError as refused:
            with refused:
                return Seen(refused.code, refused.headers.get("Location"), refused.read().decode())


@pytest.fixture
def stripe_world(settings: Settings) -> Iterator[StripeWorld]:
    """A world that nothing has happened in yet, which the product's settings lead to."""
    world = StripeWorld(os.environ["STRIPE_API_BASE"], f"sk_test_{uuid4().hex}")
    settings.STRIPE_API_KEY = world.key
    world.listen(f"{settings.PUBLIC_URL}/webhooks/stripe")
    world.deliver(paused=True)
    yield world
    world.control("reset")
