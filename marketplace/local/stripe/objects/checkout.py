"""Checkout Sessions: a page of ours, as Stripe's, on which people pay or leave a card. https://docs.stripe.com/payments/checkout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marketplace.local.stripe import money
from marketplace.local.stripe.cards import Card
from marketplace.local.stripe.errors import StripeError, unsupported
from marketplace.local.stripe.objects import (
    customers,
    invoices,
    payment_intents,
    payment_methods,
    setup_intents,
    taxes,
)
from marketplace.local.stripe.objects.events import emit
from marketplace.local.stripe.operations import Answer, Call, change_metadata, need, only, operation, timer
from marketplace.local.stripe.rendering import included, listed
from marketplace.local.stripe.state import Object, World

_MINUTE, _DAY = 60, 86_400
#: https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at.
_SOONEST, _LATEST = 30 * _MINUTE, _DAY
_KEPT = "billing_address_collection client_reference_id customer_email locale submit_type allow_promotion_codes"
_INTENT_DATA = (
    "capture_method description metadata receipt_email setup_future_usage statement_descriptor "
    "statement_descriptor_suffix transfer_group"
)


@dataclass(frozen=True)
class Payer:
    """Who stands before the page, and their card."""

    card: Card
    email: str
    name: str | None = None
    country: str = "NL"
    expiry: tuple[int, int] = (12, 2034)

    @property
    def billing(self) -> dict[str, Any]:
        """What the payment method says of them."""
        return {"email": self.email, "name": self.name, "address": {"country": self.country}}


@operation(
    "PostCheckoutSessions",
    f"{_KEPT} mode ui_mode line_items success_url cancel_url customer customer_creation customer_update currency "
    "metadata payment_intent_data setup_intent_data automatic_tax invoice_creation expires_at tax_id_collection "
    "payment_method_types saved_payment_method_options",
)
def create(call: Call) -> Answer:
    """A new session that waits for a person: https://docs.stripe.com/api/checkout/sessions/create."""
    asked, world = call.asked, call.world
    mode = need(asked, "mode")
    if mode == "subscription" or asked.get("ui_mode", "hosted_page") != "hosted_page":
        raise unsupported("sessions other than hosted pages for payments and setups", param="mode")
    need(asked, "success_url")
    if "customer" in asked and "customer_email" in asked:
        raise StripeError("You may only specify one of these parameters: customer, customer_email.", param="customer")
    _check_customer(world, asked)
    if asked.get("payment_method_types", ["card"]) != ["card"]:
        raise unsupported("payment methods other than cards", param="payment_method_types")
    session = world.make(
        "checkout.session",
        **{field: asked.get(field) for field in _KEPT.split()},
        adaptive_pricing={"enabled": False} if mode == "payment" else None,
        automatic_tax=_automatic_tax(world, asked),
        cancel_url=asked.get("cancel_url"),
        currency=asked.get("currency"),
        custom_fields=[],
        custom_text=world.document.blank("payment_pages_checkout_session_custom_text"),
        customer=asked.get("customer"),
        customer_creation=_creation(mode, asked),
        expires_at=_expires_at(world, asked),
        invoice_creation=_invoice_creation(mode, asked),
        metadata=asked.get("metadata") or {},
        mode=mode,
        payment_method_collection="if_required" if mode == "payment" else "always",
        payment_method_options={},
        payment_method_types=["card"],
        payment_status="unpaid" if mode == "payment" else "no_payment_required",
        phone_number_collection={"enabled": False},
        shipping_options=[],
        status="open",
        success_url=asked["success_url"],
        tax_id_collection={"required": "never"} | (asked.get("tax_id_collection") or {"enabled": False}),
        ui_mode="hosted_page",
        _customer_update=asked.get("customer_update") or {},
        _intent_data=only(asked.get("payment_intent_data") or {}, _INTENT_DATA, "payment_intent_data"),
        _setup_data=only(asked.get("setup_intent_data") or {}, "description metadata", "setup_intent_data"),
    )
    session["url"] = f"{world.base}/c/pay/{session['id']}"
    if mode == "payment":
        _add_items(world, session, need(asked, "line_items"))
    else:
        _add_setup(world, session, asked)
    world.put(session)
    world.later(session["expires_at"] - world.now, "checkout.session.expires", session["id"])
    return session


@operation("GetCheckoutSessions", "customer customer_details payment_intent status", lists=True)
def list_sessions(call: Call) -> Answer:
    """Sessions, newest first."""
    where = {name: call.asked[name] for name in ("customer", "payment_intent", "status") if name in call.asked}
    return call.world.page("checkout.session", call.asked, **where)


@operation("GetCheckoutSessionsSession")
def retrieve(call: Call) -> Answer:
    """One session."""
    return call.world.get("checkout.session", call.id)


