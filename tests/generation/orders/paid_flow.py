"""An order that costs money, by way of the pages: its owner's tariff, the hosted page, and what Stripe knows of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.test import Client

from billing import holds, payments
from billing.models import Payment
from generation.orders import tariffs
from generation.orders.models import Order
from tests.generation.made import the_dice, work_off
from tests.generation.orders.flow import draft
from tests.stripe_world import VISA, StripeWorld

BASE, PER_THOUSAND = 400, 250


def priced_dice() -> None:
    """Register the dice with a tariff of the house's: 4 euros, and 2.50 for a thousand throws."""
    tariffs.set_tariff(the_dice().generator, base=BASE, per_unit=PER_THOUSAND, per_units=1000)


def quoted(client: Client, units: int = 500, **fields: Any) -> Order:
    """A quote of the priced dice."""
    priced_dice()
    return draft(client, "dice", units=str(units), **fields)


def to_page(client: Client, order: Order) -> str:
    """Press the button that leads to the hosted page; its address."""
    verb = "pay" if order.state == Order.State.PAYMENT_DUE else "place"
    answer = client.post(f"/orders/{order.id}/{verb}")
    assert answer.status_code == 303, (answer.status_code, answer.get("Location"))
    return answer["Location"]


def come_back(client: Client, order: Order) -> Order:
    """Open the address that the hosted page sends back to, and have all work done that follows."""
    assert client.get(f"/orders/{order.id}/paid").status_code == 302
    work_off()
    return again(order)


def held(client: Client, world: StripeWorld, units: int = 500, card: str = VISA, **fields: Any) -> Order:
    """An order whose price is held, and which nobody has begun to make."""
    order = quoted(client, units, **fields)
    assert world.pay(to_page(client, order), card).status == 303
    assert client.get(f"/orders/{order.id}/paid").status_code == 302
    return again(order)


def again(order: Order) -> Order:
    """The order as it is now."""
    return Order.objects.select_related("payment", "run").get(id=order.id)


def charges(world: StripeWorld) -> list[tuple[int, int]]:
    """(captured, given back) of every charge that Stripe made; of one that was only held nothing was captured."""
    return [
        (charge.amount_captured, charge.amount_refunded) if charge.captured else (0, 0)
        for charge in list(world.client.v1.charges.list().auto_paging_iter())
    ]


def captured(world: StripeWorld) -> int:
    """What Stripe took in all, less what went back."""
    return sum(taken - back for taken, back in charges(world))


class Clock:
    """Lets days pass at Stripe; for us, whose clock is the database's, deadlines come nearer."""

    def __init__(self, world: StripeWorld, patch: pytest.MonkeyPatch) -> None:
        self._world, self._patch, self._ahead = world, patch, timedelta(0)

    def forward(self, days: float) -> None:
        """Let so many days pass."""
        by = timedelta(days=days)
        self._ahead += by
        self._world.clock_forward(by)
        self._patch.setattr(payments, "PAGE_OPEN", timedelta(hours=2) + self._ahead)
        self._patch.setattr(holds, "RENEWED_BEFORE", timedelta(hours=24) + self._ahead)
        Payment.objects.update(created_at=F("created_at") - by, looked_at=F("looked_at") - by)
        Order.objects.update(pay_until=F("pay_until") - by, quoted_until=F("quoted_until") - by)


def past() -> Any:
    """A moment that is over."""
    return Now() - timedelta(seconds=1)
