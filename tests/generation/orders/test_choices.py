"""What was understood of an upload is chosen from and corrected: target, sensitive columns, kinds and units."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from generation.orders import choices
from generation.orders.models import Order
from generation.runs.models import Source
from marketplace.accounts.models import Account
from tests.generation.orders.flow import draft, house_generator, upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

PEOPLE = b"age,city,member\n" + b"".join(b"%d,%s,true\n" % (20 + n % 50, (b"Ulm", b"Bonn")[n % 2]) for n in range(400))


def test_columns_are_offered_wherever_a_schema_names_one() -> None:
    column = {"type": "string", "format": "column", "maxLength": 200}
    schema = {
        "properties": {
            "target": {"anyOf": [column, {"type": "null"}]},
            "sensitive": {"type": "array", "items": column},
            "note": {"type": "string", "maxLength": 5},
        }
    }
    source = Source(facts={"tables": {"default": {"columns": [{"name": "age"}, {"name": "city"}]}}})
    offered = choices.offering(schema, source)["properties"]
    names = {"type": "string", "format": "column", "enum": ["age", "city"]}
    assert offered == {
        "target": {"anyOf": [names, {"type": "null"}]},
        "sensitive": {"type": "array", "items": names},
        "note": {"type": "string", "maxLength": 5},
    }
    assert choices.offering(schema, None) == schema


def test_target_and_sensitive_columns_are_chosen_from_those_of_the_upload(client: Client, account: Account) -> None:
    house_generator("tests.generation.copyist:copyist")
    source = upload(client, PEOPLE)
    address = f"/orders/new/house/copyist?source={source.id}"
    page = client.get(address).content.decode()
    target = re.search(r'<select name="settings\.target".*?</select>', page, re.DOTALL)
    assert target is not None
    assert re.findall(r'<option value="(\w*)"', target[0]) == ["", "age", "city", "member"]
    assert re.findall(r'name="settings\.sensitive" value="(\w+)"', page) == ["age", "city", "member"]
    answer = client.post(address, {"units": "500", "test_share": "0", "settings.target": "height"})
    assert answer.status_code == 422
    assert not Order.objects.exists()
    chosen = {"settings.target": "member", "settings.sensitive": ["age", "city"]}
    order = draft(client, "copyist", source=source, units="500", **chosen)
    assert order.parameters == {"target": "member", "sensitive": ["age", "city"]}


def test_what_a_column_is_and_its_unit_are_corrected_where_they_were_understood(
    client: Client, account: Account
) -> None:
    source = upload(client, PEOPLE)
    address = f"/orders/new/house/tabular?source={source.id}"
    page = client.get(address).content.decode()
    assert 'name="column-0-made"' in page and 'name="settings.columns"' not in page
    assert "learnt</option>" in page and "left out</option>" in page
    assert re.findall(r'<td class="r">(\d+ to \d+)</td>', page) == ["10 to 99", "1 to 9", "1 to 9"]
    answer = client.post(address, {"units": "500", "test_share": "0", "column-0-unit": "y" * 21})
    assert answer.status_code == 422
    assert "age, unit" in answer.content.decode()
    said = {"column-0-unit": "years", "column-1-made": "left out", "settings.sensitive": ["member"]}
    order = draft(client, "tabular", source=source, units="500", **said)
    assert order.parameters["columns"] == [
        {"column": "age", "made": None, "unit": "years"},
        {"column": "city", "made": "left out", "unit": ""},
    ]
    assert order.parameters["sensitive"] == ["member"]
    assert order.state == "quoted", order.problems
    assert order.probe is not None and order.probe.preview is not None
    [table] = order.probe.preview["tables"]
    assert [(column["name"], column.get("unit")) for column in table["columns"]] == [("age", "years"), ("member", None)]


def test_a_correction_that_cannot_be_is_told_with_its_remedy(client: Client, account: Account) -> None:
    source = upload(client, PEOPLE)
    order = draft(client, "tabular", source=source, units="500", **{"column-2-made": "key"})
    [problem] = order.problems
    assert problem["field"] == "columns"
    assert "“member” holds neither texts nor whole numbers" in problem["message"]


def test_an_order_with_an_upload_is_set_up_anew_with_all_that_was_said_of_columns(
    client: Client, account: Account
) -> None:
    source = upload(client, PEOPLE)
    said = {"column-0-unit": "years", "column-2-made": "key", "settings.sensitive": ["city"]}
    order = draft(client, "tabular", source=source, units="500", **said)
    shown = client.get(f"/orders/{order.id}").content.decode()
    assert "<dt>sensitive columns</dt>" in shown
    form = client.get(f"/orders/new/house/tabular?order={order.id}").content.decode()
    assert "holds neither texts nor whole numbers" in form
    assert re.search(r'name="column-0-unit" value="years"', form)
    made = re.search(r'<select form="order" name="column-2-made".*?</select>', form)
    assert made is not None and "<option selected>key</option>" in made[0]
    assert re.search(r'name="settings\.sensitive" value="city"[^>]* checked', form)
