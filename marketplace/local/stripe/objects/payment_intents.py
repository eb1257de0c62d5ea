"""Payment intents: one purchase through all its attempts. https://docs.stripe.com/payments/paymentintents/lifecycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marketplace.local.stripe import money
from marketplace.local.stripe.cards import AUTHENTICATION_REQUIRED, Decline
from marketplace.local.stripe.errors import StripeError, card_error, unexpected_state
from marketplace.local.stripe.objects import charges, taxes
from marketplace.local.stripe.objects.events import emit
from marketplace.local.stripe.objects.payment_methods import attach, card_of, resolve
from marketplace.local.stripe.operations import Answer, Call, change_metadata, operation, timer
from marketplace.local.stripe.rendering import public
from marketplace.local.stripe.state import Object, World, random_text

_DESCRIBED = "description receipt_email statement_descriptor statement_descriptor_suffix transfer_group"
_CONFIRMED = "off_session return_url error_on_requires_action"
_CANCELLABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action", "processing")
_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


@dataclass(frozen=True)
class Confirmation:
    """How a payment is attempted: without the person there, and where to lead them back to."""

    off_session: bool = False
    return_url: str | None = None
    error_on_action: bool = False
    authenticated: bool = False


def new(world: World, *, amount: int, currency: str, capture_method: str, **fields: Any) -> Object:
    """A payment intent that nothing has been tried for yet."""
    _check_amount(amount, currency)
    intent = world.make(
        "payment_intent",
        amount=amount,
        amount_capturable=0,
        amount_details={"tip": {}},
        amount_received=0,
        capture_method=capture_method,
        confirmation_method="automatic",
        currency=currency,
        payment_method_options={"card": {"installments": None, "network": None, "request_three_d_secure": "automatic"}},
        payment_method_types=["card"],
        status="requires_payment_method",
        **fields,
    )
    intent["client_secret"] = f"{intent['id']}_secret_{random_text(24)}"
    world.put(intent)
    emit(world, "payment_intent.created", intent)
    return intent


def confirm(world: World, intent: Object, method: Object, how: Confirmation) -> Object:
    """Try to pay. Raises StripeError when the bank declines; the attempt stays on record.

    Who must authenticate when: https://docs.stripe.com/testing#regulatory-cards; what an off-session refusal looks
    like: https://docs.stripe.com/payments/save-and-reuse#charge-saved-payment-method.
    """
    card = card_of(method)
    intent |= {"payment_method": method["id"], "next_action": None, "last_payment_error": None}
    known = bool(method["_set_up"]) and card.asks == "unless_set_up"
    asks = card.asks != "never" and not how.authenticated and not (how.off_session and known)
    if asks and how.off_session:
        return _declined(world, intent, method, AUTHENTICATION_REQUIRED, how)
    if asks:
        return _ask(world, intent, how)
    if card.decline:
        return _declined(world, intent, method, card.decline, how)
    return _succeeded(world, intent, method, how)


def _succeeded(world: World, intent: Object, method: Object, how: Confirmation) -> Object:
    captures = intent["capture_method"] != "manual"
    charge = charges.authorise(
        world,
        intent,
        method,
        decline=None,
        off_session=how.off_session,
        authenticated=how.authenticated,
        captures=captures,
    )
    intent["latest_charge"] = charge["id"]
    if intent["setup_future_usage"] and intent["customer"]:
        _remember(world, intent, method)
    if captures:
        charges.capture(world, charge, charge["amount"], at_once=intent["capture_method"] == "automatic")
        intent |= {"status": "succeeded", "amount_received": charge["amount"]}
        world.put(intent)
        emit(world, "charge.succeeded", charge)
        emit(world, "payment_intent.succeeded", intent)
        return intent
    intent |= {"status": "requires_capture", "amount_capturable": charge["amount"]}
    world.put(intent)
    before = charge["payment_method_details"]["card"]["capture_before"]
    world.later(before - world.now, "payment_intent.hold_ends", intent["id"])
    emit(world, "charge.succeeded", charge)
    emit(world, "payment_intent.amount_capturable_updated", intent)
    return intent


def _remember(world: World, intent: Object, method: Object) -> None:
    if method["customer"] is None:
        method = attach(world, method["id"], intent["customer"])
    if intent["setup_future_usage"] == "off_session":
        world.put(method | {"_set_up": True})


def _ask(world: World, intent: Object, how: Confirmation) -> Object:
    """The bank wants to see the person: https://docs.stripe.com/payments/3d-secure/authentication-flow."""
    if how.error_on_action:
        intent["status"] = "requires_payment_method"
        world.put(intent)
        raise card_error(
            "This payment required an authentication action to complete, but `error_on_requires_action` was set. When "
            "you're ready, you can upgrade your integration to handle actions at https://stripe.com/docs/payments.",
            code="authentication_required",
            payment_intent=public(intent),
        )
    intent["status"] = "requires_action"
    intent["_return_url"] = how.return_url
    if how.return_url:
        url = f"{world.base}/authenticate/{intent['id']}"
        intent["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": how.return_url, "url": url},
        }
    else:
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    world.put(intent)
    emit(world, "payment_intent.requires_action", intent)
    return intent


