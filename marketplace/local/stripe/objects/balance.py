"""The balance, and all that ever moved it. https://docs.stripe.com/api/balance."""

from __future__ import annotations

from marketplace.local.stripe.money import balances
from marketplace.local.stripe.operations import Answer, Call, operation

_DEFAULT_CURRENCY = "eur"


@operation("GetBalance")
def retrieve_balance(call: Call) -> Answer:
    """The balance by currency and by whether it can be sent away yet."""
    sums = balances(call.world) or {_DEFAULT_CURRENCY: (0, 0)}
    available, pending = (
        [
            {"amount": both[column], "currency": currency, "source_types": {"card": both[column]}}
            for currency, both in sorted(sums.items())
        ]
        for column in (0, 1)
    )
    return {"object": "balance", "available": available, "pending": pending, "livemode": False}


@operation("GetBalanceTransactions", "type source payout currency", lists=True)
def list_transactions(call: Call) -> Answer:
    """Balance transactions, newest first."""
    where = {field: call.asked[field] for field in ("type", "source", "currency") if field in call.asked}
    return call.world.page("balance_transaction", call.asked, **where)


@operation("GetBalanceTransactionsId")
def retrieve_transaction(call: Call) -> Answer:
    """One balance transaction."""
    return call.world.get("balance_transaction", call.id)
