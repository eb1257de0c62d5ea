"""The seven steps that a buyer sees of an order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from generation.orders.models import Order
from generation.runs.models import Run

Mark = Literal["past", "now", "ahead", "failed"]

_NAMES = ("Quoted", "Held", "Making", "Assessing", "Publishing", "Charged", "Delivered")


@dataclass(frozen=True)
class Step:
    """One station of the rail: its name, where the order stands to it, and when it was passed, or why there is no such
    moment.
    """

    name: str
    mark: Mark
    at: datetime | None
    words: str = ""


def steps(order: Order) -> list[Step]:
    """The rail of an order, from its own state and its run's."""
    current = _current(order)
    stopped = order.ended and order.state != Order.State.DELIVERED
    times = _times(order)
    return [
        Step(name, _mark(i, current, stopped), times.get(name) if i <= current else None, _words(order, name))
        for i, name in enumerate(_NAMES)
    ]


def _words(order: Order, name: str) -> str:
    """What is said in place of a moment."""
    if name in {"Held", "Charged"} and order.state != Order.State.DRAFT and order.price == 0:
        return "nothing to pay"
    if name == "Held" and order.charged_later:
        return "card saved"
    return "due" if name == "Charged" and order.state == Order.State.PAYMENT_DUE else ""


def _mark(i: int, current: int, stopped: bool) -> Mark:
    if i < current:
        return "past"
    if i > current:
        return "ahead"
    return "failed" if stopped else "now"


def _current(order: Order) -> int:
    """Index of the step under way; 7 when all are past."""
    if order.state == Order.State.DELIVERED:
        return len(_NAMES)
    if order.state in {Order.State.SETTLING, Order.State.PAYMENT_DUE, Order.State.LAPSED}:
        return 5
    if order.run is None:
        return 0 if order.state == Order.State.DRAFT else 1
    if order.run.state == Run.State.ASSEMBLING or order.run.being_judged:
        return 3
    if order.run.state in {Run.State.ASSESSING, Run.State.READY}:
        return 4
    return 2


def _times(order: Order) -> dict[str, datetime | None]:
    run, payment = order.run, order.payment
    return {
        "Quoted": order.quoted_at,
        "Held": order.placed_at if payment else None,
        "Making": run.generating_at if run else None,
        "Assessing": run.generated_at if run else None,
        "Publishing": run.ended_at if run else None,
        "Charged": payment.paid_at if payment else None,
        "Delivered": order.ended_at,
    }
