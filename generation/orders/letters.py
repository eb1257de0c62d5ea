"""What a buyer must know of an order, by e-mail: it is ready, it waits for money, or nothing came of it."""

from __future__ import annotations

from django.urls import reverse

from generation.orders.models import Order
from generation.runs import thresholds
from marketplace.accounts import notices
from marketplace.accounts.notices import Notice
from marketplace.web.templatetags.units import money


def ready(order: Order) -> None:
    """Tell the order's account that its dataset is there. Called in the transaction that delivers it."""
    _tell(order, "is ready", ["It is in your library, with its files, statistics and seed."], "See it and download it")


def failed(order: Order) -> None:
    """Tell the order's account that it failed, why, and what to do. Called in the transaction that ends it."""
    reason = order.fault_message or "The reason is not known."
    if order.fault_owner == "buyer":
        remedy = "Nothing was charged. You can order with other settings, or with another file."
    else:
        remedy = "Nothing was charged. It was not your fault; you can order with the same settings again."
    _tell(order, "failed", [reason, remedy], "See the order")


def declined(order: Order) -> None:
    """Tell the order's account which thresholds were not kept. Called in the transaction that ends it."""
    remedy = "Nothing was charged. You can order with other settings, or allow more."
    _tell(order, "was declined", [*thresholds.sentences(order.unmet), remedy], "See the order")


def payment_due(order: Order) -> None:
    """Tell the order's account that it is made and its money is not there. Called in the transaction that says so."""
    why = "" if order.payment is None else order.payment.refusal
    held = "The hold on your card is over" if not order.charged_later else "Your saved card could not be charged"
    until = f"{order.pay_until:%d %B %Y}" if order.pay_until else ""
    paragraphs = [
        f"{held}, so {money(order.price, order.currency)} could not be taken. {why}".strip(),
        f"Your dataset is kept until {until}; it is yours as soon as it is paid. Nothing was charged so far.",
    ]
    _tell(order, "is made and waits for your payment", paragraphs, "Pay now")


def lapsed(order: Order) -> None:
    """Tell the order's account that nobody paid in time, or the money went back. Called as the order ends."""
    why = "The money for it went back" if order.given_back else "It was not paid in time. Nothing was charged"
    _tell(order, "lapsed", [f"{why}, and nothing is delivered."], "See the order")


def _tell(order: Order, what: str, paragraphs: list[str], action: str) -> None:
    title = f"{order.generator.title}, {order.units:,} {order.quote['unit']}s"
    notice = Notice(
        subject=f"Your order {order.short} {what}",
        paragraphs=[f"Your order {order.short} ({title}) {what}.", *paragraphs],
        path=reverse("orders:order", args=[order.id]),
        action=action,
    )
    notices.tell(order.account, notice)