@operation("PostCheckoutSessionsSession", "metadata")
def update(call: Call) -> Answer:
    """Change a session's metadata."""
    session = call.world.get("checkout.session", call.id)
    change_metadata(session, call.asked)
    return call.world.put(session)


@operation("PostCheckoutSessionsSessionExpire")
def expire(call: Call) -> Answer:
    """Close a session that nobody finished: https://docs.stripe.com/api/checkout/sessions/expire."""
    session = call.world.get("checkout.session", call.id)
    if session["status"] != "open":
        raise StripeError(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"`{session['status']}`."
        )
    return _expire(call.world, session)


@operation("GetCheckoutSessionsSessionLineItems", lists=True)
def line_items(call: Call) -> Answer:
    """What is bought."""
    call.world.get("checkout.session", call.id)
    return call.world.page("item", call.asked, _session=call.id)


@included("checkout.session", "line_items")
def items_of(world: World, session: Object) -> Object:
    """What is bought, within the session."""
    found = world.page("item", {"limit": 10}, _session=session["id"])
    return listed(found.objects, f"/v1/checkout/sessions/{session['id']}/line_items", has_more=found.has_more)


@timer("checkout.session.expires")
def _expires(world: World, name: str) -> None:
    session = world.get("checkout.session", name)
    if session["status"] == "open":
        _expire(world, session)


def pay(world: World, session: Object, payer: Payer) -> Object:
    """The person pressed the button. Raises StripeError when the card is declined; the session stays open.

    Returns the intent: it may want the person to authenticate.
    """
    method = payment_methods.new(world, payer.card, billing=payer.billing, expiry=payer.expiry)
    _remember_payer(world, session, payer)
    if session["mode"] == "setup":
        intent = world.get("setup_intent", session["setup_intent"])
        done = setup_intents.confirm(world, intent, method, return_url=session["success_url"])
    else:
        intent = _intent(world, session, payer)
        how = payment_intents.Confirmation(return_url=session["success_url"])
        done = payment_intents.confirm(world, intent, method, how)
    if done["status"] != "requires_action":
        complete(world, session)
    return done


def complete(world: World, session: Object) -> None:
    """The person is done: https://docs.stripe.com/payments/checkout/fulfill-orders.

    A payment that is only held leaves the session complete and unpaid.
    """
    session |= {"status": "complete", "url": None}
    if session["mode"] == "payment":
        intent = world.get("payment_intent", session["payment_intent"])
        session["payment_status"] = "paid" if intent["status"] == "succeeded" else "unpaid"
        session["customer"] = intent["customer"]
        if session["invoice_creation"]["enabled"] and session["payment_status"] == "paid":
            customer = world.get("customer", session["customer"])
            items = world.all("item", _session=session["id"])
            session["invoice"] = invoices.of_session(world, session, items, customer)["id"]
    else:
        session["customer"] = world.get("setup_intent", session["setup_intent"])["customer"]
    world.put(session)
    emit(world, "checkout.session.completed", session)


def session_of(world: World, intent: Object) -> Object | None:
    """The session that an intent belongs to."""
    field = "setup_intent" if intent["object"] == "setup_intent" else "payment_intent"
    found = world.all("checkout.session", **{field: intent["id"]})
    return found[0] if found else None


def with_tax(world: World, session: Object) -> Object:
    """The session with the tax that its buyer will pay, as the page shows it before they pay.

    https://docs.stripe.com/tax/checkout, https://docs.stripe.com/tax/products-prices-tax-codes-tax-behavior
    """
    if session["mode"] != "payment" or not session["automatic_tax"]["enabled"]:
        return session
    exempt = _tax_exempt(world, session)
    percent = taxes.percent_of(world, exempt)
    tax = total = 0
    for item in world.all("item", _session=session["id"]):
        inclusive = item["price"]["tax_behavior"] == "inclusive"
        part = taxes.tax(item["amount_subtotal"], percent, inclusive=inclusive)
        item_total = item["amount_subtotal"] + (0 if inclusive else part)
        rate = taxes.rate(world, percent, inclusive=inclusive)
        found = {"amount": part, "rate": rate, "taxability_reason": None, "taxable_amount": item_total - part}
        world.put(item | {"amount_tax": part, "amount_total": item_total, "_taxes": [found]})
        tax, total = tax + part, total + item_total
    session["amount_total"] = total
    session["total_details"] = {"amount_discount": 0, "amount_shipping": 0, "amount_tax": tax}
    session["automatic_tax"]["status"] = "complete"
    return session


@included("item", "taxes")
def taxes_of(world: World, item: Object) -> list[Object]:
    """The taxes of one item, as they were worked out when the person paid."""
    return list(world.get("item", item["id"]).get("_taxes", []))