def _declined(world: World, intent: Object, method: Object, decline: Decline, how: Confirmation) -> Object:
    charge = charges.authorise(
        world,
        intent,
        method,
        decline=decline,
        off_session=how.off_session,
        authenticated=how.authenticated,
        captures=True,
    )
    problem = {
        "type": "card_error",
        "code": decline.code,
        "message": decline.message,
        "charge": charge["id"],
        "payment_method": public(method),
        "doc_url": f"https://docs.stripe.com/error-codes#{decline.code.replace('_', '-')}",
    }
    if decline.decline_code:
        problem["decline_code"] = decline.decline_code
    _failed(world, intent, problem, charge)
    raise card_error(
        decline.message,
        code=decline.code,
        decline_code=decline.decline_code,
        charge=charge["id"],
        payment_intent=public(intent),
        payment_method=public(method),
    )


def _failed(world: World, intent: Object, problem: dict[str, Any], charge: Object | None) -> None:
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    intent["last_payment_error"] = problem
    if charge is not None:
        intent["latest_charge"] = charge["id"]
    world.put(intent)
    if charge is not None:
        emit(world, "charge.failed", charge)
    emit(world, "payment_intent.payment_failed", intent)


def authenticated(world: World, intent: Object, *, confirmed: bool) -> Object:
    """The person answered the bank's question, yes or no. Raises StripeError when it is declined all the same."""
    method = world.get("payment_method", intent["payment_method"])
    if confirmed:
        return confirm(world, intent, method, Confirmation(authenticated=True, return_url=intent.get("_return_url")))
    problem = {
        "type": "invalid_request_error",
        "code": "payment_intent_authentication_failure",
        "message": "We are unable to authenticate your payment method. Please choose a different payment method and "
        "try again.",
        "payment_method": public(method),
        "doc_url": "https://docs.stripe.com/error-codes#payment-intent-authentication-failure",
    }
    _failed(world, intent, problem, None)
    return intent


def cancel(world: World, intent: Object, reason: str | None) -> Object:
    """Give up a payment; held money is let go. https://docs.stripe.com/api/payment_intents/cancel."""
    if intent["status"] not in _CANCELLABLE:
        raise unexpected_state(
            "payment_intent",
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent "
            f"with one of the following statuses may be canceled: {', '.join(_CANCELLABLE)}.",
            payment_intent=public(intent),
        )
    held = intent["status"] == "requires_capture"
    intent |= {"status": "canceled", "canceled_at": world.now, "cancellation_reason": reason}
    intent |= {"amount_capturable": 0, "next_action": None}
    world.put(intent)
    if held:
        charge = world.get("charge", intent["latest_charge"])
        expired = reason == "automatic"
        charges.let_go(world, charge, charge["amount"], "expired_uncaptured_charge" if expired else None)
        if expired:
            emit(world, "charge.expired", charge)
    emit(world, "payment_intent.canceled", intent)
    return intent


