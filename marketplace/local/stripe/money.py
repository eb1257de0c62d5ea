"""What moves a balance: one balance transaction each. https://docs.stripe.com/api/balance_transactions."""

from __future__ import annotations

from typing import Any

from marketplace.local.stripe.state import Object, World

#: 1.5 % + 25 cents: cards of the European Economic Area, https://stripe.com/nl/pricing.
_FEE_PER_MILLE, _FEE_FIXED = 15, 25
#: Seven days until a payment's money is available: https://docs.stripe.com/payouts#payout-schedule.
PENDING_SECONDS = 7 * 86_400
#: 20.00 for each dispute, kept whatever its outcome: https://stripe.com/nl/pricing, https://docs.stripe.com/disputes.
DISPUTE_FEE = 2_000
#: Nothing smaller can be charged: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts.
SMALLEST, LARGEST = 50, 99_999_999


def processing_fee(amount: int) -> int:
    """Stripe's fee for a payment, rounded half up."""
    return (amount * _FEE_PER_MILLE + 500) // 1000 + _FEE_FIXED


def move(
    world: World,
    kind: str,
    amount: int,
    *,
    source: str,
    currency: str,
    fee: int = 0,
    available_on: int | None = None,
    description: str | None = None,
    category: str | None = None,
) -> Object:
    """Move money into or out of a balance. Categories: https://docs.stripe.com/reports/reporting-categories."""
    on = world.now if available_on is None else max(available_on, world.now)
    details: list[dict[str, Any]] = []
    if fee:
        words = "Dispute fee" if kind == "adjustment" else "Stripe processing fees"
        details = [
            {"amount": fee, "application": None, "currency": currency, "description": words, "type": "stripe_fee"}
        ]
    return world.make(
        "balance_transaction",
        type=kind,
        amount=amount,
        fee=fee,
        fee_details=details,
        net=amount - fee,
        currency=currency,
        source=source,
        available_on=on,
        status="available" if on <= world.now else "pending",
        reporting_category=category or kind,
        balance_type="payments",
        description=description,
    )


def balances(world: World) -> dict[str, tuple[int, int]]:
    """Available and pending money, by currency."""
    sums: dict[str, tuple[int, int]] = {}
    for moved in world.all("balance_transaction"):
        available, pending = sums.get(moved["currency"], (0, 0))
        if moved["status"] == "available":
            available += moved["net"]
        else:
            pending += moved["net"]
        sums[moved["currency"]] = (available, pending)
    return sums


def available(world: World, currency: str) -> int:
    """What can be sent away at once."""
    return balances(world).get(currency, (0, 0))[0]


def words(amount: int, currency: str) -> str:
    """An amount as people read it."""
    sign = {"eur": "€", "usd": "$", "gbp": "£"}.get(currency, f"{currency.upper()} ")
    return f"{sign}{amount / 100:,.2f}"
