"""Sellers at Stripe: connected accounts, the pages that set them up, transfers to them and what is taken back.

Accounts are of the type that Stripe shows its own pages to, able to receive transfers and nothing else
(docs.stripe.com/connect/separate-charges-and-transfers). Whoever changes to another kind of account changes it here.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from billing.processor.client import Refused, Seen, call, moment, pages, stripe_client

#: By these a transfer and a reversal say which row of ours they are.
_TRANSFER: Final = "lookalike_transfer"
_REVERSAL: Final = "lookalike_reversal"
#: What Stripe answers about an account that was deleted, or taken away from us.
_GONE: Final = frozenset({"account_invalid", "resource_missing"})
#: What Stripe is still looking at is no restriction (docs.stripe.com/api/accounts/object, requirements).
_BEING_LOOKED_AT: Final = frozenset({"requirements.pending_verification", "under_review"})


@dataclass(frozen=True)
class AccountSeen:
    """A connected account: ``submitted`` once its owner answered, ``gone`` when rejected or not ours any more.

    ``wanted`` are Stripe's names of what it wants to know, until ``wanted_by``; ``restricted_for`` its reason.
    """

    id: str
    can_receive: bool
    submitted: bool
    gone: bool
    wanted: Sequence[str] = ()
    wanted_by: datetime | None = None
    restricted_for: str = ""


@dataclass(frozen=True)
class ReversalSeen:
    """What was taken back of a transfer; ``row`` is ours, ``None`` for one made at Stripe itself."""

    id: str
    amount: int
    row: UUID | None


@dataclass(frozen=True)
class TransferSeen:
    """A transfer and its reversals; ``row`` is ours, ``None`` for one made at Stripe itself."""

    id: str
    amount: int
    row: UUID | None
    reversals: Sequence[ReversalSeen]


def open_account(*, account: UUID, email: str, key: str) -> AccountSeen:
    """Open a connected account that transfers can be sent to. Raises Refused or Unavailable."""
    wanted = {
        "type": "express",
        "email": email,
        "capabilities": {"transfers": {"requested": True}},
        "metadata": {"lookalike_account": str(account)},
    }
    return _account_seen(call(stripe_client().v1.accounts.create, wanted, key=key))


def account(account_id: str) -> AccountSeen:
    """Where a connected account stands. Raises Refused or Unavailable."""
    try:
        return _account_seen(call(stripe_client().v1.accounts.retrieve, account_id))
    except Refused as refusal:
        if refusal.code in _GONE:
            return AccountSeen(account_id, can_receive=False, submitted=False, gone=True)
        raise


def account_link(account_id: str, *, refresh_url: str, return_url: str) -> str:
    """The address, good once and for minutes, of the pages that set the account up. Raises Refused or Unavailable."""
    wanted = {
        "account": account_id,
        "type": "account_onboarding",
        "refresh_url": refresh_url,
        "return_url": return_url,
    }
    return str(call(stripe_client().v1.account_links.create, wanted)["url"])


def send(
    *, row: UUID, payment: UUID, amount: int, currency: str, destination: str, charge: str, key: str
) -> TransferSeen:
    """Send ``amount`` minor units to a connected account, tied to ``charge`` if one is named.

    Raises Refused (there is not enough, or the account cannot receive) or Unavailable.
    """
    wanted = {
        "amount": amount,
        "currency": currency.lower(),
        "destination": destination,
        "transfer_group": str(payment),
        "metadata": {_TRANSFER: str(row)},
    }
    if charge:
        wanted["source_transaction"] = charge
    return _transfer_seen(call(stripe_client().v1.transfers.create, wanted, key=key))


def transfer(transfer_id: str) -> TransferSeen | None:
    """A transfer by its id, ``None`` where Stripe knows of none. Raises Refused or Unavailable."""
    try:
        return _transfer_seen(call(stripe_client().v1.transfers.retrieve, transfer_id))
    except Refused as refusal:
        if refusal.code == "resource_missing":
            return None
        raise


def transfer_of(row: UUID, *, payment: UUID) -> TransferSeen | None:
    """The transfer that was made for a row of ours, if there is one. Raises Refused or Unavailable."""
    for found in pages(stripe_client().v1.transfers.list, {"transfer_group": str(payment)}):
        if _row(found, _TRANSFER) == row:
            return _transfer_seen(found)
    return None


def take_back(transfer_id: str, amount: int, *, row: UUID, key: str) -> ReversalSeen:
    """Take ``amount`` minor units of a transfer back. Raises Refused (it is not there any more) or Unavailable."""
    wanted = {"amount": amount, "metadata": {_REVERSAL: str(row)}}
    return _reversal_seen(call(stripe_client().v1.transfers.reversals.create, transfer_id, wanted, key=key))


def reversal_of(row: UUID, *, transfer: str) -> ReversalSeen | None:
    """The reversal that was made for a row of ours, if there is one. Raises Refused or Unavailable."""
    return next((seen for seen in _reversals(transfer) if seen.row == row), None)


def _account_seen(found: Seen) -> AccountSeen:
    requirements = found.get("requirements") or {}
    wanted = {*(requirements.get("currently_due") or []), *(requirements.get("past_due") or [])}
    reason = requirements.get("disabled_reason") or ""
    return AccountSeen(
        id=found["id"],
        can_receive=(found.get("capabilities") or {}).get("transfers") == "active",
        submitted=bool(found.get("details_submitted")),
        gone=bool(found.get("deleted")) or reason.startswith("rejected."),
        wanted=sorted(wanted),
        wanted_by=moment(requirements.get("current_deadline")),
        restricted_for="" if reason in _BEING_LOOKED_AT else reason,
    )


def _transfer_seen(found: Seen) -> TransferSeen:
    # Within the object Stripe lists the newest ten only; that none was reversed is said beside it.
    reversals = _reversals(found["id"]) if found.get("amount_reversed") else []
    return TransferSeen(found["id"], found["amount"], _row(found, _TRANSFER), reversals)


def _reversals(transfer_id: str) -> list[ReversalSeen]:
    listed = functools.partial(stripe_client().v1.transfers.reversals.list, transfer_id)
    return [_reversal_seen(one) for one in pages(listed, {})]


def _reversal_seen(found: Seen) -> ReversalSeen:
    return ReversalSeen(found["id"], found["amount"], _row(found, _REVERSAL))


def _row(found: Seen, name: str) -> UUID | None:
    """The row of ours that an object names; metadata may be written by anybody at Stripe."""
    try:
        return UUID((found.get("metadata") or {})[name])
    except (KeyError, ValueError):
        return None
