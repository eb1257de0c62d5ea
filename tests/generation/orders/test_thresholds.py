"""What a buyer demands of the report: measures with a most or a least, offered where there is a source to judge by."""

from __future__ import annotations

import json
import random
from typing import Any

import pyarrow as pa
import pytest
from django.test import Client

from catalog.models import Licence, Version
from generation.orders.models import Order
from generation.runs import thresholds
from marketplace.accounts.models import Account
from tests.factories import a_dataset, a_version_of, an_account
from tests.generation.made import the_dice
from tests.generation.orders.flow import draft, press, upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]


def figure(value: float | None) -> dict[str, Any]:
    return {"value": value, "interval": None, "yardsticks": {"holdout": 0.5}, "why": ""}


def a_report(*, likeness: float | None = 0.97, detection: float = 0.52, ratio: float = 0.99) -> bytes:
    table = {
        "rows": {"fitted": 900, "holdout": 100, "made": 500, "judged": 500},
        "left_out": [],
        "likeness": {"overall": figure(likeness), "detection": {"boosted": {"fitted": figure(detection)}}},
        "usefulness": {"ratio": figure(ratio)},
        "privacy": {"closest": {"share": figure(0.51)}, "copies": {"share": figure(0.002)}},
        "fairness": None,
        "not_tested": [],
        "verdict": {},
        "refused": None,
    }
    return json.dumps({"schema": "lookalike/quality/1", "tables": {"default": table}}).encode()


def a_judged_version(**figures: Any) -> Version:
    return a_version_of(
        a_dataset(an_account()), {"default": [pa.table({"number": [1, 2]})]}, quality=a_report(**figures)
    )


def sentences(version: Version, **bounds: float) -> list[str]:
    asked = [{"measure": name, "bound": bound} for name, bound in bounds.items()]
    return [one.sentence for one in thresholds.unmet(asked, version)]


def test_bounds_that_are_kept_say_nothing() -> None:
    kept = {"likeness": 0.97, "detection": 0.52, "usefulness": 0.99, "closeness": 0.51, "copies": 0.002}
    assert sentences(a_judged_version(), **kept) == []


def test_a_least_that_is_not_reached_and_a_most_that_is_passed_say_by_how_much() -> None:
    assert sentences(a_judged_version(), likeness=0.98, detection=0.5, usefulness=1, closeness=0.5, copies=0) == [
        "Likeness: 97 %, which is 1 % below the 98 % that you ask for.",
        "Detection: 52 %, which is 2 % above the 50 % that you allow.",
        "Usefulness: 99 %, which is 1 % below the 100 % that you ask for.",
        "Nearer to a learnt row: 51 %, which is 1 % above the 50 % that you allow.",
        "Exact matches: 0.2 %, which is 0.2 % above the 0 % that you allow.",
    ]


def test_a_figure_that_could_not_be_measured_keeps_no_bound() -> None:
    [said] = sentences(a_judged_version(likeness=None), likeness=0.1)
    assert said == "Likeness: not measured, so it is not known to be at least 10 %."


def test_what_only_a_source_lets_be_measured_is_offered_with_a_source_only(client: Client, account: Account) -> None:
    the_dice()
    plain = client.get("/orders/new/house/dice").content.decode()
    assert "Duplicate rows, at most %" in plain
    assert "Likeness, at least %" not in plain
    source = upload(client, people())
    page = client.get(f"/orders/new/house/tabular?source={source.id}").content.decode()
    for label in ("Likeness, at least %", "Detection, at most %", "Usefulness, at least %", "Exact matches, at most %"):
        assert label in page


def test_an_order_whose_report_breaks_a_bound_is_declined_and_nothing_is_charged(
    client: Client, account: Account
) -> None:
    bounds = {"bounds-likeness": "100", "bounds-copies": "99"}
    order = draft(client, "tabular", source=upload(client, people()), units="500", **bounds)
    assert "at least 100 %, else nothing is charged" in client.get(f"/orders/{order.id}").content.decode()
    order = press(client, order, "place")
    assert order.state == Order.State.DECLINED
    assert not Licence.objects.exists()
    [broken] = thresholds.sentences(order.unmet)
    assert broken.startswith("Likeness: ") and "below the 100 % that you ask for" in broken
    assert broken in client.get(f"/orders/{order.id}").content.decode()


def people() -> bytes:
    chance = random.Random(3)
    lines = ["age,city,salary"]
    for _ in range(800):
        lines.append(f"{chance.randint(18, 80)},{chance.choice(['Ulm', 'Bonn'])},{chance.lognormvariate(8, 0.4):.2f}")
    return "\n".join(lines).encode()