@timer("payment_intent.hold_ends")
def _hold_ends(world: World, name: str) -> None:
    """https://docs.stripe.com/payments/place-a-hold-on-a-payment-method: an expired hold cancels its intent."""
    intent = world.get("payment_intent", name)
    if intent["status"] == "requires_capture":
        cancel(world, intent, "automatic")


@operation(
    "PostPaymentIntents",
    f"amount currency {_DESCRIBED} {_CONFIRMED} automatic_payment_methods capture_method confirm confirmation_method "
    "customer hooks metadata payment_method setup_future_usage",
)
def create(call: Call) -> Answer:
    """A new payment intent, confirmed at once if asked."""
    asked, world = call.asked, call.world
    if "customer" in asked:
        world.get("customer", asked["customer"], param="customer")
    if asked.get("off_session") and not asked.get("confirm"):
        raise StripeError("You can only set `off_session` when `confirm` is true.", param="off_session")
    method = _method(world, asked["payment_method"], asked.get("customer")) if "payment_method" in asked else None
    automatic = asked.get("automatic_payment_methods") or {"enabled": True}
    intent = new(
        world,
        amount=asked["amount"],
        currency=asked["currency"].lower(),
        capture_method=asked.get("capture_method", "automatic_async"),
        automatic_payment_methods={"allow_redirects": "always"} | automatic if automatic["enabled"] else None,
        customer=asked.get("customer"),
        metadata=asked.get("metadata") or {},
        **({"hooks": linked} if (linked := taxes.hooks(world, asked)) else {}),
        payment_method=method["id"] if method else None,
        setup_future_usage=asked.get("setup_future_usage"),
        **{field: asked.get(field) for field in _DESCRIBED.split()},
    )
    if method:
        world.put(intent | {"status": "requires_confirmation"})
        intent["status"] = "requires_confirmation"
    return _confirmed(call, intent, method) if asked.get("confirm") else intent


@operation(
    "PostPaymentIntentsIntent", f"amount currency customer {_DESCRIBED} metadata payment_method setup_future_usage"
)
def update(call: Call) -> Answer:
    """Change a payment intent that is not confirmed yet; words about it can always be changed."""
    intent, asked = call.world.get("payment_intent", call.id), call.asked
    fixed = [name for name in ("amount", "currency", "customer", "payment_method") if name in asked]
    if fixed and intent["status"] not in _CONFIRMABLE:
        raise unexpected_state(
            "payment_intent",
            f"This PaymentIntent's {fixed[0]} could not be updated because it has a status of {intent['status']}. You "
            "may only update it before it is confirmed.",
            payment_intent=public(intent),
        )
    if "amount" in asked:
        _check_amount(asked["amount"], asked.get("currency") or intent["currency"])
    for field in ("amount", "currency", "customer", "setup_future_usage", *_DESCRIBED.split()):
        if field in asked:
            intent[field] = asked[field] or None
    if "payment_method" in asked:
        method = _method(call.world, asked["payment_method"], intent["customer"])
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    change_metadata(intent, asked)
    return call.world.put(intent)


@operation("PostPaymentIntentsIntentConfirm", f"payment_method {_CONFIRMED} setup_future_usage receipt_email")
def confirm_intent(call: Call) -> Answer:
    """Try to pay."""
    intent = call.world.get("payment_intent", call.id, param="intent")
    if intent["status"] not in _CONFIRMABLE:
        done = " after being previously confirmed" if intent["status"] == "succeeded" else ""
        raise unexpected_state(
            "payment_intent",
            "You cannot confirm this PaymentIntent because it has already succeeded" + done + "."
            if intent["status"] == "succeeded"
            else f"This PaymentIntent's state is {intent['status']}, so it cannot be confirmed.",
            payment_intent=public(intent),
        )
    for field in ("setup_future_usage", "receipt_email"):
        if field in call.asked:
            intent[field] = call.asked[field] or None
    named = call.asked.get("payment_method") or intent["payment_method"]
    return _confirmed(call, intent, _method(call.world, named, intent["customer"]) if named else None)


