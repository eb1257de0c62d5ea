"""What a quote and its order tell before anything is made."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog.models import Version
from generation.orders import ordering
from generation.orders.models import Order
from generation.runs.recipes import seed_commitment
from tests.generation.made import the_dice, work_off
from tests.generation.orders.flow import draft

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket", "account")]


def page(client: Client, order: Order) -> str:
    return client.get(f"/orders/{order.id}").content.decode()


def test_the_seed_is_committed_to_before_anything_is_made(client: Client) -> None:
    the_dice()
    order = ordering.place(draft(client, "dice", units="500"))
    assert order.run is not None
    commitment = seed_commitment(order.run)
    assert commitment in order.run.events.get().text
    assert commitment in page(client, order)
    work_off()
    assert Version.objects.get(run=order.run.id).recipe["seedCommitment"] == commitment
