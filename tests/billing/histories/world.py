"""What a history happens to: buyers, sellers and offers that stay, and a world of Stripe that is new each time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from uuid_utils.compat import uuid7

from billing import events, holds, payments
from billing.books import reconciling
from billing.models import Payment, Purchase
from billing.processor import client
from billing.selling import onboarding, payables
from catalog import offers, publishing, terms
from catalog.models import Licence, Offer
from marketplace.accounts.models import Account, User
from marketplace.mail.models import Message
from marketplace.work.models import Piece
from tests.billing.histories.clock import Clock, moved
from tests.factories import a_dataset, a_listing, a_person, a_version, an_account
from tests.stripe_world import SignedEvent, StripeWorld
from tests.workers import work_off

#: Prices at which roundings differ, in minor units; from the smallest to the greatest that Stripe takes.
PRICES = (50, 51, 99, 101, 333, 997, 1_999, 12_100, 99_999, 1_234_567, 99_999_999)

#: In percent, within the price where a page finds it.
TAX = 19


class Killed(BaseException):
    """The process died: nothing that it had not committed is there."""


@dataclass(frozen=True)
class Stock:
    """What is made once for all histories."""

    buyers: tuple[tuple[User, Account], ...]
    sellers: tuple[Account, ...]
    staff: User
    offers: tuple[tuple[Offer, ...], ...]


@dataclass
class Order:
    """A payment that is taken at delivery, and whether that was."""

    payment: UUID
    delivered: bool = False


class Death:
    """The process dies right after the ``after``-th call of Stripe from now, before anything of it is written."""

    def __init__(self) -> None:
        self.after: int | None = None

    def heard(self, answer: Any) -> Any:
        found = _PLAIN(answer)
        if self.after is not None:
            self.after -= 1
            if self.after <= 0:
                self.after = None
                raise Killed
        return found


@dataclass
class History:
    """One history as it happens."""

    stock: Stock
    world: StripeWorld
    clock: Clock
    death: Death
    purchases: list[UUID] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    #: Events that were told already; any of them may come again.
    old_news: list[SignedEvent] = field(default_factory=list)
    #: What was sent for each payment, and which were contested, when somebody looked last.
    sent: dict[UUID, int] = field(default_factory=dict)
    contested: set[UUID] = field(default_factory=set)
    #: Did an event go that never comes? What only it told of is found when the day is compared with Stripe's.
    lost: bool = False

    def wait(self, by: timedelta) -> None:
        """Let time pass, and no more."""
        self.clock.forward(by, self.world)

    def work(self) -> None:
        """Do the work that is due. When the process dies its leases lapse, and another goes on."""
        while True:
            try:
                work_off()
            except Killed:
                self.wait(timedelta(seconds=settings.WORK_LEASE_SECONDS + 1))
            else:
                return

    def tell(self, news: list[SignedEvent]) -> None:
        """Have events come in, and looked into."""
        for event in news:
            events.receive(event.body.encode(), event.signature)
        self.old_news += news
        self.work()

    def sweep(self) -> None:
        """Let an hour pass, look for what was missed, and do the work that this makes."""
        self.wait(timedelta(hours=1, minutes=1))
        for sweep in (payments.sweep, holds.sweep, payables.release_due, onboarding.look_again):
            sweep()
        self.work()

    def reconcile(self) -> None:
        """Compare each day on which something moved at Stripe, do the work that this makes, and compare again."""
        moved = list(self.world.client.v1.balance_transactions.list({"limit": 100}).auto_paging_iter())
        days = sorted({datetime.fromtimestamp(one.created, UTC).date() for one in moved})
        for _ in range(2):
            for day in days:
                reconciling.reconcile(day)
            self.work()

    def payments(self) -> list[Payment]:
        """All payments, oldest first."""
        return list(Payment.objects.order_by("id"))


_PLAIN = client.plain


def set_up() -> Stock:
    """Buyers, sellers, and offers of each seller at each price."""
    sellers = tuple(an_account(f"seller-{number}") for number in range(2))
    return Stock(
        buyers=tuple(a_person(f"buyer-{number}") for number in range(3)),
        sellers=sellers,
        staff=a_person("keeper")[0],
        offers=tuple(_offers(seller) for seller in sellers),
    )


def _offers(seller: Account) -> tuple[Offer, ...]:
    dataset = a_dataset(seller)
    a_version(dataset)
    listing = a_listing(dataset, price=PRICES[0]).listing
    publishing.put_on_shelf(listing)
    commercial = terms.standard(terms.Kind.COMMERCIAL)
    return tuple(
        offers.open_offer(listing, commercial, price=price, seats=seats + 1) for seats, price in enumerate(PRICES)
    )


@contextmanager
def theatre(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Stock, Clock, Death]]:
    """What histories share: the stock, the clock that they go by, and the way in which processes die."""
    death = Death()
    monkeypatch.setattr(client, "plain", death.heard)
    # What fails is seen by the product at once.
    monkeypatch.setattr(client, "_RETRIES", 0)
    stock = set_up()
    with moved(monkeypatch) as clock:
        yield stock, clock, death


@contextmanager
def beginning(theatre: tuple[Stock, Clock, Death], *, contrary: bool = False) -> Iterator[History]:
    """A history before anything happened: no money has moved, in no book and at no processor."""
    stock, clock, death = theatre
    world = StripeWorld(os.environ["STRIPE_API_BASE"], f"sk_test_{uuid4().hex}")
    settings.STRIPE_API_KEY = world.key
    forget()
    clock.reset()
    death.after = None
    world.listen(f"{settings.PUBLIC_URL}/webhooks/stripe")
    world.deliver(paused=True)
    world.tax(TAX)
    if contrary:
        world.contrary()
    try:
        yield History(stock, world, clock, death)
    finally:
        death.after = None
        world.control("reset")


def forget() -> None:
    """Empty every table that money moves in."""
    models = [*apps.get_app_config("billing").get_models(), Licence, Piece, Message]
    tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in models)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables} CASCADE")


def new_key() -> UUID:
    return uuid7()


def purchase(history: History, which: int) -> Purchase | None:
    """One of the purchases made so far."""
    if not history.purchases:
        return None
    return Purchase.objects.select_related("payment").get(id=history.purchases[which % len(history.purchases)])
