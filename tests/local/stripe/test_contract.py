"""The stand-in against Stripe's own description: is what it checks what the description says?"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
from referencing.jsonschema import DRAFT202012

from marketplace.local.stripe import document, operations
from marketplace.local.stripe.api import Api, Request
from marketplace.local.stripe.checks import MUST_HAVE, Checker
from marketplace.local.stripe.document import Document
from marketplace.local.stripe.state import Store
from tests.stripe_world import VERSION

_ROUNDS = 400
_ODD = [None, "", "x", 7, -1, 1.5, True, [], [None], {}, {"object": "charge"}, {"id": 4}]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return document.load(tmp_path_factory.mktemp("stripe"))


@pytest.fixture
def api(described: Document, tmp_path: Path) -> Iterator[Api]:
    store = Store(tmp_path / "stripe.sqlite3", described)
    yield Api(store)
    store.database.close()


def _ask(api: Api, method: str, path: str, body: str = "", **headers: str) -> dict[str, Any]:
    everything = {"authorization": "Bearer sk_test_1"} | {name.replace("_", "-"): it for name, it in headers.items()}
    return api.answer(Request(method, path, everything, "", body, "http://localhost")).body


def test_every_operation_that_the_stand_in_answers_is_in_the_description(described: Document) -> None:
    takes = {operation.name: set(operation.takes["properties"]) for operation in described.operations()}
    of_lists = {"limit", "starting_after", "ending_before", "created"}
    for name, knows in operations.registered().items():
        assert knows - of_lists - {"expand"} <= takes[name], name


def test_the_version_that_tests_pin_is_that_of_the_description(described: Document) -> None:
    assert described.version == VERSION


def test_a_failure_of_the_stand_in_is_written_down_and_changes_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: object) -> None:
        raise RuntimeError("something that nobody thought of")

    monkeypatch.setattr("marketplace.local.stripe.objects.customers.emit", fails)
    assert _ask(api, "POST", "/v1/customers", "name=N")["error"]["type"] == "api_error"
    monkeypatch.undo()
    assert _ask(api, "GET", "/v1/customers")["data"] == []
    (violation,) = api.store.violations()
    assert "something that nobody thought of" in violation["violation"]


def test_the_must_have_fields_are_fields_of_their_objects(described: Document) -> None:
    for kind, fields in MUST_HAVE.items():
        assert set(fields.split()) <= set(described.of_object(kind)["properties"]), kind


def test_an_answer_that_breaks_the_description_is_written_down(api: Api) -> None:
    _ask(api, "POST", "/v1/customers", "name=N")
    assert api.store.violations() == []
    customer = api.store.world("sk_test_1").all("customer")[0]
    api.store.world("sk_test_1").put(customer | {"created": "yesterday", "colour": "red"} | {"livemode": None})
    _ask(api, "GET", f"/v1/customers/{customer['id']}")
    found = {violation["violation"] for violation in api.store.violations("sk_test_1")}
    assert any("answer.created should be of type integer" in sentence for sentence in found)
    assert any("colour is not in the document" in sentence for sentence in found)


def test_a_program_that_pins_another_version_is_written_down(api: Api) -> None:
    _ask(api, "GET", "/v1/balance", stripe_version="2020-08-27")
    (violation,) = api.store.violations()
    assert violation["request"] == "GET /v1/balance"
    assert "asks for version 2020-08-27" in violation["violation"]


def test_the_checks_agree_with_a_validator_of_json_schema(described: Document, api: Api) -> None:
    """Real answers, damaged at random: both find a fault, or both find none."""
    _ask(
        api,
        "POST",
        "/v1/payment_intents",
        "amount=900&currency=eur&payment_method=pm_card_visa&confirm=true&off_session=true&capture_method=manual",
    )
    _ask(
        api,
        "POST",
        "/v1/payment_intents",
        "amount=900&currency=eur&payment_method=pm_card_visa_chargeDeclined&confirm=true&off_session=true",
    )
    _ask(api, "POST", "/v1/accounts", "type=express")
    answers = {
        path: _ask(api, "GET", path)
        for path in ("/v1/payment_intents", "/v1/charges", "/v1/payment_methods", "/v1/accounts", "/v1/balance")
    }
    checker, chance = Checker(described), random.Random(7)
    validators = {path: _validator(described, path) for path in answers}
    verdicts = set()
    for _ in range(_ROUNDS):
        path = chance.choice(list(answers))
        damaged = copy.deepcopy(answers[path])
        if chance.random() < 0.9:
            _damage(damaged, chance)
        route = described.route("GET", path)
        assert route is not None
        ours = not checker.faults(route.operation.answers, damaged, "answer")
        theirs = validators[path].is_valid(damaged)
        assert ours == theirs, json.dumps(damaged)
        verdicts.add(ours)
    assert verdicts == {True, False}


def _validator(described: Document, path: str) -> jsonschema.Draft202012Validator:
    route = described.route("GET", path)
    assert route is not None
    schemas = {"components": {"schemas": {name: _plain(it) for name, it in described.schemas.items()}}}
    root = _plain(route.operation.answers) | schemas
    registry: referencing.Registry[Any] = referencing.Registry().with_resource("", DRAFT202012.create_resource(root))
    return jsonschema.Draft202012Validator(root, registry=registry)


def _plain(schema: Any) -> Any:
    """As JSON Schema has it: null is an alternative, and fields are those that are named."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _plain(it) for key, it in schema.items() if key not in ("nullable", "x-expansionResources")}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        if schema["properties"]:
            plain.setdefault("additionalProperties", False)
        kinds = schema["properties"].get("object", {}).get("enum", ())
        more = {name for kind in kinds for name in MUST_HAVE.get(kind, "").split() if name in schema["properties"]}
        if more and "deleted" not in schema["properties"]:
            plain["required"] = sorted({*plain.get("required", ()), *more})
    plain.pop("format", None)
    return {"anyOf": [{"type": "null"}, plain]} if schema.get("nullable") is True else plain


def _damage(value: Any, chance: random.Random) -> None:
    """Change, remove or add something, somewhere within."""
    places = list(_places(value))
    container, key = chance.choice(places)
    match chance.randrange(4):
        case 0 if isinstance(container, dict):
            del container[key]
        case 1 if isinstance(container, dict):
            container["colour"] = "red"
        case _:
            container[key] = copy.deepcopy(chance.choice(_ODD))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)
