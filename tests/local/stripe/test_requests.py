"""How requests are read, refused, repeated and answered, whatever they are about."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import stripe

from tests.local.stripe.conftest import NO_REDIRECT
from tests.stripe_world import StripeWorld

_PRICE = "line_items[0][price_data]"


def _raw(world: StripeWorld, path: str, form: str | None = None, **headers: str) -> tuple[int, dict[str, Any], Any]:
    """What is answered to a request of exactly these bytes."""
    request = urllib.request.Request(world.base + path, form.encode() if form is not None else None)
    for name, value in ({"Authorization": f"Bearer {world.key}"} | headers).items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer), answer.headers
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused), refused.headers


@pytest.mark.parametrize(
    ("wanted", "code", "param"),
    [
        ({"amount": 500}, "parameter_missing", "currency"),
        ({"amount": "many", "currency": "eur"}, "parameter_invalid_integer", "amount"),
        ({"amount": 500, "currency": "eur", "colour": "red"}, "parameter_unknown", "colour"),
        ({"amount": 500, "currency": "eur", "capture_method": "later"}, None, "capture_method"),
        ({"amount": 500, "currency": "eur", "description": ""}, "parameter_invalid_empty", "description"),
        ({"amount": 500, "currency": "eur", "customer": "cus_nobody"}, "resource_missing", "customer"),
        ({"amount": 500, "currency": "eur", "metadata": {"k" * 41: "v"}}, None, None),
        ({"amount": 500, "currency": "eur", "automatic_payment_methods": {}}, None, None),
    ],
)
def test_a_wrong_parameter_is_named_and_changes_nothing(
    anywhere: stripe.StripeClient, wanted: Any, code: str | None, param: str | None
) -> None:
    if wanted.get("automatic_payment_methods") == {}:
        wanted["automatic_payment_methods"] = {"allow_redirects": "never"}  # without "enabled", which is required
        code, param = "parameter_missing", "automatic_payment_methods[enabled]"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        anywhere.v1.payment_intents.create(wanted)
    assert refused.value.http_status == 400
    if code:
        assert refused.value.code == code
    if param:
        assert refused.value.param == param


def test_what_a_path_names_and_is_not_there_is_a_404(anywhere: stripe.StripeClient) -> None:
    for retrieve in (
        anywhere.v1.payment_intents.retrieve,
        anywhere.v1.customers.retrieve,
        anywhere.v1.refunds.retrieve,
        anywhere.v1.checkout.sessions.retrieve,
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            retrieve("pi_nobody")
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_a_parameter_that_only_the_stand_in_does_not_know_is_refused_not_ignored(world: StripeWorld) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="stand-in for Stripe, which does not know"):
        world.client.v1.payment_intents.create(
            {"amount": 500, "currency": "eur", "on_behalf_of": "acct_1", "application_fee_amount": 5}
        )
    with pytest.raises(stripe.InvalidRequestError, match="does not know the operation"):
        world.client.v1.subscriptions.list()
    status, body, _ = _raw(world, "/v1/no_such_things")
    assert (status, body["error"]["type"]) == (404, "invalid_request_error")
    assert "Unrecognized request URL (GET: /v1/no_such_things)" in body["error"]["message"]


def test_no_key_and_a_strange_key_are_refused(world: StripeWorld) -> None:
    for key in ("", "Bearer pk_test_1", "Bearer sk_live_1", "Basic !!!"):
        status, body, _ = _raw(world, "/v1/balance", Authorization=key)
        assert (status, body["error"]["type"]) == (401, "invalid_request_error")
    assert _raw(world, "/v1/balance", Authorization="Basic c2tfdGVzdF8xOg==")[0] == 200


def test_nobody_sees_the_objects_of_another_key(world: StripeWorld) -> None:
    customer = world.client.v1.customers.create({"email": "mine@example.org"})
    stranger = StripeWorld(world.base, f"sk_test_{uuid4().hex}")
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        stranger.client.v1.customers.retrieve(customer.id)
    assert stranger.client.v1.customers.list().data == []


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("amount=500&currency=eur&amount[x]=1", "amount[x]"),
        ("amount=500&currency=eur&metadata=x", "metadata"),
        ("amount=500&currency=eur&expand[a]=x", "expand"),
        ("amount=5.5&currency=eur", "amount"),
        ("amount=500&currency=eur&confirm=yes", "confirm"),
        ("[amount]=500&currency=eur", "[amount]"),
        ("amount[]=500&currency=eur", "amount"),
    ],
)
def test_a_malformed_form_is_refused_and_changes_nothing(world: StripeWorld, form: str, message: str) -> None:
    status, body, _ = _raw(world, "/v1/payment_intents", form)
    assert (status, body["error"]["param"]) == (400, message)
    assert world.client.v1.payment_intents.list().data == []


def test_lists_may_be_written_with_and_without_numbers(world: StripeWorld) -> None:
    for key in ("[]", "[0]", "[7]"):
        form = urllib.parse.urlencode(
            {"url": "https://x.example/", f"enabled_events{key}": "charge.failed", "metadata[a]": "1"}
        )
        status, body, _ = _raw(world, "/v1/webhook_endpoints", form)
        assert (status, body["enabled_events"], body["metadata"]) == (200, ["charge.failed"], {"a": "1"})


def test_metadata_is_merged_and_an_empty_value_unsets_its_key(anywhere: stripe.StripeClient) -> None:
    customer = anywhere.v1.customers.create({"metadata": {"a": "1", "b": "2"}})
    changed = anywhere.v1.customers.update(customer.id, {"metadata": {"a": "", "c": "3"}})
    assert changed.metadata is not None and changed.metadata.to_dict() == {"b": "2", "c": "3"}
    emptied = anywhere.v1.customers.update(customer.id, {"metadata": ""})
    assert emptied.metadata is not None and emptied.metadata.to_dict() == {}


def test_the_same_key_and_body_answer_once_and_are_replayed(anywhere: stripe.StripeClient) -> None:
    options: Any = {"idempotency_key": uuid4().hex}
    wanted: Any = {"amount": 700, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True, **NO_REDIRECT}
    first = anywhere.v1.payment_intents.create(wanted, options=options)
    again = anywhere.v1.payment_intents.create(wanted, options=options)
    assert again.id == first.id
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        anywhere.v1.payment_intents.create(wanted | {"amount": 701}, options=options)


def test_a_refusal_is_replayed_too(anywhere: stripe.StripeClient) -> None:
    options: Any = {"idempotency_key": uuid4().hex}
    wanted: Any = {
        "amount": 700,
        "currency": "eur",
        "payment_method": "pm_card_visa_chargeDeclined",
        "confirm": True,
        **NO_REDIRECT,
    }
    seen = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as refused:
            anywhere.v1.payment_intents.create(wanted, options=options)
        assert refused.value.error is not None
        seen.append(refused.value.error.payment_intent.id)
    assert seen[0] == seen[1]


def test_a_key_that_was_refused_for_its_parameters_may_be_used_again(world: StripeWorld) -> None:
    options: Any = {"idempotency_key": uuid4().hex}
    with pytest.raises(stripe.InvalidRequestError):
        world.client.v1.customers.create({"colour": "red"}, options=options)  # type: ignore[typeddict-unknown-key]
    assert world.client.v1.customers.create({"name": "red"}, options=options).name == "red"


def test_a_key_is_forgotten_after_a_day_and_what_it_asks_for_is_done_again(world: StripeWorld) -> None:
    options: Any = {"idempotency_key": uuid4().hex}
    first = world.client.v1.customers.create({"name": "N"}, options=options)
    world.clock_forward(timedelta(hours=23))
    assert world.client.v1.customers.create({"name": "N"}, options=options).id == first.id
    world.clock_forward(timedelta(hours=2))
    assert world.client.v1.customers.create({"name": "N"}, options=options).id != first.id


def test_keys_of_one_world_mean_nothing_in_another(world: StripeWorld) -> None:
    options: Any = {"idempotency_key": "the-same"}
    stranger = StripeWorld(world.base, f"sk_test_{uuid4().hex}")
    ours = world.client.v1.customers.create({"name": "ours"}, options=options)
    theirs = stranger.client.v1.customers.create({"name": "theirs"}, options=options)
    assert ours.id != theirs.id


def test_pages_follow_each_other_newest_first_and_end(anywhere: stripe.StripeClient) -> None:
    email = f"{uuid4().hex}@example.org"
    made = [anywhere.v1.customers.create({"email": email}).id for _ in range(5)]
    page = anywhere.v1.customers.list({"email": email, "limit": 2})
    assert ([one.id for one in page.data], page.has_more) == ([made[4], made[3]], True)
    page = anywhere.v1.customers.list({"email": email, "limit": 3, "starting_after": made[3]})
    assert ([one.id for one in page.data], page.has_more) == ([made[2], made[1], made[0]], False)
    page = anywhere.v1.customers.list({"email": email, "limit": 2, "ending_before": made[1]})
    assert ([one.id for one in page.data], page.has_more) == ([made[3], made[2]], True)
    assert [one.id for one in anywhere.v1.customers.list({"email": email, "limit": 1}).auto_paging_iter()] == made[::-1]


def test_fields_are_expanded_where_asked_and_nowhere_else(anywhere: stripe.StripeClient) -> None:
    wanted: Any = {"amount": 700, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True, **NO_REDIRECT}
    paid = anywhere.v1.payment_intents.create(wanted)
    assert isinstance(paid.latest_charge, str)
    deep = anywhere.v1.payment_intents.retrieve(
        paid.id, {"expand": ["latest_charge.balance_transaction", "payment_method"]}
    )
    assert isinstance(deep.payment_method, stripe.PaymentMethod)
    assert isinstance(deep.latest_charge, stripe.Charge)
    assert isinstance(deep.latest_charge.balance_transaction, stripe.BalanceTransaction)
    listed = anywhere.v1.payment_intents.list({"limit": 1, "expand": ["data.latest_charge"]}).data[0]
    assert isinstance(listed.latest_charge, stripe.Charge)
    for wrong in ("amount", "no_such_field", "latest_charge.amount", "a.b.c.d.e"):
        with pytest.raises(stripe.InvalidRequestError):
            anywhere.v1.payment_intents.retrieve(paid.id, {"expand": [wrong]})


def test_lists_are_narrowed_by_when_things_were_made(world: StripeWorld) -> None:
    made = world.client.v1.customers.create()
    for created, found in (({"gte": made.created}, 1), ({"gt": made.created}, 0), (made.created, 1), ({"lt": 5}, 0)):
        assert len(world.client.v1.customers.list({"created": created}).data) == found  # type: ignore[typeddict-item]
