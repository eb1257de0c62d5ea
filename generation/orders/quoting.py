"""From a draft to a quote, or to every reason why there is none: the generator itself is asked, in a child.

The price is that of the generator's newest tariff, line by line. It is held with the quote, whatever tariff comes.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from django.db.models.functions import Now

from generation.orders import tariffs
from generation.orders.models import Order
from generation.orders.states import move
from generation.runner import Checked
from generation.runs import checking, probes
from generation.runs.checking import Problem
from generation.runs.models import Source
from marketplace.web.templatetags.units import money
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease

QUOTE = "orders.quote"
QUOTE_HELD = timedelta(hours=24)


def quote(lease: Lease) -> None:
    """Perform ``orders.quote``: ask the generator for its faults, layout and needs; price and hold the quote."""
    order = Order.objects.select_related("generator__generator__account", "source", "account").get(id=lease.subject)
    if order.state != Order.State.DRAFT or order.problems:
        return
    checked = None
    problems = gone(order.source)
    if not problems:
        problems, checked = checking.check(
            order.generator,
            parameters=order.parameters,
            units=order.units,
            splits=order.splits,
            source=order.source,
            lease=lease,
        )
    with lease.finishing():
        _note(order.id, problems, checked)


def no_quote(order_id: UUID, fault: WorkFault) -> None:
    """Record on the draft why there is no quote."""
    Order.objects.filter(id=order_id, state=Order.State.DRAFT).update(
        problems=[{"field": "", "message": fault.message, "remedy": "Change the settings and ask again."}],
        fault_owner=fault.owner,
        fault_message=fault.message,
    )


def gone(source: Source | None) -> list[Problem]:
    """Why nothing can be made from the upload, if nothing can."""
    if source is None or source.state == Source.State.UNDERSTOOD:
        return []
    remedy = "Upload it again and set up a new order."
    return [{"field": "file", "message": "The uploaded file is deleted.", "remedy": remedy}]


def _note(order_id: UUID, problems: list[Problem], checked: Checked | None) -> None:
    order = Order.objects.locked(order_id)
    if order.state != Order.State.DRAFT:
        return
    if problems or checked is None or checked.layout is None or checked.needs is None:
        order.problems = problems
        order.save(update_fields=["problems"])
        return
    order.units = checked.units or order.units
    unit = checked.layout["unit"]
    tariff = tariffs.newest(order.generator.generator)
    price = tariffs.price(tariff, order.units, order.parameters, unit)
    if price.total > tariffs.MOST:
        order.problems = [_too_dear(price.total, order.currency)]
        order.save(update_fields=["problems"])
        return
    move(order, Order.State.QUOTED)
    order.tariff, order.price = tariff, price.total
    order.quote = {
        "unit": unit,
        "seconds": checking.seconds(order.units, checked.layout, checked.needs),
        "tables": [{"name": t["name"], "columns": len(t["schema"])} for t in checked.layout["tables"]],
        "lines": [asdict(line) for line in price.lines],
    }
    order.quoted_at, order.quoted_until = Now(), Now() + QUOTE_HELD
    if order.units > checked.kept:
        order.probe = probes.ask(order.account, order.generator, order.parameters, order.units, order.source)
    order.save()


def _too_dear(total: int, currency: str) -> Problem:
    most = money(tariffs.MOST, currency)
    message = f"This would cost {money(total, currency)}; one payment may be up to {most}."
    return {"field": "units", "message": message, "remedy": "Ask for fewer units, in several orders."}
