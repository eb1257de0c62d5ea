"""Money given back: never more than was taken. https://docs.stripe.com/refunds."""

from __future__ import annotations

from marketplace.local.stripe import money
from marketplace.local.stripe.errors import StripeError, unexpected_state
from marketplace.local.stripe.objects.events import emit
from marketplace.local.stripe.objects.payment_methods import card_of
from marketplace.local.stripe.objects.transfers import reverse
from marketplace.local.stripe.operations import Answer, Call, change_metadata, check_positive, operation, timer
from marketplace.local.stripe.state import Object, World

#: How long a refund that succeeds or fails later takes here; with a bank it is days.
_LATER_SECONDS = 2


@operation("PostRefunds", "amount charge payment_intent reason metadata reverse_transfer")
def create(call: Call) -> Answer:
    """Give money back: all that is left, or a part. https://docs.stripe.com/api/refunds/create."""
    asked, world = call.asked, call.world
    charge = _charge(world, asked)
    left = charge["amount"] - charge["amount_refunded"]
    amount = asked.get("amount", left)
    _check(world, charge, amount, left)
    card = card_of(world.get("payment_method", charge["payment_method"]))
    refund = world.make(
        "refund",
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        destination_details={
            "type": "card",
            "card": {"type": "refund", "reference_status": "pending", "reference_type": "acquirer_reference_number"},
        },
        metadata=asked.get("metadata") or {},
        payment_intent=charge["payment_intent"],
        reason=asked.get("reason"),
        status="pending" if card.refund == "pending" else "succeeded",
        _moved=True,
    )
    # Stripe keeps its fee of the payment: https://docs.stripe.com/refunds.
    moved = money.move(
        world,
        "refund",
        -amount,
        source=refund["id"],
        currency=charge["currency"],
        available_on=_available(world, charge),
        description=f"REFUND FOR CHARGE ({charge['description'] or charge['id']})",
    )
    refund["balance_transaction"] = moved["id"]
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    if asked.get("reverse_transfer"):
        refund["transfer_reversal"] = _reverse_its_transfer(world, charge, amount)
    world.put(refund)
    world.put(charge)
    if card.refund != "succeeded":
        world.later(_LATER_SECONDS, f"refund.{card.refund}", refund["id"])
    emit(world, "refund.created", refund)
    emit(world, "charge.refunded", charge)
    return refund


@operation("GetRefunds", "charge payment_intent", lists=True)
def list_refunds(call: Call) -> Answer:
    """Refunds, newest first."""
    where = {name: call.asked[name] for name in ("charge", "payment_intent") if name in call.asked}
    return call.world.page("refund", call.asked, **where)


@operation("GetChargesChargeRefunds", lists=True)
def list_of_charge(call: Call) -> Answer:
    """Refunds of one charge."""
    call.world.get("charge", call.id)
    return call.world.page("refund", call.asked, charge=call.id)


@operation("GetRefundsRefund")
def retrieve(call: Call) -> Answer:
    """One refund."""
    return call.world.get("refund", call.id)


@operation("PostRefundsRefund", "metadata")
def update(call: Call) -> Answer:
    """Change a refund's metadata."""
    refund = call.world.get("refund", call.id)
    change_metadata(refund, call.asked)
    call.world.put(refund)
    emit(call.world, "refund.updated", refund, {})
    return refund


@timer("refund.pending")
def _succeeds(world: World, name: str) -> None:
    """https://docs.stripe.com/testing#refunds: it begins as pending, and succeeds some time later."""
    refund = world.get("refund", name)
    refund["status"] = "succeeded"
    world.put(refund)
    for kind in ("refund.updated", "charge.refund.updated"):
        emit(world, kind, refund, {"status": "pending"})


@timer("refund.failed")
def _fails(world: World, name: str) -> None:
    """https://docs.stripe.com/refunds#failed-refunds: the money comes back to the balance."""
    refund = world.get("refund", name)
    charge = world.get("charge", refund["charge"])
    moved = money.move(
        world,
        "refund_failure",
        refund["amount"],
        source=refund["id"],
        currency=refund["currency"],
        available_on=_available(world, charge),
        description=f"REFUND FAILURE ({refund['id']})",
    )
    refund |= {
        "status": "failed",
        "failure_reason": "unknown",
        "failure_balance_transaction": moved["id"],
    }
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    world.put(refund)
    world.put(charge)
    for kind in ("refund.failed", "refund.updated", "charge.refund.updated"):
        emit(world, kind, refund, {"status": "succeeded"})


def _charge(world: World, asked: dict[str, object]) -> Object:
    if ("charge" in asked) == ("payment_intent" in asked):
        raise StripeError(
            "One of the following params should be provided for this request: payment_intent or charge.",
            param="payment_intent",
        )
    if "charge" in asked:
        return world.get("charge", str(asked["charge"]), param="charge")
    intent = world.get("payment_intent", str(asked["payment_intent"]), param="payment_intent")
    if intent["status"] not in ("succeeded", "requires_capture"):
        raise unexpected_state(
            "payment_intent", f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        )
    return world.get("charge", intent["latest_charge"])


def _check(world: World, charge: Object, amount: int, left: int) -> None:
    name, currency = charge["id"], charge["currency"]
    if not charge["paid"] or not charge["captured"]:
        raise StripeError(
            f"This uncaptured Charge was created by a PaymentIntent ({charge['payment_intent']}). You must cancel the "
            "PaymentIntent to reverse the authorization instead of refunding the Charge directly. For more "
            "information, see https://stripe.com/docs/payments/payment-intents/creating-payment-intents#separate-auth-capture",
        )
    if charge["disputed"] and world.all("dispute", charge=name, is_charge_refundable=False):
        raise StripeError(f"Charge {name} has been charged back; cannot issue a refund.", code="charge_disputed")
    if left == 0:
        raise StripeError(f"Charge {name} has already been refunded.", code="charge_already_refunded")
    check_positive(amount)
    if amount > left:
        raise StripeError(
            f"Refund amount ({money.words(amount, currency)}) is greater than unrefunded amount on charge "
            f"({money.words(left, currency)})",
            param="amount",
        )


def _available(world: World, charge: Object) -> int:
    """Money that is given back comes out of where the payment's is: https://docs.stripe.com/refunds."""
    if charge["balance_transaction"] is None:
        return world.now
    return int(world.get("balance_transaction", charge["balance_transaction"])["available_on"])


def _reverse_its_transfer(world: World, charge: Object, amount: int) -> str:
    found = world.all("transfer", source_transaction=charge["id"])
    if not found:
        raise StripeError(f"Charge {charge['id']} has no associated transfer to reverse.", param="reverse_transfer")
    transfer = found[0]
    part = amount * int(transfer["amount"]) // int(charge["amount"])
    return str(reverse(world, transfer, part)["id"])
