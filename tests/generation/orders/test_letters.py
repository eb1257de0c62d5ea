"""A buyer is told by e-mail when an order is ready, and when nothing came of it, why and what to do."""

from __future__ import annotations

from typing import cast

import pytest
from django.conf import settings
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from generation.orders.models import Order
from generation.runs.models import Run
from marketplace.accounts.models import Account
from marketplace.work.models import Piece
from tests.generation.made import the_dice, work_off
from tests.generation.orders.flow import draft, press

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]


def the_letter(order: Order) -> tuple[str, list[str]]:
    """Subject and bodies of the one message that was sent."""
    [letter] = mail.outbox
    assert letter.to == ["ann@example.com"]
    [alternative] = cast("EmailMultiAlternatives", letter).alternatives
    bodies = [str(letter.body), str(alternative[0])]
    assert all(f"{settings.PUBLIC_URL}/orders/{order.id}" in body for body in bodies)
    return letter.subject, bodies


def test_an_order_that_is_delivered_is_told_once(client: Client, account: Account) -> None:
    the_dice()
    order = press(client, draft(client, "dice", units="500"), "place")
    assert order.state == "delivered"
    subject, bodies = the_letter(order)
    assert subject == f"Your order {order.short} is ready"
    assert all("500 rows" in body and "It is in your library" in body for body in bodies)


def test_an_order_that_failed_is_told_with_its_reason_and_the_remedy(client: Client, account: Account) -> None:
    the_dice()
    order = draft(client, "dice", units="500")
    client.post(f"/orders/{order.id}/place")
    Run.objects.filter(order=order).update(parameters={"sides": 5000})
    work_off()
    order.refresh_from_db()
    assert order.state == "failed"
    subject, bodies = the_letter(order)
    assert subject == f"Your order {order.short} failed"
    for body in bodies:
        assert "Nothing was charged." in body
    assert order.fault_message in bodies[0]


def test_who_cancels_an_order_is_not_told_of_it(client: Client, account: Account) -> None:
    the_dice()
    order = draft(client, "dice", units="500")
    client.post(f"/orders/{order.id}/place")
    assert press(client, order, "cancel").state == "cancelled"
    assert not mail.outbox
    assert not Piece.objects.unfinished().filter(kind="mail.send").exists()
