"""Setup intents: a card is checked and kept, and nothing is taken. https://docs.stripe.com/api/setup_intents."""

from __future__ import annotations

from typing import Any

from marketplace.local.stripe.cards import GENERIC
from marketplace.local.stripe.errors import card_error, unexpected_state
from marketplace.local.stripe.objects.events import emit
from marketplace.local.stripe.objects.payment_methods import attach, card_of, resolve
from marketplace.local.stripe.operations import Answer, Call, change_metadata, operation
from marketplace.local.stripe.rendering import public
from marketplace.local.stripe.state import Object, World, random_text

_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def new(world: World, **fields: Any) -> Object:
    """A setup intent that nothing has been tried for yet."""
    made = {
        "automatic_payment_methods": None,
        "flow_directions": None,
        "payment_method_options": {
            "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
        "usage": "off_session",
    }
    intent = world.make("setup_intent", **(made | fields))
    intent["client_secret"] = f"{intent['id']}_secret_{random_text(24)}"
    world.put(intent)
    emit(world, "setup_intent.created", intent)
    return intent


def confirm(
    world: World, intent: Object, method: Object, *, return_url: str | None = None, authenticated: bool = False
) -> Object:
    """Check a card and keep it. Raises StripeError when it is declined.

    Which cards want the person: https://docs.stripe.com/testing#regulatory-cards.
    """
    card = card_of(method)
    intent |= {"payment_method": method["id"], "next_action": None, "last_setup_error": None}
    if card.asks != "never" and not card.set_up and not authenticated:
        intent |= {"status": "requires_action", "_return_url": return_url}
        url = f"{world.base}/authenticate/{intent['id']}"
        intent["next_action"] = (
            {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}
            if return_url
            else {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
        )
        world.put(intent)
        emit(world, "setup_intent.requires_action", intent)
        return intent
    if not card.attaches:
        decline = card.decline or GENERIC
        problem = {"type": "card_error", "code": decline.code, "message": decline.message}
        if decline.decline_code:
            problem["decline_code"] = decline.decline_code
        _fail(world, intent, problem | {"payment_method": public(method)})
        raise card_error(
            decline.message,
            code=decline.code,
            decline_code=decline.decline_code,
            setup_intent=public(intent),
            payment_method=public(method),
        )
    if intent["customer"]:
        method = attach(world, method["id"], intent["customer"])
    world.put(method | {"_set_up": True})
    intent["status"] = "succeeded"
    world.put(intent)
    emit(world, "setup_intent.succeeded", intent)
    return intent


def authenticated(world: World, intent: Object, *, confirmed: bool) -> Object:
    """The person answered the bank's question, yes or no. Raises StripeError when it is declined all the same."""
    method = world.get("payment_method", intent["payment_method"])
    if confirmed:
        return confirm(world, intent, method, authenticated=True)
    problem = {
        "type": "invalid_request_error",
        "code": "setup_intent_authentication_failure",
        "message": "The latest attempt to set up the payment method has failed because authentication failed.",
        "payment_method": public(method),
    }
    return _fail(world, intent, problem)


def _fail(world: World, intent: Object, problem: dict[str, Any]) -> Object:
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    intent["last_setup_error"] = problem
    world.put(intent)
    emit(world, "setup_intent.setup_failed", intent)
    return intent


def cancel(world: World, intent: Object, reason: str | None) -> Object:
    """Give up. https://docs.stripe.com/api/setup_intents/cancel."""
    if intent["status"] not in _OPEN:
        raise unexpected_state(
            "setup_intent",
            f"You cannot cancel this SetupIntent because it has a status of {intent['status']}. Only a SetupIntent "
            f"with one of the following statuses may be canceled: {', '.join(_OPEN)}.",
            setup_intent=public(intent),
        )
    intent |= {"status": "canceled", "cancellation_reason": reason, "next_action": None}
    world.put(intent)
    emit(world, "setup_intent.canceled", intent)
    return intent


@operation(
    "PostSetupIntents",
    "automatic_payment_methods confirm customer description metadata payment_method return_url usage",
)
def create(call: Call) -> Answer:
    """A new setup intent, confirmed at once if asked."""
    asked, world = call.asked, call.world
    if "customer" in asked:
        world.get("customer", asked["customer"], param="customer")
    method = resolve(world, asked["payment_method"]) if "payment_method" in asked else None
    automatic = asked.get("automatic_payment_methods") or {"enabled": True}
    intent = new(
        world,
        automatic_payment_methods={"allow_redirects": "always"} | automatic if automatic["enabled"] else None,
        customer=asked.get("customer"),
        description=asked.get("description"),
        metadata=asked.get("metadata") or {},
        payment_method=method["id"] if method else None,
        status="requires_confirmation" if method else "requires_payment_method",
        usage=asked.get("usage", "off_session"),
    )
    return _confirmed(call, intent, method) if asked.get("confirm") else intent


@operation("PostSetupIntentsIntentConfirm", "payment_method return_url")
def confirm_intent(call: Call) -> Answer:
    """Check the card and keep it."""
    intent = call.world.get("setup_intent", call.id, param="intent")
    if intent["status"] not in _OPEN:
        raise unexpected_state(
            "setup_intent",
            f"You cannot confirm this SetupIntent because it has a status of {intent['status']}.",
            setup_intent=public(intent),
        )
    named = call.asked.get("payment_method") or intent["payment_method"]
    return _confirmed(call, intent, resolve(call.world, named) if named else None)


@operation("PostSetupIntentsIntent", "customer description metadata payment_method")
def update(call: Call) -> Answer:
    """Change a setup intent."""
    intent = call.world.get("setup_intent", call.id)
    for field in ("customer", "description"):
        if field in call.asked:
            intent[field] = call.asked[field] or None
    if "payment_method" in call.asked:
        intent["payment_method"] = resolve(call.world, call.asked["payment_method"])["id"]
        intent["status"] = "requires_confirmation"
    change_metadata(intent, call.asked)
    return call.world.put(intent)


@operation("PostSetupIntentsIntentCancel", "cancellation_reason")
def cancel_intent(call: Call) -> Answer:
    """Give up."""
    return cancel(call.world, call.world.get("setup_intent", call.id), call.asked.get("cancellation_reason"))


@operation("GetSetupIntents", "customer payment_method", lists=True)
def list_intents(call: Call) -> Answer:
    """Setup intents, newest first."""
    where = {name: call.asked[name] for name in ("customer", "payment_method") if name in call.asked}
    return call.world.page("setup_intent", call.asked, **where)


@operation("GetSetupIntentsIntent", "client_secret")
def retrieve(call: Call) -> Answer:
    """One setup intent."""
    return call.world.get("setup_intent", call.id)


def _confirmed(call: Call, intent: Object, method: Object | None) -> Object:
    if method is None:
        raise unexpected_state(
            "setup_intent",
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a "
            "payment method and then confirm it again.",
            setup_intent=public(intent),
        )
    return confirm(call.world, intent, method, return_url=call.asked.get("return_url"))
