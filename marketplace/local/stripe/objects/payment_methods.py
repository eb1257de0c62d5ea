"""What people pay with: cards, and of those the published test cards. https://docs.stripe.com/api/payment_methods."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from marketplace.local.stripe.cards import GENERIC, Card, by_number, by_token
from marketplace.local.stripe.errors import StripeError, card_error, missing, unsupported
from marketplace.local.stripe.objects.events import emit
from marketplace.local.stripe.operations import Answer, Call, change_metadata, need, only, operation
from marketplace.local.stripe.state import Object, World

_EXPIRY = (12, 2034)
_NO_ADDRESS: dict[str, Any] = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


def new(
    world: World, card: Card, *, billing: dict[str, Any] | None = None, expiry: tuple[int, int] = _EXPIRY
) -> Object:
    """A payment method of a test card."""
    given = billing or {}
    details = {name: given.get(name) or None for name in ("email", "name", "phone", "tax_id")}
    fingerprint = sha256(card.number.encode()).hexdigest()[:16]
    return world.make(
        "payment_method",
        type="card",
        billing_details=details | {"address": _NO_ADDRESS | (given.get("address") or {})},
        allow_redisplay="unspecified",
        card={
            "brand": card.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "unchecked",
            },
            "country": card.country,
            "display_brand": card.brand,
            "exp_month": expiry[0],
            "exp_year": expiry[1],
            "fingerprint": fingerprint,
            "funding": "credit",
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": card.asks != "never"},
            "wallet": None,
        },
        _number=card.number,
        _set_up=card.set_up,
    )


def card_of(method: Object) -> Card:
    """The test card behind a payment method."""
    card = by_number(method["_number"])
    if card is None:
        raise unsupported("this card")
    return card


def resolve(world: World, name: str, *, param: str = "payment_method") -> Object:
    """The payment method of this id; each use of a ready ``pm_card_…`` makes a new one.

    https://docs.stripe.com/testing#cards
    """
    card = by_token(name)
    return new(world, card) if card else world.get("payment_method", name, param=param)


def attach(world: World, name: str, customer: str) -> Object:
    """Keep a payment method for a customer. A card that is always declined cannot be kept.

    https://docs.stripe.com/api/payment_methods/attach, https://docs.stripe.com/testing#declined-payments
    """
    method = resolve(world, name)
    world.get("customer", customer, param="customer")
    if method["customer"] not in (None, customer):
        raise StripeError(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        )
    card = card_of(method)
    if not card.attaches:
        decline = card.decline or GENERIC
        raise card_error(decline.message, code=decline.code, decline_code=decline.decline_code, param="")
    method["customer"] = customer
    world.put(method)
    emit(world, "payment_method.attached", method)
    return method


@operation("PostPaymentMethods", "type card billing_details metadata allow_redisplay")
def create(call: Call) -> Answer:
    """A payment method from a test card's number or token."""
    kind = need(call.asked, "type")
    if kind != "card":
        raise unsupported(f"payment methods of type {kind}", param="type")
    card, expiry = _card(call.asked.get("card") or {})
    method = new(call.world, card, billing=call.asked.get("billing_details"), expiry=expiry)
    change_metadata(method, call.asked)
    if "allow_redisplay" in call.asked:
        method["allow_redisplay"] = call.asked["allow_redisplay"]
    return call.world.put(method)


def _card(given: dict[str, Any]) -> tuple[Card, tuple[int, int]]:
    """The test card that is meant, and when it expires."""
    only(given, "number exp_month exp_year cvc token networks", "card")
    if "token" in given:
        card = by_token(given["token"])
        if card is None:
            raise missing("token", given["token"], param="card[token]")
        return card, _EXPIRY
    for name in ("number", "exp_month", "exp_year"):
        if name not in given:
            raise StripeError(f"Missing required param: card[{name}].", code="parameter_missing", param=f"card[{name}]")
    card = by_number(given["number"])
    if card is None:
        raise StripeError(
            "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid test "
            "cards, visit: https://stripe.com/docs/testing.",
            status=402,
            kind="card_error",
            code="card_declined",
            decline_code="test_mode_live_card",
        )
    return card, (given["exp_month"], given["exp_year"])


@operation("GetPaymentMethods", "customer type allow_redisplay", lists=True)
def list_methods(call: Call) -> Answer:
    """Payment methods, newest first."""
    where = {"customer": call.asked["customer"]} if "customer" in call.asked else {}
    return call.world.page("payment_method", call.asked, **where)


@operation("GetPaymentMethodsPaymentMethod")
def retrieve(call: Call) -> Answer:
    """One payment method."""
    return resolve(call.world, call.id) if by_token(call.id) else call.world.get("payment_method", call.id)


@operation("PostPaymentMethodsPaymentMethod", "billing_details metadata allow_redisplay")
def update(call: Call) -> Answer:
    """Change what is known about a payment method."""
    method = call.world.get("payment_method", call.id)
    if billing := call.asked.get("billing_details"):
        method["billing_details"] |= {name: value or None for name, value in billing.items()}
    if "allow_redisplay" in call.asked:
        method["allow_redisplay"] = call.asked["allow_redisplay"]
    change_metadata(method, call.asked)
    return call.world.put(method)


@operation("PostPaymentMethodsPaymentMethodAttach", "customer")
def attach_to_customer(call: Call) -> Answer:
    """Keep it for a customer."""
    return attach(call.world, call.id, need(call.asked, "customer"))


@operation("PostPaymentMethodsPaymentMethodDetach")
def detach(call: Call) -> Answer:
    """Let go of it; it can be used no more."""
    method = call.world.get("payment_method", call.id)
    if method["customer"] is None:
        raise StripeError(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            code="payment_method_unexpected_state",
        )
    before = method["customer"]
    method |= {"customer": None, "_detached": True}
    call.world.put(method)
    emit(call.world, "payment_method.detached", method, {"customer": before})
    return method