@operation("PostPaymentIntentsIntentCapture", "amount_to_capture metadata statement_descriptor final_capture")
def capture(call: Call) -> Answer:
    """Take what is held, once: https://docs.stripe.com/api/payment_intents/capture."""
    world, intent = call.world, call.world.get("payment_intent", call.id)
    if intent["status"] != "requires_capture":
        raise unexpected_state(
            "payment_intent",
            f"This PaymentIntent could not be captured because it has a status of {intent['status']}. Only a "
            "PaymentIntent with one of the following statuses may be captured: requires_capture.",
            payment_intent=public(intent),
        )
    capturable = int(intent["amount_capturable"])
    amount = int(call.asked.get("amount_to_capture", capturable))
    if not 0 < amount <= capturable:
        raise StripeError(
            f"The provided capture amount, {amount}, must be positive and at most the amount that is capturable, "
            f"{capturable}.",
            code="amount_too_large" if amount > 0 else "parameter_invalid_integer",
            param="amount_to_capture",
        )
    change_metadata(intent, call.asked)
    charge = world.get("charge", intent["latest_charge"])
    charges.capture(world, charge, amount, at_once=True)
    intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
    world.put(intent)
    for session in world.all("checkout.session", payment_intent=intent["id"]):
        world.put(session | {"payment_status": "paid"})
    emit(world, "charge.captured", charge)
    emit(world, "payment_intent.succeeded", intent)
    return intent


@operation("PostPaymentIntentsIntentCancel", "cancellation_reason")
def cancel_intent(call: Call) -> Answer:
    """Give up a payment."""
    intent = call.world.get("payment_intent", call.id, param="intent")
    return cancel(call.world, intent, call.asked.get("cancellation_reason"))


@operation("GetPaymentIntents", "customer", lists=True)
def list_intents(call: Call) -> Answer:
    """Payment intents, newest first."""
    where = {"customer": call.asked["customer"]} if "customer" in call.asked else {}
    return call.world.page("payment_intent", call.asked, **where)


@operation("GetPaymentIntentsIntent", "client_secret")
def retrieve(call: Call) -> Answer:
    """One payment intent."""
    return call.world.get("payment_intent", call.id)


def _confirmed(call: Call, intent: Object, method: Object | None) -> Object:
    asked = call.asked
    if method is None:
        raise unexpected_state(
            "payment_intent",
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method or ConfirmationToken.",
            payment_intent=public(intent),
        )
    automatic = intent["automatic_payment_methods"]
    redirects = bool(automatic) and automatic["allow_redirects"] != "never"
    off_session = asked.get("off_session") not in (None, False)
    if redirects and not off_session and "return_url" not in asked:
        raise StripeError(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
            "these payment methods might redirect your customer off of your page, you must provide a `return_url`. If "
            "you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to "
            "`true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and "
            "Payment Intents.",
            param="return_url",
        )
    how = Confirmation(
        off_session=off_session,
        return_url=asked.get("return_url"),
        error_on_action=bool(asked.get("error_on_requires_action")),
    )
    return confirm(call.world, intent, method, how)


def _method(world: World, name: str, customer: str | None) -> Object:
    """https://docs.stripe.com/api/payment_intents/create: what belongs to a customer is used with that customer."""
    method = resolve(world, name)
    if method.get("_detached"):
        raise StripeError(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared "
            "with a connected account without Customer attachment, or was detached from a Customer. It may not be used "
            "again. To use a PaymentMethod multiple times, you must attach it to a Customer first.",
            code="payment_method_unexpected_state",
        )
    if method["customer"] is not None and method["customer"] != customer:
        raise StripeError(
            f"The PaymentMethod {method['id']} belongs to the Customer {method['customer']}. Please include the "
            "Customer in the `customer` parameter on the PaymentIntent.",
            param="payment_method",
        )
    return method


def _check_amount(amount: int, currency: str) -> None:
    if amount < money.SMALLEST:
        raise StripeError(
            f"Amount must be at least {money.words(money.SMALLEST, currency)}",
            code="amount_too_small",
            param="amount",
        )
    if amount > money.LARGEST:
        raise StripeError(
            f"Amount must be no more than {money.words(money.LARGEST, currency)}",
            code="amount_too_large",
            param="amount",
        )
