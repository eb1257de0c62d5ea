"""What was found in an upload is shown and may be let go; what an order demands of its rows holds, or is refused."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from django.test import Client

from catalog import attachments
from catalog.models import Version
from tests.generation.orders.flow import draft, press, upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket", "account")]


def bills(rows: int = 800) -> bytes:
    """A table of bills that add up; one in ten is disputed."""
    random = np.random.Generator(np.random.Philox(4))
    net, tax = random.integers(500, 90_000, rows), random.integers(50, 9_000, rows)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["kind", "net", "tax", "total", "disputed"])
    for row in range(rows):
        kind = random.choice(["shop", "web", "phone"])
        disputed = "yes" if random.random() < 0.1 else "no"
        writer.writerow([kind, net[row] / 100, tax[row] / 100, (net[row] + tax[row]) / 100, disputed])
    return text.getvalue().encode()


def test_relations_are_shown_and_conditions_and_rules_hold_in_what_is_delivered(client: Client) -> None:
    source = upload(client, bills())
    page = client.get(f"/orders/new/house/tabular?source={source.id}").content.decode()
    assert "total = net + tax on every row" in page
    assert 'name="settings.ignore_relations" value="total = net + tax"' in " ".join(page.split())
    settings = {"settings.conditions": "disputed = yes: 40 %", "settings.rules": "net <= 700\nkind in (shop, web)"}
    order = press(client, draft(client, "tabular", source=source, units="500", **settings), "place")
    assert order.state == "delivered", order.fault_message
    version = Version.objects.get(run=order.run_id)
    told = attachments.load(version.attachments.get(kind="statistics"))["tables"]["default"]
    assert told["rules"] == [
        {"rule": "net <= 700", "rows": 500, "held": 500},
        {"rule": "kind in (shop, web)", "rows": 500, "held": 500},
    ]
    assert "500 of 500 rows hold" in client.get(f"/datasets/{version.dataset}/quality").content.decode()
    counted = {column["name"]: column for column in told["columns"]}
    disputed = {one["value"]: one["count"] for one in counted["disputed"]["values"]}
    assert 150 < disputed["yes"] < 250
    assert {one["value"] for one in counted["kind"]["values"]} == {"shop", "web"}


def test_a_condition_that_nobody_meets_is_refused_by_the_quote(client: Client) -> None:
    source = upload(client, bills())
    order = draft(client, "tabular", source=source, units="500", **{"settings.conditions": "net > 5000: 20 %"})
    assert order.state == "draft"
    (problem,) = order.problems
    assert problem["field"] == "conditions"
    assert "the nearest possible rate is 0 %" in problem["message"]
