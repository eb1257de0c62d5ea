"""Which state of a purchase may follow which."""

from __future__ import annotations

from billing.models import Purchase
from marketplace.work.states import graph

_S = Purchase.State
_AFTER_PAYING = {_S.REFUNDING, _S.PARTIALLY_REFUNDED, _S.REFUNDED, _S.DISPUTED, _S.CHARGED_BACK}

NEXT = graph(
    {
        _S.DRAFT: {_S.AWAITING_PAYMENT, _S.PAID, _S.EXPIRED, _S.CANCELLED},
        _S.AWAITING_PAYMENT: {_S.PAID, _S.EXPIRED, _S.CANCELLED},
        _S.PAID: {_S.FULFILLED, *_AFTER_PAYING},
        _S.FULFILLED: _AFTER_PAYING,
        # A refund or a dispute may come to nothing; then the purchase is what it was.
        _S.REFUNDING: {_S.FULFILLED, *_AFTER_PAYING},
        _S.PARTIALLY_REFUNDED: {_S.FULFILLED, *_AFTER_PAYING},
        _S.DISPUTED: {_S.FULFILLED, *_AFTER_PAYING},
        # Its licence is gone for good: whatever becomes of the money now is the platform's and the bank's affair.
        _S.REFUNDED: set(),
        _S.CHARGED_BACK: set(),
        _S.EXPIRED: set(),
        _S.CANCELLED: set(),
    },
    first=_S.DRAFT,
    ends={_S.REFUNDED, _S.CHARGED_BACK, _S.EXPIRED, _S.CANCELLED},
    states=set(_S.values),
)


def move(purchase: Purchase, to: str) -> None:
    """Set the purchase's state. The caller holds its row lock and saves. Raises ValueError for a step that is none."""
    if to == purchase.state:
        return
    if to not in NEXT[purchase.state]:
        raise ValueError(f"a purchase that is {purchase.get_state_display()} does not become {to}")
    purchase.state = to