def _tax_exempt(world: World, session: Object) -> str:
    """Whether the customer is charged tax: https://docs.stripe.com/tax/zero-tax."""
    name = session["customer"] or session.get("_customer")
    return "none" if name is None else str(world.get("customer", name)["tax_exempt"])


def _remember_payer(world: World, session: Object, payer: Payer) -> None:
    with_tax(world, session)
    session["customer_details"] = world.document.blank("payment_pages_checkout_session_customer_details") | {
        "address": world.document.blank("address") | {"country": payer.country},
        "email": payer.email,
        "name": payer.name,
        "tax_exempt": _tax_exempt(world, session),
        "tax_ids": [],
    }
    if session["customer"]:
        _update_customer(world, session, payer)
    customer = session["customer"] or session.get("_customer")
    if customer is None and session["customer_creation"] == "always":
        made = customers.new(world, email=payer.email, name=payer.name, address=session["customer_details"]["address"])
        emit(world, "customer.created", made)
        session["_customer"] = made["id"]
    world.put(session)


def _check_customer(world: World, asked: dict[str, Any]) -> None:
    """https://docs.stripe.com/tax/checkout#existing-customers: tax needs an address, the customer's or the page's."""
    if "customer" not in asked:
        if "customer_update" in asked:
            raise StripeError("`customer_update` can only be used with `customer`.", param="customer_update")
        return
    customer = world.get("customer", asked["customer"], param="customer")
    taxed = (asked.get("automatic_tax") or {}).get("enabled")
    updates = (asked.get("customer_update") or {}).get("address") == "auto"
    if taxed and not updates and not (customer["address"] or {}).get("country"):
        raise StripeError(
            "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to "
            "the Customer or set either `customer_update[address]` to 'auto' or `customer_update[shipping]` to 'auto' "
            "to save the address entered in Checkout to the Customer.",
            code="customer_tax_location_invalid",
        )


def _update_customer(world: World, session: Object, payer: Payer) -> None:
    customer, wish = world.get("customer", session["customer"]), session["_customer_update"]
    if wish.get("address") == "auto":
        customer["address"] = session["customer_details"]["address"]
    if wish.get("name") == "auto" and payer.name:
        customer["name"] = payer.name
    world.put(customer)


def _intent(world: World, session: Object, payer: Payer) -> Object:
    """The payment intent of a session is made when the person first tries to pay.

    https://docs.stripe.com/payments/checkout/how-checkout-works#checkout-session
    """
    if session["payment_intent"]:
        return world.get("payment_intent", session["payment_intent"])
    data: dict[str, Any] = session["_intent_data"]
    intent = payment_intents.new(
        world,
        amount=session["amount_total"],
        currency=session["currency"],
        capture_method=data.get("capture_method", "automatic_async"),
        customer=session["customer"] or session.get("_customer"),
        description=data.get("description"),
        metadata=data.get("metadata") or {},
        receipt_email=data.get("receipt_email"),
        setup_future_usage=data.get("setup_future_usage"),
        statement_descriptor=data.get("statement_descriptor"),
        statement_descriptor_suffix=data.get("statement_descriptor_suffix"),
        transfer_group=data.get("transfer_group"),
    )
    session["payment_intent"] = intent["id"]
    world.put(session)
    return intent


def _expire(world: World, session: Object) -> Object:
    """https://docs.stripe.com/payments/checkout/managing-limited-inventory: nobody can pay after this."""
    session |= {"status": "expired", "url": None}
    world.put(session)
    if session["payment_intent"]:
        intent = world.get("payment_intent", session["payment_intent"])
        if intent["status"] in ("requires_payment_method", "requires_action"):
            payment_intents.cancel(world, intent, "expired")
    emit(world, "checkout.session.expired", session)
    return session


def _add_items(world: World, session: Object, wanted: list[dict[str, Any]]) -> None:
    if not wanted:
        raise StripeError("Missing required param: line_items.", code="parameter_missing", param="line_items")
    total = 0
    for number, wish in enumerate(wanted):
        item = _item(world, session, wish, f"line_items[{number}]")
        total += item["amount_total"]
        if session["currency"] not in (None, item["currency"]):
            raise StripeError(
                f"All line items must have the same currency: {session['currency']} and {item['currency']}.",
                param=f"line_items[{number}][price_data][currency]",
            )
        session["currency"] = item["currency"]
    if total < money.SMALLEST:
        raise StripeError(
            "The Checkout Session's total amount due must add up to at least "
            f"{money.words(money.SMALLEST, session['currency'])} {session['currency']}",
            code="amount_too_small",
        )
    session |= {"amount_subtotal": total, "amount_total": total}
    session["total_details"] = {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}


