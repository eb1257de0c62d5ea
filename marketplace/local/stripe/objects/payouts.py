"""Money that leaves for the platform's bank. https://docs.stripe.com/api/payouts."""

from __future__ import annotations

from marketplace.local.stripe import money
from marketplace.local.stripe.errors import StripeError, unexpected_state
from marketplace.local.stripe.objects.events import emit
from marketplace.local.stripe.operations import Answer, Call, change_metadata, check_positive, operation, timer
from marketplace.local.stripe.state import World

_ON_THE_WAY_SECONDS = 2 * 86_400


@operation("PostPayouts", "amount currency description metadata statement_descriptor method")
def create(call: Call) -> Answer:
    """Send available money to the bank."""
    asked, world = call.asked, call.world
    amount, currency = asked["amount"], asked["currency"].lower()
    check_positive(amount)
    if amount > money.available(world, currency):
        raise StripeError(
            "You have insufficient funds in your Stripe account. One likely reason you have insufficient funds is that "
            "your funds are automatically being paid out; try enabling manual payouts by going to "
            "https://dashboard.stripe.com/account/payouts.",
            code="balance_insufficient",
        )
    payout = world.make(
        "payout",
        amount=amount,
        arrival_date=world.now + _ON_THE_WAY_SECONDS,
        automatic=False,
        currency=currency,
        description=asked.get("description"),
        metadata=asked.get("metadata") or {},
        method=asked.get("method", "standard"),
        reconciliation_status="not_applicable",
        source_type="card",
        statement_descriptor=asked.get("statement_descriptor"),
        status="pending",
        type="bank_account",
        destination=f"ba_{world.key[-8:]}bank",
    )
    moved = money.move(world, "payout", -amount, source=payout["id"], currency=currency, description="STRIPE PAYOUT")
    world.put(payout | {"balance_transaction": moved["id"]})
    payout["balance_transaction"] = moved["id"]
    world.later(_ON_THE_WAY_SECONDS, "payout.arrives", payout["id"])
    emit(world, "payout.created", payout)
    return payout


@timer("payout.arrives")
def _arrives(world: World, name: str) -> None:
    payout = world.get("payout", name)
    if payout["status"] == "pending":
        world.put(payout | {"status": "paid"})
        emit(world, "payout.paid", payout | {"status": "paid"})


@operation("PostPayoutsPayoutCancel")
def cancel(call: Call) -> Answer:
    """Take back a payout that is not on its way yet."""
    world, payout = call.world, call.world.get("payout", call.id)
    if payout["status"] != "pending":
        raise unexpected_state("payout", f"Payouts with status {payout['status']} cannot be canceled.")
    payout["status"] = "canceled"
    moved = money.move(
        world,
        "payout_cancel",
        payout["amount"],
        source=payout["id"],
        currency=payout["currency"],
        category="payout_reversal",
    )
    payout["failure_balance_transaction"] = moved["id"]
    world.put(payout)
    emit(world, "payout.canceled", payout)
    return payout


@operation("GetPayouts", "status destination", lists=True)
def list_payouts(call: Call) -> Answer:
    """Payouts, newest first."""
    where = {name: call.asked[name] for name in ("status", "destination") if name in call.asked}
    return call.world.page("payout", call.asked, **where)


@operation("GetPayoutsPayout")
def retrieve(call: Call) -> Answer:
    """One payout."""
    return call.world.get("payout", call.id)


@operation("PostPayoutsPayout", "metadata")
def update(call: Call) -> Answer:
    """Change a payout's metadata."""
    payout = call.world.get("payout", call.id)
    change_metadata(payout, call.asked)
    return call.world.put(payout)
