"""Where a setting names a column, the columns of the upload are there to choose from, and no others are taken."""

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
