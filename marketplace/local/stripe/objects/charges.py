"""Attempts to take money from a card. A charge is made by a payment intent, never directly.

https://docs.stripe.com/api/charges
"""

from __future__ import annotations

from typing import Any

from marketplace.local.stripe import money
from marketplace.local.stripe.cards import Card, Decline
from marketplace.local.stripe.objects.events import emit
from marketplace.local.stripe.objects.payment_methods import card_of
from marketplace.local.stripe.operations import Answer, Call, change_metadata, operation, timer
from marketplace.local.stripe.rendering import included, listed
from marketplace.local.stripe.state import Object, World

_DAY, _HOUR = 86_400, 3_600
#: How long a hold lasts: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method.
HOLD_SECONDS = 7 * _DAY
#: For Visa, where the merchant asks and not the buyer: the same page.
HOLD_SECONDS_VISA_OFF_SESSION = 4 * _DAY + 18 * _HOUR


def authorise(
    world: World,
    intent: Object,
    method: Object,
    *,
    decline: Decline | None,
    off_session: bool,
    authenticated: bool,
    captures: bool,
) -> Object:
    """Ask the bank: a charge that succeeded, that holds the money, or that failed."""
    card = card_of(method)
    failed = decline is not None
    before = None
    if not captures and not failed:
        shorter = off_session and card.brand == "visa"
        before = world.now + (HOLD_SECONDS_VISA_OFF_SESSION if shorter else HOLD_SECONDS)
    charge = world.make(
        "charge",
        amount=intent["amount"],
        amount_captured=0,
        amount_refunded=0,
        billing_details=method["billing_details"],
        calculated_statement_descriptor=None if failed else "LOOKALIKE",
        captured=False,
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        disputed=False,
        failure_code=decline.code if decline else None,
        failure_message=decline.message if decline else None,
        fraud_details={},
        metadata=dict(intent["metadata"]),
        outcome=_outcome(decline),
        paid=not failed,
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details=_details(method, card, intent["amount"], before, authenticated=authenticated),
        receipt_email=intent["receipt_email"],
        refunded=False,
        statement_descriptor=intent["statement_descriptor"],
        statement_descriptor_suffix=intent["statement_descriptor_suffix"],
        status="failed" if failed else "succeeded",
        transfer_group=intent["transfer_group"],
    )
    charge["receipt_url"] = None if failed else f"{world.base}/receipts/{charge['id']}"
    return world.put(charge)


def capture(world: World, charge: Object, amount: int, *, at_once: bool) -> Object:
    """Take held money, all or a part of it; what is left of the hold is let go.

    With ``automatic_async``, the default, the balance transaction comes a moment after the charge:
    https://docs.stripe.com/payments/payment-intents/asynchronous-capture.
    """
    charge |= {"captured": True, "amount_captured": amount}
    world.put(charge)
    if amount < charge["amount"]:
        let_go(world, charge, charge["amount"] - amount)
    if at_once:
        _settle(world, charge)
    else:
        world.later(0, "charge.settle", charge["id"])
    card = card_of(world.get("payment_method", charge["payment_method"]))
    if card.dispute:
        world.later(0, "charge.dispute", charge["id"])
    return charge


def let_go(world: World, charge: Object, amount: int, reason: str | None = None) -> None:
    """Let go of held money. It looks like a refund of what was never taken, and moves no balance.

    https://docs.stripe.com/refunds#cancel-payment says so of a cancelled hold; the rest of a partial capture shows as
    ``amount_refunded`` too: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method.
    """
    world.make(
        "refund",
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        payment_intent=charge["payment_intent"],
        reason=reason,
        status="succeeded",
        destination_details={"type": "card", "card": {"type": "reversal"}},
        _moved=False,
    )
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    world.put(charge)
    emit(world, "charge.refunded", charge)


@timer("charge.settle")
def _settled_later(world: World, name: str) -> None:
    charge = world.get("charge", name)
    _settle(world, charge)
    emit(world, "charge.updated", charge, {"balance_transaction": None})


def _settle(world: World, charge: Object) -> None:
    card = card_of(world.get("payment_method", charge["payment_method"]))
    amount = charge["amount_captured"]
    moved = money.move(
        world,
        "charge",
        amount,
        source=charge["id"],
        currency=charge["currency"],
        fee=money.processing_fee(amount),
        available_on=world.now if card.at_once else world.now + money.PENDING_SECONDS,
        description=charge["description"],
    )
    charge["balance_transaction"] = moved["id"]
    world.put(charge)


def _outcome(decline: Decline | None) -> dict[str, Any]:
    """https://docs.stripe.com/api/charges/object#charge_object-outcome."""
    if decline is None:
        return {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 12,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "advice_code": "try_again_later",
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network",
        "reason": decline.decline_code or decline.code,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


def _details(method: Object, card: Card, amount: int, before: int | None, *, authenticated: bool) -> dict[str, Any]:
    """https://docs.stripe.com/api/charges/object#charge_object-payment_method_details-card."""
    shown = method["card"]
    secure = {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }
    details = {
        "amount_authorized": amount,
        "authorization_code": "123456",
        "brand": card.brand,
        "checks": shown["checks"] | {"cvc_check": "pass"},
        "country": card.country,
        "exp_month": shown["exp_month"],
        "exp_year": shown["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": shown["fingerprint"],
        "funding": shown["funding"],
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card.last4,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": "".join(str(ord(letter) % 10) for letter in method["id"][-15:]),
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": secure if authenticated else None,
        "wallet": None,
    }
    if before is not None:
        details["capture_before"] = before
    return {"type": "card", "card": details}


@operation("GetCharges", "customer payment_intent transfer_group", lists=True)
def list_charges(call: Call) -> Answer:
    """Charges, newest first."""
    where = {name: call.asked[name] for name in ("customer", "payment_intent", "transfer_group") if name in call.asked}
    return call.world.page("charge", call.asked, **where)


@operation("GetChargesCharge")
def retrieve(call: Call) -> Answer:
    """One charge."""
    return call.world.get("charge", call.id)


@operation("PostChargesCharge", "description metadata receipt_email transfer_group")
def update(call: Call) -> Answer:
    """Change what may be changed of a charge."""
    charge = call.world.get("charge", call.id)
    for field in ("description", "receipt_email", "transfer_group"):
        if field in call.asked:
            charge[field] = call.asked[field]
    change_metadata(charge, call.asked)
    call.world.put(charge)
    emit(call.world, "charge.updated", charge, {})
    return charge


@included("charge", "refunds")
def refunds_of(world: World, charge: Object) -> Object:
    """The refunds of a charge, newest first."""
    found = world.page("refund", {"limit": 10}, charge=charge["id"])
    return listed(found.objects, f"/v1/charges/{charge['id']}/refunds", has_more=found.has_more)
