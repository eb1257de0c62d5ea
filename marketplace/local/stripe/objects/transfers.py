"""Shares sent on to connected accounts, and taken back. https://docs.stripe.com/connect/separate-charges-and-transfers."""

from __future__ import annotations

from typing import Any

from marketplace.local.stripe import money
from marketplace.local.stripe.errors import StripeError
from marketplace.local.stripe.objects.events import emit
from marketplace.local.stripe.operations import Answer, Call, change_metadata, check_positive, need, operation
from marketplace.local.stripe.rendering import listed
from marketplace.local.stripe.state import Object, World


@operation(
    "PostTransfers", "amount currency destination source_transaction transfer_group description metadata source_type"
)
def create(call: Call) -> Answer:
    """Send money to a connected account: from the balance, or from one payment though it is not available yet."""
    asked, world = call.asked, call.world
    amount, currency = need(asked, "amount"), asked["currency"].lower()
    check_positive(amount)
    account = world.get("account", asked["destination"], param="destination")
    _check_capability(account)
    charge, available_on = None, world.now
    if "source_transaction" in asked:
        charge = world.get("charge", asked["source_transaction"], param="source_transaction")
        available_on = _check_source(world, charge, amount, currency)
    elif amount > money.available(world, currency):
        raise StripeError(
            "You have insufficient available funds in your Stripe account. Try adding funds directly to your available "
            "balance by creating Charges using the 4000000000000077 test card. See: https://stripe.com/docs/testing"
            "#available-balance",
            code="balance_insufficient",
        )
    transfer = world.make(
        "transfer",
        amount=amount,
        amount_reversed=0,
        currency=currency,
        description=asked.get("description"),
        destination=account["id"],
        metadata=asked.get("metadata") or {},
        reversed=False,
        source_transaction=charge["id"] if charge else None,
        source_type=asked.get("source_type", "card"),
        transfer_group=_group(asked, charge),
    )
    moved = money.move(world, "transfer", -amount, source=transfer["id"], currency=currency, available_on=available_on)
    transfer |= {
        "balance_transaction": moved["id"],
        "destination_payment": _arrives(world, transfer, available_on),
        "reversals": listed([], f"/v1/transfers/{transfer['id']}/reversals"),
    }
    world.put(transfer)
    emit(world, "transfer.created", transfer)
    return transfer


@operation("PostTransfersIdReversals", "amount description metadata refund_application_fee")
def create_reversal(call: Call) -> Answer:
    """Take back what was sent: all that is left, or a part. https://docs.stripe.com/api/transfer_reversals/create."""
    world = call.world
    transfer = world.get("transfer", call.id)
    left = transfer["amount"] - transfer["amount_reversed"]
    reversal = reverse(world, transfer, call.asked.get("amount", left))
    change_metadata(reversal, call.asked)
    return world.put(reversal)


def reverse(world: World, transfer: Object, amount: int) -> Object:
    """Take back a part. The connected account must have it: https://docs.stripe.com/connect/separate-charges-and-transfers#reverse-transfers."""
    left, currency = transfer["amount"] - transfer["amount_reversed"], transfer["currency"]
    if left == 0:
        raise StripeError(f"Transfer {transfer['id']} is already fully reversed.", code="transfer_already_reversed")
    check_positive(amount)
    if amount > left:
        raise StripeError(
            f"Transfer reversal amount ({money.words(amount, currency)}) is greater than unreversed amount on transfer "
            f"({money.words(left, currency)})",
            param="amount",
        )
    there = world.seen_by(transfer["destination"])
    if amount > sum(money.balances(there).get(currency, (0, 0))):
        raise StripeError(
            "The connected account has insufficient funds in its balance to reverse this transfer.",
            code="balance_insufficient",
        )
    reversal = world.make("transfer_reversal", amount=amount, currency=currency, transfer=transfer["id"])
    sent = world.get("balance_transaction", transfer["balance_transaction"])
    moved = money.move(
        world,
        "transfer_refund",
        amount,
        source=reversal["id"],
        currency=currency,
        available_on=sent["available_on"],
        description=f"REFUND FOR TRANSFER ({transfer['id']})",
        category="transfer_reversal",
    )
    reversal["balance_transaction"] = moved["id"]
    reversal["destination_payment_refund"] = _leaves(there, transfer, amount, sent["available_on"])
    world.put(reversal)
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"]["data"].insert(0, reversal)
    world.put(transfer)
    emit(world, "transfer.reversed", transfer)
    return reversal


