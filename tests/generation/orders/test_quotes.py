"""What is quoted can be made: by code that is installed, from an upload that is there, in the splits asked for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from catalog.models import Version
from generation.orders import ordering
from generation.orders.models import Order
from generation.runs.models import Generator, GeneratorVersion
from generation.runs.recipes import seed_commitment
from tests.factories import an_account
from tests.generation.made import REFERENCE, the_dice, work_off
from tests.generation.orders.flow import draft, press

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket", "account")]


def another_version(version: GeneratorVersion, number: str, **changes: Any) -> GeneratorVersion:
    """A version whose code is not installed, registered now."""
    given = {"reference": version.reference, "description": version.description, "digest": number[0] * 64, **changes}
    return GeneratorVersion.objects.create(generator=version.generator, number=number, **given)


def page(client: Client, order: Order) -> str:
    return client.get(f"/orders/{order.id}").content.decode()


def test_splits_that_the_units_cannot_fill_are_refused_by_the_quote(client: Client) -> None:
    the_dice()
    order = draft(client, "dice", units="1", test_share="20")
    assert order.state == "draft"
    assert [problem["field"] for problem in order.problems] == ["test_share"]
    assert "too few for 2 splits" in page(client, order)


def test_what_was_refused_is_set_up_anew_with_each_reason_at_its_field(client: Client) -> None:
    the_dice()
    refused = draft(client, "dice", units="1", test_share="20", **{"bounds-missing": "1.25"})
    address = f"/orders/new/house/dice?order={refused.id}"
    assert f'href="{address}"' in page(client, refused)
    form = client.get(address).content.decode()
    assert re.search(r'name="units"[^>]* value="1"', form) and re.search(r'name="bounds-[^>]* value="1.25"', form)
    field = re.search(r'name="test_share"[^>]*>', form)
    assert field is not None and 'value="20"' in field[0] and 'aria-invalid="true"' in field[0]
    assert "too few for 2 splits" in form
    assert client.get(f"{address}0").status_code == 404
    answer = client.post(address, {"units": "500", "test_share": "20"})
    work_off()
    assert Order.objects.get(id=answer["Location"].rpartition("/")[2]).state == "quoted"


def test_nobody_else_takes_up_the_settings_of_an_order(client: Client) -> None:
    the_dice()
    order = draft(client, "dice", units="500")
    Order.objects.filter(id=order.id).update(account=an_account("other"))
    assert client.get(f"/orders/new/house/dice?order={order.id}").status_code == 404


def test_a_quote_for_a_version_that_was_replaced_expires_and_says_why(client: Client) -> None:
    dice = the_dice()
    order = draft(client, "dice", units="500")
    another_version(dice, "2.0.0")
    order = press(client, order, "place")
    assert (order.state, order.run) == ("expired", None)
    assert "house/dice 2.0.0 took the place of house/dice 1.0.0" in page(client, order)


def test_the_same_settings_again_are_made_by_the_newest_version(client: Client) -> None:
    old = another_version(the_dice_to_be(), "0.9.0")
    dice = the_dice()
    order = draft(client, "dice", units="500")
    Order.objects.filter(id=order.id).update(generator=old, state="cancelled")
    retried = press(client, order, "again")
    assert retried.generator == dice
    assert press(client, retried, "place").state == "delivered"


@pytest.mark.parametrize("changes", [{}, {"reference": "tests.generation.nowhere:dice"}])
def test_a_version_that_is_not_installed_gets_a_clear_sentence_and_no_quote(
    client: Client, changes: dict[str, str]
) -> None:
    another_version(the_dice(), "2.0.0", **changes)
    order = draft(client, "dice", units="500")
    assert order.state == "draft"
    assert [problem["message"] for problem in order.problems] == ["house/dice 2.0.0 is not installed any more."]
    assert "is not installed any more" in page(client, order)


def test_the_seed_is_committed_to_before_anything_is_made(client: Client) -> None:
    the_dice()
    order = ordering.place(draft(client, "dice", units="500"))
    assert order.run is not None
    commitment = seed_commitment(order.run)
    assert commitment in order.run.events.get().text
    assert commitment in page(client, order)
    work_off()
    assert Version.objects.get(run=order.run.id).recipe["seedCommitment"] == commitment


def the_dice_to_be() -> GeneratorVersion:
    """The dice without their row: what registering them would make, for a version that came before."""
    generator = Generator.objects.create(account=an_account("house"), name="dice")
    return GeneratorVersion(generator=generator, reference=REFERENCE, description={})
