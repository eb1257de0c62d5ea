"""An order by way of the pages, with all work done in this process."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from generation.orders.models import Order
from generation.runs import registry
from generation.runs.models import GeneratorVersion, Source
from marketplace.accounts.models import Account
from tests.factories import an_account
from tests.generation.made import work_off


def house_generator(reference: str) -> GeneratorVersion:
    house = Account.objects.filter(slug="house").first() or an_account("house")
    return registry.register(reference, house)


def upload(client: Client, body: bytes, name: str = "people.csv", **fields: str) -> Source:
    """Send a file to the fitted generator and have it read."""
    house_generator("tabular")
    answer = client.post("/orders/new/house/tabular/upload", {"file": SimpleUploadedFile(name, body), **fields})
    assert answer.status_code == 302, answer.content.decode()
    found = re.search(r"source=([0-9a-f-]{36})", answer["Location"])
    assert found is not None
    work_off()
    return Source.objects.get(id=UUID(found[1]))


def draft(client: Client, generator: str, *, source: Source | None = None, **fields: Any) -> Order:
    """Fill in the form and have the quote and the probe made."""
    query = f"?source={source.id}" if source else ""
    answer = client.post(f"/orders/new/house/{generator}{query}", {"test_share": "0", **fields})
    assert answer.status_code == 302, answer.content.decode()
    work_off()
    return Order.objects.get(id=UUID(answer["Location"].rpartition("/")[2]))


def press(client: Client, order: Order, verb: str) -> Order:
    """Press a button of the order's page and have the work that follows done."""
    answer = client.post(f"/orders/{order.id}/{verb}")
    assert answer.status_code == 302
    work_off()
    return Order.objects.get(id=UUID(answer["Location"].rpartition("/")[2]))
