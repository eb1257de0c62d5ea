"""What a buyer must know of an order, by e-mail: it is ready, or nothing came of it."""

from __future__ import annotations

from django.urls import reverse

from generation.orders.models import Order
from marketplace.accounts import notices
from marketplace.accounts.notices import Notice


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


def _tell(order: Order, what: str, paragraphs: list[str], action: str) -> None:
    title = f"{order.generator.title}, {order.units:,} {order.quote['unit']}s"
    notice = Notice(
        subject=f"Your order {order.short} {what}",
        paragraphs=[f"Your order {order.short} ({title}) {what}.", *paragraphs],
        path=reverse("orders:order", args=[order.id]),
        action=action,
    )
    notices.tell(order.account, notice)
