"""Customers. https://docs.stripe.com/api/customers."""

from __future__ import annotations

from typing import Any

from marketplace.local.stripe.objects.events import emit
from marketplace.local.stripe.objects.payment_methods import attach
from marketplace.local.stripe.operations import Answer, Call, change_metadata, operation
from marketplace.local.stripe.state import Object, World

_PLAIN = "address business_name description email individual_name name phone preferred_locales shipping tax_exempt"
_ADDRESS: dict[str, Any] = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


def new(world: World, **fields: Any) -> Object:
    """A customer."""
    return world.make(
        "customer",
        **{
            "balance": 0,
            "delinquent": False,
            "invoice_prefix": world.new_id("customer")[-8:].upper(),
            "invoice_settings": _no_settings(),
            "next_invoice_sequence": 1,
            "preferred_locales": [],
            "tax_exempt": "none",
        }
        | fields,
    )


@operation("PostCustomers", f"{_PLAIN} metadata payment_method invoice_settings")
def create(call: Call) -> Answer:
    """A new customer, with a payment method if one is named."""
    customer = new(call.world)
    _change(call, customer)
    emit(call.world, "customer.created", customer)
    if "payment_method" in call.asked:
        attach(call.world, call.asked["payment_method"], customer["id"])
    return customer


@operation("GetCustomers", "email", lists=True)
def list_customers(call: Call) -> Answer:
    """Customers, newest first."""
    where = {"email": call.asked["email"]} if "email" in call.asked else {}
    return call.world.page("customer", call.asked, **where)


@operation("GetCustomersCustomer")
def retrieve(call: Call) -> Answer:
    """One customer."""
    return call.world.get("customer", call.id)


@operation("PostCustomersCustomer", f"{_PLAIN} metadata invoice_settings")
def update(call: Call) -> Answer:
    """Change a customer."""
    customer = call.world.get("customer", call.id)
    before = dict(customer)
    _change(call, customer)
    previous = {field: before[field] for field in before if before[field] != customer[field]}
    emit(call.world, "customer.updated", customer, previous)
    return customer


@operation("DeleteCustomersCustomer")
def delete(call: Call) -> Answer:
    """Delete a customer for good; its payment methods can be used no more."""
    customer = call.world.get("customer", call.id)
    for method in call.world.all("payment_method", customer=call.id):
        call.world.put(method | {"customer": None})
    call.world.remove(customer)
    emit(call.world, "customer.deleted", customer)
    return {"id": call.id, "object": "customer", "deleted": True}


@operation("GetCustomersCustomerPaymentMethods", "type allow_redisplay", lists=True)
def list_payment_methods(call: Call) -> Answer:
    """What a customer can pay with."""
    call.world.get("customer", call.id)
    return call.world.page("payment_method", call.asked, customer=call.id)


@operation("GetCustomersCustomerPaymentMethodsPaymentMethod")
def retrieve_payment_method(call: Call) -> Answer:
    """One thing that a customer can pay with."""
    return call.world.get("payment_method", call.path["payment_method"])


def _change(call: Call, customer: Object) -> None:
    for field in _PLAIN.split():
        if field in call.asked:
            customer[field] = call.asked[field] or None
    if customer["address"]:
        customer["address"] = _ADDRESS | customer["address"]
    if settings := call.asked.get("invoice_settings"):
        customer["invoice_settings"] = _no_settings() | settings
    change_metadata(customer, call.asked)
    call.world.put(customer)


def _no_settings() -> dict[str, Any]:
    return dict.fromkeys(("custom_fields", "default_payment_method", "footer", "rendering_options"))
