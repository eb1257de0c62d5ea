"""Tariffs: set by the generator's owner, applied line by line; the price shown is the price of the order."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from django.db import Error
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from billing.models import CheckoutSession
from generation.orders import ordering, quoting, tariffs
from generation.orders.models import Tariff
from generation.orders.tariffs import Breakdown, Surcharge
from generation.runs.models import GeneratorVersion
from marketplace.accounts.models import Account, Membership, Role
from marketplace.work.celery_tasks import perform
from marketplace.work.models import Piece
from tests.factories import a_person, an_account
from tests.generation.made import the_dice
from tests.generation.orders.flow import draft
from tests.stripe_world import StripeWorld
from tests.web.browser import sent_by

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "/orders/tariffs/house/dice"
MONEY = st.integers(0, 10_000_000)
VALUES = st.one_of(st.integers(-5, 5), st.booleans(), st.sampled_from(["a", "b"]))
SURCHARGES = st.lists(
    st.builds(
        lambda at_least, value, adds, percent: Surcharge(
            "s",
            value if not at_least else 3,
            at_least,
            0 if percent else adds,
            adds % 10_000 if percent else 0,
            "More",
        ),
        st.booleans(),
        VALUES,
        st.integers(1, 5_000),
        st.booleans(),
    ),
    max_size=3,
)


@pytest.fixture
def owner(client: Client) -> GeneratorVersion:
    """The dice, whose owner is signed in."""
    user, _ = a_person("olga")
    house = an_account("house")
    Membership.objects.create(account=house, user=user, role=Role.BILLING)
    client.force_login(user)
    return the_dice(house)


@given(MONEY, MONEY, st.integers(1, 100_000), MONEY, SURCHARGES, VALUES, st.integers(1, 10_000_000))
def test_a_price_is_the_sum_of_its_lines_and_keeps_every_part_of_the_tariff(
    base: int, per: int, per_units: int, minimum: int, added: list[Surcharge], value: Any, units: int
) -> None:
    held = [one.as_json() for one in added]
    tariff = Tariff(base=base, per_unit=per, per_units=per_units, minimum=minimum, surcharges=held, currency="EUR")
    price = tariffs.price(tariff, units, {"s": value})
    assert price.total == sum(line.amount for line in price.lines)
    assert all(line.amount > 0 for line in price.lines)
    assert price.total >= max(base, minimum)
    of_units = next((line.amount for line in price.lines if line.title == f"{units:,} units"), 0)
    assert of_units * per_units >= units * per > (of_units - 1) * per_units or per == 0
    assert tariffs.price(tariff, units + 1, {"s": value}).total >= price.total
    reached = [one for one in added if one.at_least and type(value) is int and value >= 3]
    same = [one for one in added if not one.at_least and type(one.value) is type(value) and one.value == value]
    more = sum(one.amount + -(-(base + of_units) * one.percent // 10_000) for one in [*reached, *same])
    assert price.total == max(minimum, base + of_units + more)
    assert price == tariffs.price(tariff, units, {"s": value})


def test_without_a_tariff_orders_are_free() -> None:
    assert tariffs.price(None, 5_000, {}) == Breakdown(())
    assert tariffs.words(None) == ["Orders are free."]


def test_a_list_that_has_the_value_among_its_entries_is_charged_for() -> None:
    one = Surcharge("classes", "dent", at_least=False, amount=5, percent=0, title="Dents")
    assert one.applies({"classes": ["hole", "dent"]})
    assert not one.applies({"classes": ["hole"]})
    assert not one.applies({})


def test_a_tariff_never_changes_and_the_newest_holds(owner: GeneratorVersion) -> None:
    generator = owner.generator
    first = tariffs.set_tariff(generator, base=500)
    assert tariffs.set_tariff(generator, base=500) == first
    second = tariffs.set_tariff(generator, base=700)
    assert (first.number, second.number) == (1, 2)
    assert tariffs.newest(generator) == second
    with pytest.raises(Error, match="pgtrigger"):
        Tariff.objects.filter(id=first.id).update(base=1)


def fields(**given: str) -> dict[str, str]:
    """The form as it is sent, with an empty row of surcharges."""
    return {"surcharges-TOTAL_FORMS": "1", "surcharges-INITIAL_FORMS": "0", **given}


def row(number: int = 0, **given: str) -> dict[str, str]:
    return {f"surcharges-{number}-{name}": value for name, value in given.items()}


def test_the_owner_sets_a_tariff_and_everybody_reads_it_in_words(client: Client, owner: GeneratorVersion) -> None:
    assert "Orders are free." in client.get(ADDRESS).content.decode()
    surcharge = row(title="Many sides", parameter="sides", at_least="yes", value="20", percent="12.5")
    sent = fields(base="5", per_unit="2.50", per_units="1000", minimum="7.00", **surcharge)
    answer = client.post(ADDRESS, sent)
    assert answer.status_code == 302, answer.content.decode()
    tariff = Tariff.objects.get()
    assert (tariff.base, tariff.per_unit, tariff.per_units, tariff.minimum) == (500, 250, 1000, 700)
    assert tariff.surcharges == [{"parameter": "sides", "at_least": 20, "percent": 1250, "title": "Many sides"}]
    page = Client().get(ADDRESS).content.decode()
    for told in (
        "€5.00 for each order.",
        "€2.50 for every 1,000 units, in proportion.",
        "Many sides: 12.5 % of the above more if sides is at least 20.",
        "At least €7.00.",
    ):
        assert told in page
        assert told in Client().get(f"{ADDRESS}/words").content.decode()
    assert "Set the tariff" not in page
    assert "/orders/tariffs/house/dice" in Client().get("/generators/house/dice").content.decode()
    shown = sent_by(client.get(ADDRESS).content.decode())
    assert (shown["base"], shown["surcharges-0-value"], shown["surcharges-0-percent"]) == ("5", "20", "12.5")


def test_everything_that_is_wrong_with_a_tariff_is_told_at_once(client: Client, owner: GeneratorVersion) -> None:
    wrong = row(title="", parameter="sides", value="many", amount="1", percent="2") | row(
        1, title="Names", parameter="sides", value="200", amount="3"
    )
    sent = fields(base="-1", per_unit="0.001", per_units="0", **wrong) | {"surcharges-TOTAL_FORMS": "2"}
    answer = client.post(ADDRESS, sent)
    page = answer.content.decode()
    assert answer.status_code == 422
    for told in (
        "greater than or equal to 0",
        "no more than 2 decimal places",
        "greater than or equal to 1",
        "Give a title",
        "either an amount or a percentage",
        "200 is over the limit of 100",
        "2 surcharges need a change",
    ):
        assert told in page, told
    assert not Tariff.objects.exists()


def test_a_tariff_that_no_card_could_be_charged_is_refused(client: Client, owner: GeneratorVersion) -> None:
    answer = client.post(ADDRESS, fields(per_unit="0.01"))
    assert answer.status_code == 422
    assert "A card is charged €0.50 or more" in answer.content.decode()
    assert not Tariff.objects.exists()


def test_nobody_else_sets_it(client: Client, owner: GeneratorVersion) -> None:
    stranger = Client()
    stranger.force_login(a_person("bob")[0])
    worker, _ = a_person("mia")
    Membership.objects.create(account=Account.objects.get(slug="house"), user=worker, role=Role.MEMBER)
    member = Client()
    member.force_login(worker)
    for somebody in (stranger, member, Client()):
        assert somebody.post(ADDRESS, fields(base="5")).status_code == 403
    assert not Tariff.objects.exists()


@pytest.mark.usefixtures("s3_bucket")
def test_a_quote_shows_each_line_and_keeps_its_price_when_the_tariff_changes(
    client: Client, owner: GeneratorVersion
) -> None:
    many = Surcharge("sides", 10, at_least=True, amount=120, percent=0, title="Many sides")
    set_first = tariffs.set_tariff(owner.generator, base=500, per_unit=250, per_units=1000, surcharges=[many])
    order = draft(client, "dice", units="1500", **{"settings.sides": "12"})
    assert (order.price, order.tariff) == (500 + 375 + 120, set_first)
    tariffs.set_tariff(owner.generator, base=900)
    page = client.get(f"/orders/{order.id}").content.decode()
    for told in ("Base", "€5.00", "1,500 rows", "€3.75", "Many sides", "€1.20", "€9.95", "Order for €9.95"):
        assert told in page


@pytest.mark.usefixtures("s3_bucket")
def test_more_than_one_payment_can_take_is_no_quote(client: Client, owner: GeneratorVersion) -> None:
    tariffs.set_tariff(owner.generator, base=500, per_unit=200_000_000)
    order = draft(client, "dice", units="1500")
    assert order.state == "draft"
    assert "one payment may be up to €999,999.99" in order.problems[0]["message"]


@pytest.mark.usefixtures("s3_bucket")
@pytest.mark.parametrize("number", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_the_price_shown_is_what_stripe_is_asked_to_hold_for_random_tariffs_and_orders(
    client: Client, owner: GeneratorVersion, stripe_world: StripeWorld, number: int
) -> None:
    buyer, account = a_person("ann")
    client.force_login(buyer)
    chance = random.Random(number)
    for _ in range(number):
        tariffs.set_tariff(owner.generator, **_any_tariff(chance))
        order = ordering.draft(
            account,
            owner,
            parameters={"sides": chance.randint(2, 100)},
            units=chance.randint(1, 40_000),
            splits=[{"name": "train", "share": 1.0}],
            source=None,
        )
        perform(str(Piece.objects.get(kind=quoting.QUOTE, subject=order.id).id))
        page = client.get(f"/orders/{order.id}").content.decode()
        shown = re.search(r"Order for €([0-9,.]+)<", page)
        assert shown is not None, page
        assert client.post(f"/orders/{order.id}/place").status_code == 303
        session = CheckoutSession.objects.get(payment__order=order)
        asked = stripe_world.client.v1.checkout.sessions.retrieve(str(session.stripe_id))
        assert asked.amount_total == int(shown[1].replace(",", "").replace(".", ""))
        Piece.objects.all().delete()


def _any_tariff(chance: random.Random) -> dict[str, Any]:
    more = Surcharge("sides", chance.randint(2, 100), True, 0, chance.randint(1, 9_999), "Many sides")
    return {
        "base": chance.randint(50, 5_000),
        "per_unit": chance.randint(0, 700),
        "per_units": chance.choice([1, 7, 1000]),
        "minimum": chance.choice([0, 20_000]),
        "surcharges": chance.choice([[], [more]]),
    }
