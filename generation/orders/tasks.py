"""The kinds of work of orders."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from generation.orders import ordering, own_rows, quoting, settling
from marketplace.work.faults import WorkFault
from marketplace.work.kinds import Kind, register, register_sweep


def _source_stays(source: UUID, fault: WorkFault) -> None:
    """The weekly sweep of sources deletes it later; the failed piece is there for staff to see."""


register(Kind(quoting.QUOTE, "interactive", perform=quoting.quote, give_up=quoting.no_quote))
register(
    Kind(
        ordering.SETTLE,
        "publishing",
        perform=settling.settle,
        give_up=settling.settling_failed,
        attempts=60,  # Stripe may be away for hours
        backoff=timedelta(seconds=5),
    )
)
register(Kind(ordering.FORGET_SOURCE, "housekeeping", perform=ordering.forget_source, give_up=_source_stays))
register_sweep(ordering.sweep)
register_sweep(settling.sweep)
register_sweep(own_rows.destroy_unwanted)
