"""Invoices that Checkout makes of a finished payment. https://docs.stripe.com/receipts#paid-invoices."""

from __future__ import annotations

from typing import Any

from marketplace.local.stripe.objects.events import emit
from marketplace.local.stripe.operations import Answer, Call, operation
from marketplace.local.stripe.rendering import listed
from marketplace.local.stripe.state import Object, World


def of_session(world: World, session: Object, items: list[Object], customer: Object) -> Object:
    """The paid invoice of a session: https://docs.stripe.com/payments/checkout/receipts."""
    subtotal, total, tax = (
        session["amount_subtotal"],
        session["amount_total"],
        session["total_details"]["amount_tax"],
    )
    data: dict[str, Any] = session["invoice_creation"]["invoice_data"]
    now = world.now
    invoice = world.make(
        "invoice",
        amount_due=total,
        amount_overpaid=0,
        amount_paid=total,
        amount_paid_off_stripe=0,
        amount_remaining=0,
        amount_shipping=0,
        attempt_count=1,
        attempted=True,
        auto_advance=False,
        automatic_tax={
            "disabled_reason": None,
            "enabled": session["automatic_tax"]["enabled"],
            "liability": session["automatic_tax"]["liability"],
            "provider": "stripe" if session["automatic_tax"]["enabled"] else None,
            "status": session["automatic_tax"]["status"],
        },
        billing_reason="manual",
        collection_method="charge_automatically",
        currency=session["currency"],
        custom_fields=data.get("custom_fields"),
        customer=customer["id"],
        customer_address=customer["address"],
        customer_email=customer["email"],
        customer_name=customer["name"],
        customer_tax_exempt="none",
        customer_tax_ids=[],
        default_tax_rates=[],
        description=data.get("description"),
        discounts=[],
        effective_at=now,
        footer=data.get("footer"),
        issuer={"type": "self"},
        metadata=data.get("metadata") or {},
        number=f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}",
        payment_settings=world.document.blank("invoices_payment_settings"),
        period_end=now,
        period_start=now,
        post_payment_credit_notes_amount=0,
        pre_payment_credit_notes_amount=0,
        starting_balance=0,
        ending_balance=0,
        status="paid",
        status_transitions=world.document.blank("invoices_resource_status_transitions")
        | {"finalized_at": now, "paid_at": now},
        subtotal=subtotal,
        subtotal_excluding_tax=total - tax,
        total=total,
        total_excluding_tax=total - tax,
        total_discount_amounts=[],
        total_pretax_credit_amounts=[],
        total_taxes=[],
    )
    invoice["lines"] = listed([_line(world, invoice, item) for item in items], f"/v1/invoices/{invoice['id']}/lines")
    invoice["hosted_invoice_url"] = f"{world.base}/invoices/{invoice['id']}"
    invoice["invoice_pdf"] = f"{world.base}/invoices/{invoice['id']}/pdf"
    world.put(invoice)
    world.put(customer | {"next_invoice_sequence": customer["next_invoice_sequence"] + 1})
    for kind in ("invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded"):
        emit(world, kind, invoice)
    return invoice


def _line(world: World, invoice: Object, item: Object) -> Object:
    return world.document.blank("line_item") | {
        "id": world.new_id("line_item"),
        "object": "line_item",
        "amount": item["amount_subtotal"],
        "currency": item["currency"],
        "description": item["description"],
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice["id"],
        "livemode": False,
        "metadata": {},
        "period": {"end": world.now, "start": world.now},
        "quantity": item["quantity"],
        "subtotal": item["amount_subtotal"],
        "taxes": [],
    }


@operation("GetInvoices", "customer status", lists=True)
def list_invoices(call: Call) -> Answer:
    """Invoices, newest first."""
    where = {name: call.asked[name] for name in ("customer", "status") if name in call.asked}
    return call.world.page("invoice", call.asked, **where)


@operation("GetInvoicesInvoice")
def retrieve(call: Call) -> Answer:
    """One invoice."""
    return call.world.get("invoice", call.id)
