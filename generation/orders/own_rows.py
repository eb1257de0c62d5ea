"""Rows of an upload that an order gave back stay no longer than their buyer has a right to them.

A version that was made for an order and never delivered, or whose licence was revoked, is destroyed: the upload would
be gone by then, and so are its rows.
"""

from __future__ import annotations

from typing import Final

from django.db.models import Exists, OuterRef

from catalog import keeping
from catalog.models import Licence, Version
from generation.orders.models import Order

_L = Licence.State
_AT_ONCE: Final = 50
_UNSOLD: Final = "The order that it was made for was not delivered."
_OVER: Final = "The licence to it is over."


def destroy_unwanted() -> None:
    """Destroy what holds rows of an upload and belongs to nobody any more."""
    kept = Version.objects.readable().keeping_rows().select_related("dataset__account")
    unsold = Order.objects.filter(state__in=Order.ENDED_UNSOLD, run__isnull=False)
    for version in kept.filter(run__in=unsold.values("run"))[:_AT_ONCE]:
        keeping.destroy(version, _UNSOLD)
    delivered = Order.objects.filter(state=Order.State.DELIVERED)
    standing = Licence.objects.filter(version=OuterRef("id"), state__in=[_L.IN_FORCE, _L.SUSPENDED])
    for version in kept.filter(~Exists(standing), run__in=delivered.values("run"))[:_AT_ONCE]:
        keeping.destroy(version, _OVER)
