"""What tax is in an amount, and calculations of it that a payment may be linked to. https://docs.stripe.com/tax/payment-intent."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from marketplace.local.stripe.errors import StripeError
from marketplace.local.stripe.operations import Answer, Call, only, operation
from marketplace.local.stripe.rendering import included, listed
from marketplace.local.stripe.state import Object, World

#: https://docs.stripe.com/api/tax/calculations/object#tax_calculation_object-expires_at.
_KEPT_SECONDS = 90 * 86_400
#: Electronically supplied services: https://docs.stripe.com/tax/tax-codes.
_TAX_CODE = "txcd_10000000"
_ADDRESS: dict[str, Any] = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
_COUNTRY = re.compile(r"[A-Z]{2}")
_REASONS = {"reverse_charge": "reverse_charge", "customer_exempt": "customer_exempt"}


def percent_of(world: World, exempt: str) -> Decimal:
    """The rate that is found in this world for a buyer who is exempt so. https://docs.stripe.com/tax/zero-tax."""
    return Decimal(str(world.fact("tax_percent", "0"))) if exempt == "none" else Decimal(0)


def tax(amount: int, percent: Decimal, *, inclusive: bool) -> int:
    """The tax within an amount, or on top of it, rounded half up."""
    exact = Decimal(amount)
    part = exact - exact / (1 + percent / 100) if inclusive else exact * percent / 100
    return int(part.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def written(percent: Decimal) -> str:
    """A percentage as Stripe writes it: 21 is "21.0"."""
    return str(percent.normalize() if percent % 1 else percent.quantize(Decimal("1.0")))


def rate(world: World, percent: Decimal, *, inclusive: bool) -> Object:
    """The tax rate that a line of a page has: https://docs.stripe.com/api/tax_rates/object."""
    return world.document.blank("tax_rate") | {
        "id": world.new_id("tax_rate"),
        "active": False,
        "created": world.now,
        "display_name": "VAT",
        "effective_percentage": float(percent),
        "inclusive": inclusive,
        "livemode": False,
        "metadata": {},
        "percentage": float(percent),
        "rate_type": "percentage",
        "tax_type": "vat",
    }


@operation("PostTaxCalculations", "currency customer customer_details line_items")
def create(call: Call) -> Answer:
    """Work out a tax; nothing is recorded of it: https://docs.stripe.com/api/tax/calculations/create."""
    asked, world = call.asked, call.world
    buyer = _buyer(world, asked)
    percent = percent_of(world, buyer["taxability_override"])
    lines = [_line(world, wish, number, percent) for number, wish in enumerate(asked["line_items"])]
    sums = {
        kind: sum(line["amount_tax"] for line in lines if line["tax_behavior"] == kind)
        for kind in ("inclusive", "exclusive")
    }
    return world.make(
        "tax.calculation",
        amount_total=sum(line["amount"] for line in lines) + sums["exclusive"],
        currency=asked["currency"].lower(),
        customer=asked.get("customer"),
        customer_details=buyer,
        expires_at=world.now + _KEPT_SECONDS,
        tax_amount_exclusive=sums["exclusive"],
        tax_amount_inclusive=sums["inclusive"],
        tax_breakdown=[_part(line, buyer, percent) for line in lines],
        tax_date=world.now,
        _lines=lines,
    )


@operation("GetTaxCalculationsCalculation")
def retrieve(call: Call) -> Answer:
    """One calculation, while it is kept."""
    return call.world.get("tax.calculation", call.id)


@included("tax.calculation", "line_items")
def lines_of(world: World, calculation: Object) -> Object:
    """What the tax is of, within the calculation."""
    kept = world.get("tax.calculation", calculation["id"])
    return listed(kept["_lines"], f"/v1/tax/calculations/{calculation['id']}/line_items")


def hooks(world: World, asked: dict[str, Any]) -> Object | None:
    """What a payment intent is linked to. Raises StripeError for a calculation that does not exist.

    https://docs.stripe.com/api/payment_intents/create#create_payment_intent-hooks
    """
    linked = only(asked.get("hooks") or {}, "inputs", "hooks").get("inputs") or {}
    wish = only(linked, "tax", "hooks[inputs]").get("tax")
    if not wish or not wish["calculation"]:
        return None
    found = world.get("tax.calculation", wish["calculation"], param="hooks[inputs][tax][calculation]")
    return {"inputs": {"tax": {"calculation": found["id"]}}}


def _buyer(world: World, asked: dict[str, Any]) -> Object:
    """Whose tax it is: a customer that Stripe knows, or somebody who is described."""
    if "customer" in asked and "customer_details" in asked:
        raise StripeError("You may only specify one of these parameters: customer, customer_details.", param="customer")
    if "customer" in asked:
        customer = world.get("customer", asked["customer"], param="customer")
        exempt = {"reverse": "reverse_charge", "exempt": "customer_exempt"}.get(customer["tax_exempt"], "none")
        told = {"address": customer["address"], "address_source": "billing", "taxability_override": exempt}
    else:
        told = only(
            asked.get("customer_details") or {}, "address address_source taxability_override", "customer_details"
        )
    address = _ADDRESS | (told.get("address") or {})
    if not _COUNTRY.fullmatch(address["country"] or ""):
        raise StripeError(
            "We could not determine the customer's tax location based on the provided address. Set a valid country, "
            "and for some countries a state or a postal code.",
            code="customer_tax_location_invalid",
            param="customer_details[address]",
        )
    return {
        "address": {name: value or None for name, value in address.items()},
        "address_source": told.get("address_source", "shipping"),
        "ip_address": None,
        "tax_ids": [],
        "taxability_override": told.get("taxability_override", "none"),
    }


def _line(world: World, wish: dict[str, Any], number: int, percent: Decimal) -> Object:
    only(wish, "amount quantity reference tax_behavior", f"line_items[{number}]")
    behaviour = wish.get("tax_behavior", "exclusive")
    return {
        "id": world.new_id("tax.calculation_line_item"),
        "object": "tax.calculation_line_item",
        "amount": wish["amount"],
        "amount_tax": tax(wish["amount"], percent, inclusive=behaviour == "inclusive"),
        "livemode": False,
        "metadata": None,
        "product": None,
        "quantity": wish.get("quantity", 1),
        "reference": wish.get("reference", f"L{number + 1}"),
        "tax_behavior": behaviour,
        "tax_breakdown": None,
        "tax_code": _TAX_CODE,
    }


def _part(line: Object, buyer: Object, percent: Decimal) -> Object:
    inclusive = line["tax_behavior"] == "inclusive"
    standard = "standard_rated" if percent else "not_collecting"
    return {
        "amount": line["amount_tax"],
        "inclusive": inclusive,
        "tax_rate_details": {
            "country": buyer["address"]["country"],
            "flat_amount": None,
            "percentage_decimal": written(percent),
            "rate_type": "percentage",
            "state": None,
            "tax_type": "vat",
        },
        "taxability_reason": _REASONS.get(buyer["taxability_override"], standard),
        "taxable_amount": line["amount"] - (line["amount_tax"] if inclusive else 0),
    }