@operation("GetTransfers", "destination transfer_group", lists=True)
def list_transfers(call: Call) -> Answer:
    """Transfers, newest first."""
    where = {name: call.asked[name] for name in ("destination", "transfer_group") if name in call.asked}
    return call.world.page("transfer", call.asked, **where)


@operation("GetTransfersTransfer")
def retrieve(call: Call) -> Answer:
    """One transfer."""
    return call.world.get("transfer", call.id)


@operation("PostTransfersTransfer", "description metadata")
def update(call: Call) -> Answer:
    """Change what is said of a transfer."""
    transfer = call.world.get("transfer", call.id)
    if "description" in call.asked:
        transfer["description"] = call.asked["description"] or None
    change_metadata(transfer, call.asked)
    call.world.put(transfer)
    emit(call.world, "transfer.updated", transfer, {})
    return transfer


@operation("GetTransfersIdReversals", lists=True)
def list_reversals(call: Call) -> Answer:
    """Reversals of one transfer."""
    call.world.get("transfer", call.id)
    return call.world.page("transfer_reversal", call.asked, transfer=call.id)


@operation("GetTransfersTransferReversalsId")
def retrieve_reversal(call: Call) -> Answer:
    """One reversal."""
    return call.world.get("transfer_reversal", call.path["id"])


def _check_capability(account: Object) -> None:
    """https://docs.stripe.com/connect/account-capabilities#transfers."""
    if account["capabilities"].get("transfers") != "active":
        raise StripeError(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers, "
            "crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )


def _check_source(world: World, charge: Object, amount: int, currency: str) -> int:
    """When the payment's money is available. The sum of its transfers is never more than the payment.

    https://docs.stripe.com/connect/separate-charges-and-transfers#transfer-availability
    """
    if not charge["captured"] or not charge["paid"]:
        raise StripeError(
            "The source_transaction must be a payment that succeeded and was captured.", param="source_transaction"
        )
    if charge["currency"] != currency:
        raise StripeError(
            f"The currency of source_transaction's balance transaction ({charge['currency']}) must be the same as the "
            f"transfer currency ({currency})",
            param="currency",
        )
    sent = sum(
        transfer["amount"] - transfer["amount_reversed"]
        for transfer in world.all("transfer", source_transaction=charge["id"])
    )
    if sent + amount > charge["amount_captured"]:
        raise StripeError(
            "Transfers using this transaction as a source must not exceed the source amount of "
            f"{money.words(charge['amount_captured'], currency)}. (There is currently "
            f"{money.words(charge['amount_captured'] - sent, currency)} left to transfer.)",
            param="amount",
        )
    return int(world.get("balance_transaction", charge["balance_transaction"])["available_on"])


def _group(asked: dict[str, Any], charge: Object | None) -> str | None:
    """A transfer from a payment belongs to the payment's group; without one both get a group of the payment's name."""
    if "transfer_group" in asked or charge is None:
        return asked.get("transfer_group")
    return str(charge["transfer_group"] or f"group_{charge['payment_intent'] or charge['id']}")


def _arrives(world: World, transfer: Object, available_on: int) -> str:
    """The payment that the connected account sees: https://docs.stripe.com/api/transfers/object."""
    there = world.seen_by(transfer["destination"])
    payment = there.make(
        "charge",
        id=there.new_id("payment"),
        amount=transfer["amount"],
        amount_captured=transfer["amount"],
        amount_refunded=0,
        billing_details={"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
        captured=True,
        currency=transfer["currency"],
        disputed=False,
        fraud_details={},
        paid=True,
        payment_method_details={"type": "stripe_account", "stripe_account": {}},
        refunded=False,
        source_transfer=transfer["id"],
        status="succeeded",
    )
    moved = money.move(
        there,
        "payment",
        transfer["amount"],
        source=payment["id"],
        currency=transfer["currency"],
        available_on=available_on,
        category="charge",
    )
    payment["balance_transaction"] = moved["id"]
    there.put(payment)
    return str(payment["id"])


def _leaves(there: World, transfer: Object, amount: int, available_on: int) -> str:
    payment = there.get("charge", transfer["destination_payment"])
    refund = there.make(
        "refund",
        amount=amount,
        charge=payment["id"],
        currency=transfer["currency"],
        status="succeeded",
        _moved=True,
    )
    moved = money.move(
        there,
        "payment_refund",
        -amount,
        source=refund["id"],
        currency=transfer["currency"],
        available_on=available_on,
        category="refund",
    )
    there.put(refund | {"balance_transaction": moved["id"]})
    payment["amount_refunded"] += amount
    payment["refunded"] = payment["amount_refunded"] == payment["amount"]
    there.put(payment)
    return str(refund["id"])
