"""Which state of an order may follow which. The graph checks itself when it is loaded."""

from __future__ import annotations

from generation.orders.models import Order

_S = Order.State

NEXT: dict[str, frozenset[str]] = {
    _S.DRAFT: frozenset({_S.QUOTED, _S.CANCELLED}),
    _S.QUOTED: frozenset({_S.EXPIRED, _S.DRAFT, _S.AUTHORISED, _S.CANCELLED}),
    _S.AUTHORISED: frozenset({_S.IN_PRODUCTION, _S.CANCELLED}),
    _S.IN_PRODUCTION: frozenset({_S.SETTLING, _S.CANCELLED, _S.DECLINED, _S.FAILED}),
    _S.SETTLING: frozenset({_S.DELIVERED, _S.PAYMENT_DUE}),
    _S.PAYMENT_DUE: frozenset({_S.DELIVERED, _S.LAPSED}),
    **{ended: frozenset() for ended in Order.ENDED},
}


class OrderMoved(Exception):
    """The order is not in a state from which this may happen; the message says which state it is in."""


def move(order: Order, to: str) -> None:
    """Set the order's state. The caller holds its row lock and saves. Raises OrderMoved."""
    if to not in NEXT[order.state]:
        raise OrderMoved(f"This order is {order.get_state_display()}, so this can no longer be done.")
    order.state = to


def _check() -> None:
    """Every state is declared, can be reached from the draft, and can reach an end."""
    if set(NEXT) != set(_S.values):
        raise ValueError(f"states without a line in the graph: {set(_S.values) ^ set(NEXT)}")
    reached, frontier = {str(_S.DRAFT)}, [str(_S.DRAFT)]
    while frontier:
        following = NEXT[frontier.pop()] - reached
        reached |= following
        frontier.extend(following)
    if reached != set(_S.values):
        raise ValueError(f"states that no order can reach: {set(_S.values) - reached}")
    dead = {state for state, following in NEXT.items() if not following} - set(Order.ENDED)
    if dead:
        raise ValueError(f"states that no order can leave: {dead}")


_check()
