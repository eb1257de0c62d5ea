"""What billing can check of "Always true" on a living system. Nothing is sold yet, so nothing was purchased."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.models import Licence
from marketplace.doctor import Fault, check


@check(promise=3)
def purchased_licences_have_their_purchase() -> Iterator[Fault]:
    """A licence with the cause ``purchase`` names a purchase that was paid."""
    for licence in Licence.objects.filter(cause_kind=Licence.Cause.PURCHASE).iterator():
        yield Fault(f"licence {licence.id}", f"its cause, purchase {licence.cause_id}, does not exist.")
