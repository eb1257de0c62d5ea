"""Taxes at Stripe: where a card's owner is, what tax is in an amount there, and at which rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from billing.processor.client import Seen, call, stripe_client

#: What Stripe Tax asks of where somebody is.
_ADDRESS: Final = ("line1", "line2", "city", "state", "postal_code", "country")

Address = Mapping[str, str]


@dataclass(frozen=True)
class Calculation:
    """The ``tax`` within an amount, and its rate in ``percent``, if there is one for all of it."""

    id: str
    tax: int
    percent: Decimal | None


def address_of_card(method: str) -> Address | None:
    """Where the owner of a saved card said to be, if the country is known. Raises Refused or Unavailable."""
    found = call(stripe_client().v1.payment_methods.retrieve, method)
    given = (found.get("billing_details") or {}).get("address") or {}
    address = {name: str(given[name]) for name in _ADDRESS if given.get(name)}
    return address if "country" in address else None


def calculate(*, amount: int, currency: str, address: Address, buyer_owes: bool, reference: str) -> Calculation:
    """The tax within ``amount`` minor units for a buyer at ``address``; nothing is recorded before a payment names it.

    The buyer who owes the tax itself is charged none. No idempotency key: what is worked out twice moves nothing, and
    the address may be another one by then. Raises Refused (Stripe cannot tell where that is) or Unavailable.
    """
    line = {"amount": amount, "quantity": 1, "reference": reference, "tax_behavior": "inclusive"}
    buyer = {
        "address": dict(address),
        "address_source": "billing",
        "taxability_override": "reverse_charge" if buyer_owes else "none",
    }
    wanted = {"currency": currency.lower(), "line_items": [line], "customer_details": buyer}
    found = call(stripe_client().v1.tax.calculations.create, wanted)
    parts = [
        (part["tax_rate_details"]["percentage_decimal"], part["taxable_amount"]) for part in found["tax_breakdown"]
    ]
    return Calculation(id=found["id"], tax=found["tax_amount_inclusive"], percent=_sum(parts))


def percent_of_page(found: Seen) -> Decimal | None:
    """The rate of tax of all that a hosted page sells; ``None`` where Stripe does not say, or it has several."""
    rates: set[Decimal | None] = set()
    for item in (found.get("line_items") or {}).get("data") or []:
        parts = [(_rate(part["rate"]), part.get("taxable_amount")) for part in item.get("taxes") or []]
        rates.add(_sum(parts))
    return rates.pop() if len(rates) == 1 else None


def _rate(rate: Seen) -> object:
    """What is really charged, where Stripe says that it differs from what the law says."""
    effective = rate.get("effective_percentage")
    return rate["percentage"] if effective is None else effective


def _sum(parts: Iterable[tuple[object, int | None]]) -> Decimal | None:
    """Taxes of a state, a county and a town are one rate where they are of the same amount; some take nothing."""
    given = [(Decimal(str(percent)), taxable) for percent, taxable in parts]
    taken = [(percent, taxable) for percent, taxable in given if percent]
    if not given or len({taxable for _, taxable in taken}) > 1:
        return None
    return sum((percent for percent, _ in taken), Decimal(0))
