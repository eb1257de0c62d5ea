"""Our balance at Stripe: each transaction that ever moved it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from billing.processor.client import identifier, pages, stripe_client


@dataclass(frozen=True)
class BalanceSeen:
    """One movement of our balance: ``amount`` less ``fee`` is ``net``. ``source`` is the object that caused it."""

    id: str
    type: str
    source: str
    amount: int
    fee: int
    net: int
    currency: str
    created: datetime


def transactions(since: datetime, until: datetime) -> Iterator[BalanceSeen]:
    """The movements from ``since`` to before ``until``. Raises Refused or Unavailable."""
    created = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
    for found in pages(stripe_client().v1.balance_transactions.list, {"created": created}):
        yield BalanceSeen(
            id=found["id"],
            type=found["type"],
            source=identifier(found.get("source")),
            amount=found["amount"],
            fee=found["fee"],
            net=found["net"],
            currency=found["currency"].upper(),
            created=datetime.fromtimestamp(found["created"], UTC),
        )
