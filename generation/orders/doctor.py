"""What orders can check of "Always true" on a living system."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from catalog.models import Licence
from generation.orders.models import Order
from generation.runs.models import Run
from marketplace.doctor import Fault, check

_PATIENCE = timedelta(minutes=2)


@check(promise=3)
def ordered_licences_have_their_order() -> Iterator[Fault]:
    """A licence with the cause ``order`` names a delivered order of the same account."""
    order = Order.objects.filter(id=OuterRef("cause_id"), account=OuterRef("account"), state=Order.State.DELIVERED)
    for licence in Licence.objects.filter(~Exists(order), cause_kind=Licence.Cause.ORDER).iterator():
        yield Fault(f"licence {licence.id}", f"its cause, order {licence.cause_id}, is not delivered to its account.")


@check(promise=7)
def orders_follow_their_run() -> Iterator[Fault]:
    """An order whose run ended is settled soon after."""
    late = Order.objects.filter(
        state=Order.State.IN_PRODUCTION, run__state__in=Run.ENDED, run__ended_at__lt=Now() - _PATIENCE
    )
    for order in late.select_related("run").iterator():
        yield Fault(f"order {order.id}", f"its run is {order.run.state} and the order is not settled.")  # type: ignore[union-attr]