def _item(world: World, session: Object, wish: dict[str, Any], where: str) -> Object:
    only(wish, "price price_data quantity metadata", where)
    quantity = wish.get("quantity")
    if quantity is None or quantity < 1:
        raise StripeError(f"Quantity is required. Add `quantity` to `{where}`", param=f"{where}[quantity]")
    price = _price(world, wish, where)
    amount = price["unit_amount"] * quantity
    product = world.get("product", price["product"])
    return world.make(
        "item",
        amount_discount=0,
        amount_subtotal=amount,
        amount_tax=0,
        amount_total=amount,
        currency=price["currency"],
        description=product["name"],
        metadata=wish.get("metadata") or {},
        price=price,
        quantity=quantity,
        _session=session["id"],
    )


def _price(world: World, wish: dict[str, Any], where: str) -> Object:
    if "price" in wish:
        return world.get("price", wish["price"], param=f"{where}[price]")
    data = wish.get("price_data")
    if data is None:
        raise StripeError(f"You must specify either `price` or `price_data` in {where}.", param=where)
    only(data, "currency product product_data tax_behavior unit_amount", f"{where}[price_data]")
    if "unit_amount" not in data:
        raise StripeError(
            "Missing required param: unit_amount.",
            code="parameter_missing",
            param=f"{where}[price_data][unit_amount]",
        )
    if data["unit_amount"] < 0:
        raise StripeError("Invalid non-negative integer", param=f"{where}[price_data][unit_amount]")
    product = _product(world, data, where)
    return world.make(
        "price",
        active=False,
        billing_scheme="per_unit",
        currency=data["currency"].lower(),
        product=product["id"],
        tax_behavior=data.get("tax_behavior", "unspecified"),
        type="one_time",
        unit_amount=data["unit_amount"],
        unit_amount_decimal=str(data["unit_amount"]),
    )


def _product(world: World, data: dict[str, Any], where: str) -> Object:
    if "product" in data:
        return world.get("product", data["product"], param=f"{where}[price_data][product]")
    described = data.get("product_data")
    if described is None:
        raise StripeError(
            f"You must specify either `product` or `product_data` in {where}[price_data].", param=f"{where}[price_data]"
        )
    return world.make(
        "product",
        active=False,
        description=described.get("description"),
        images=described.get("images") or [],
        marketing_features=[],
        metadata=described.get("metadata") or {},
        name=described["name"],
        tax_code=described.get("tax_code"),
        updated=world.now,
    )


def _add_setup(world: World, session: Object, asked: dict[str, Any]) -> None:
    if "line_items" in asked or "payment_intent_data" in asked:
        raise StripeError("You can not pass `line_items` or `payment_intent_data` in `setup` mode.", param="mode")
    if "currency" not in asked and "payment_method_types" not in asked:
        raise StripeError(
            "You must provide `currency` or `payment_method_types` in `setup` mode.",
            code="parameter_missing",
            param="currency",
        )
    data = session["_setup_data"]
    intent = setup_intents.new(
        world,
        customer=session["customer"],
        description=data.get("description"),
        metadata=data.get("metadata") or {},
    )
    session["setup_intent"] = intent["id"]


def _creation(mode: str, asked: dict[str, Any]) -> str | None:
    """Who pays as a guest and who becomes a customer: https://docs.stripe.com/payments/checkout/guest-customers."""
    if "customer" in asked or mode != "payment":
        return None
    keeps = (asked.get("payment_intent_data") or {}).get("setup_future_usage")
    invoices_too = (asked.get("invoice_creation") or {}).get("enabled")
    return "always" if keeps or invoices_too else str(asked.get("customer_creation", "if_required"))


def _automatic_tax(world: World, asked: dict[str, Any]) -> dict[str, Any]:
    wish = asked.get("automatic_tax") or {"enabled": False}
    if not wish["enabled"]:
        return {"enabled": False, "liability": None, "provider": None, "status": None}
    return {
        "enabled": True,
        "liability": {"type": "self"},
        "provider": "stripe",
        "status": "requires_location_inputs",
    }


def _invoice_creation(mode: str, asked: dict[str, Any]) -> dict[str, Any] | None:
    if mode != "payment":
        return None
    wish = asked.get("invoice_creation") or {"enabled": False}
    blank = dict.fromkeys(("account_tax_ids", "custom_fields", "description", "footer", "issuer", "rendering_options"))
    given = wish.get("invoice_data") or {}
    return {"enabled": wish["enabled"], "invoice_data": blank | {"metadata": {}} | given}


def _expires_at(world: World, asked: dict[str, Any]) -> int:
    wish = asked.get("expires_at")
    if wish is None:
        return world.now + _LATEST
    if not world.now + _SOONEST - _MINUTE <= wish <= world.now + _LATEST + _MINUTE:
        raise StripeError(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    return int(wish)


def return_address(session: Object) -> str:
    """Where the person goes when done: https://docs.stripe.com/payments/checkout/custom-success-page."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
