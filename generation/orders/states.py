"""Which state of an order may follow which."""

from __future__ import annotations

from generation.orders.models import Order
from marketplace.work.states import graph

_S = Order.State

NEXT = graph(
    {
        _S.DRAFT: {_S.QUOTED, _S.CANCELLED},
        _S.QUOTED: {_S.EXPIRED, _S.DRAFT, _S.AUTHORISED, _S.CANCELLED},
        _S.AUTHORISED: {_S.IN_PRODUCTION, _S.CANCELLED},
        _S.IN_PRODUCTION: {_S.SETTLING, _S.CANCELLED, _S.DECLINED, _S.FAILED},
        _S.SETTLING: {_S.DELIVERED, _S.PAYMENT_DUE},
        _S.PAYMENT_DUE: {_S.DELIVERED, _S.LAPSED},
        **{ended: set() for ended in Order.ENDED},
    },
    first=_S.DRAFT,
    ends=set(Order.ENDED),
    states=set(_S.values),
)


class OrderMoved(Exception):
    """The order is not in a state from which this may happen; the message says which state it is in."""


def move(order: Order, to: str) -> None:
    """Set the order's state. The caller holds its row lock and saves. Raises OrderMoved."""
    if to not in NEXT[order.state]:
        raise OrderMoved(f"This order is {order.get_state_display()}, so this can no longer be done.")
    order.state = to
