"""Payments at Stripe: hosted pages, PaymentIntents with their charges, refunds and disputes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from billing.models import Intent
from billing.processor.client import (
    Seen,
    call,
    identifier,
    moment,
    pages,
    stripe_client,
    whole,
)
from billing.processor.taxes import percent_of_page

_log = logging.getLogger(__name__)

#: Stripe's words for where a PaymentIntent stands (docs.stripe.com/payments/paymentintents/lifecycle), and ours.
_STATES: Final[Mapping[str, str]] = {
    "requires_payment_method": Intent.State.CREATED,
    "requires_confirmation": Intent.State.CREATED,
    "requires_action": Intent.State.REQUIRES_ACTION,
    "processing": Intent.State.PROCESSING,
    "requires_capture": Intent.State.REQUIRES_CAPTURE,
    "succeeded": Intent.State.SUCCEEDED,
    "canceled": Intent.State.CANCELLED,
}
#: Stripe's words for where a dispute stands (docs.stripe.com/api/disputes/object#dispute_object-status) while the bank
#: has not decided; while nothing came of it yet but a question; and when nothing will. The latter take no money, as a
#: rule: what they take nevertheless is mirrored.
_UNDECIDED: Final = ("needs_response", "under_review")
_ASKING: Final = ("warning_needs_response", "warning_under_review")
_CAME_TO_NOTHING: Final = ("warning_closed", "prevented")
_DECIDED: Final = ("won", "lost")
#: What makes a PaymentIntent findable from any object that hangs on it.
PAYMENT: Final = "lookalike_payment"
_ATTEMPT: Final = "lookalike_attempt"
#: Stripe leaves the taxes of a page out unless they are asked for.
_WITH_TAXES: Final = ("line_items.data.taxes",)


@dataclass(frozen=True)
class PageSeen:
    """A hosted page: ``intent`` is the PaymentIntent once there is one, ``method`` the card that it saved.

    The rate of tax, ``percent``, is ``None`` where Stripe does not say one.
    """

    id: str
    url: str
    status: str
    intent: str
    method: str
    tax: int
    percent: Decimal | None


@dataclass(frozen=True)
class IntentSeen:
    """A PaymentIntent and its newest charge. A ``saved`` card may be charged again; an unknown fee is ``None``.

    ``attempt`` is the row of ours that it was made for, unless it was made on a page.
    """

    id: str
    state: str
    received: int
    method: str
    saved: bool
    refusal: str
    charge: str
    fee: int | None
    capture_before: datetime | None
    attempt: UUID | None


@dataclass(frozen=True)
class RefundSeen:
    """A refund: ``booked`` once its amount left our balance, ``failed`` when it came back to it."""

    id: str
    amount: int
    succeeded: bool
    failed: bool
    booked: bool
    why: str
    row: UUID | None


@dataclass(frozen=True)
class Movement:
    """What one balance transaction of a dispute did: ``amount`` is negative when it took, ``fee`` came on top."""

    id: str
    amount: int
    fee: int


@dataclass(frozen=True)
class DisputeSeen:
    """A dispute: ``won`` and ``lost`` are both false while it is open.

    One of which nothing came and by which nothing moved is ``idle``: an inquiry, or one that was prevented.
    """

    id: str
    amount: int
    won: bool
    lost: bool
    idle: bool
    reason: str
    evidence_due: datetime | None
    movements: Sequence[Movement]


def create_customer(*, account: UUID, name: str, email: str, key: str) -> str:
    """Make our account known to Stripe; return the customer's id. Raises Refused or Unavailable."""
    wanted = {"name": name, "metadata": {"lookalike_account": str(account)}}
    if email:
        wanted["email"] = email
    return str(call(stripe_client().v1.customers.create, wanted, key=key)["id"])


def tell_who_owes_tax(customer: str, *, buyer: bool) -> None:
    """Tell Stripe whether a customer owes the tax itself: docs.stripe.com/tax/zero-tax.

    Raises Refused or Unavailable.
    """
    call(stripe_client().v1.customers.update, customer, {"tax_exempt": "reverse" if buyer else "none"})


def create_page(
    *,
    payment: UUID,
    customer: str,
    description: str,
    amount: int,
    currency: str,
    hold: bool,
    save_card: bool,
    automatic_tax: bool,
    success_url: str,
    cancel_url: str,
    expires_at: datetime,
    key: str,
) -> PageSeen:
    """Open a hosted page that takes ``amount`` minor units, tax within it, or holds them.

    ``save_card`` lets us charge the card later, without the person (docs.stripe.com/payments/save-during-payment).
    Raises Refused or Unavailable.
    """
    intent: dict[str, Any] = {
        "metadata": {PAYMENT: str(payment)},
        "transfer_group": str(payment),
        "capture_method": "manual" if hold else "automatic",
        "description": description,
    }
    if save_card:
        intent["setup_future_usage"] = "off_session"
    price = {
        "currency": currency.lower(),
        "unit_amount": amount,
        "tax_behavior": "inclusive",
        "product_data": {"name": description},
    }
    wanted: dict[str, Any] = {
        **_page(payment, customer, success_url, cancel_url, expires_at),
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        "payment_intent_data": intent,
    }
    if automatic_tax:
        wanted |= {
            "automatic_tax": {"enabled": True},
            "billing_address_collection": "required",
            "customer_update": {"address": "auto", "name": "auto"},
        }
    return _page_seen(call(stripe_client().v1.checkout.sessions.create, wanted, key=key))


def create_setup_page(
    *,
    payment: UUID,
    customer: str,
    currency: str,
    automatic_tax: bool,
    success_url: str,
    cancel_url: str,
    expires_at: datetime,
    key: str,
) -> PageSeen:
    """Open a hosted page that saves a card and takes nothing; with ``automatic_tax``, also where its owner is.

    Raises Refused or Unavailable.
    """
    wanted: dict[str, Any] = {
        **_page(payment, customer, success_url, cancel_url, expires_at),
        "mode": "setup",
        "currency": currency.lower(),
        "setup_intent_data": {"metadata": {PAYMENT: str(payment)}},
    }
    if automatic_tax:
        wanted["billing_address_collection"] = "required"
    return _page_seen(call(stripe_client().v1.checkout.sessions.create, wanted, key=key))


def page(page_id: str) -> PageSeen:
    """Where a hosted page stands. Raises Refused or Unavailable."""
    return _page_seen(call(stripe_client().v1.checkout.sessions.retrieve, page_id, {"expand": list(_WITH_TAXES)}))


def expire_page(page_id: str, *, key: str) -> None:
    """Close a hosted page, so that nothing can be paid there. Raises Refused (it is complete) or Unavailable."""
    call(stripe_client().v1.checkout.sessions.expire, page_id, {}, key=key)


def charge(
    *,
    row: UUID,
    payment: UUID,
    customer: str,
    method: str,
    description: str,
    amount: int,
    currency: str,
    hold: bool,
    calculation: str,
    key: str,
) -> IntentSeen:
    """Charge a saved card, or hold on it, while the person is not there.

    Stripe records the tax of ``calculation``, if one is named, when the money comes, and takes it back with a refund.
    Raises Refused, with the PaymentIntent that it left behind, or Unavailable.
    """
    wanted: dict[str, Any] = {
        "amount": amount,
        "currency": currency.lower(),
        "customer": customer,
        "payment_method": method,
        "off_session": True,
        "confirm": True,
        "capture_method": "manual" if hold else "automatic",
        "description": description,
        "transfer_group": str(payment),
        "metadata": {PAYMENT: str(payment), _ATTEMPT: str(row)},
    }
    if calculation:
        wanted["hooks"] = {"inputs": {"tax": {"calculation": calculation}}}
    return _intent_seen(call(stripe_client().v1.payment_intents.create, wanted, key=key))


def intent(intent_id: str) -> IntentSeen:
    """Where a PaymentIntent and its charge stand. Raises Refused or Unavailable."""
    wanted = {"expand": ["latest_charge", "latest_charge.balance_transaction"]}
    return _intent_seen(call(stripe_client().v1.payment_intents.retrieve, intent_id, wanted))


def capture(intent_id: str, *, key: str) -> None:
    """Take all that is held. Raises Refused (the hold is gone) or Unavailable."""
    call(stripe_client().v1.payment_intents.capture, intent_id, {}, key=key)


def cancel(intent_id: str, *, key: str) -> None:
    """Let go of what is held or was begun. Raises Refused (it is too late) or Unavailable."""
    call(stripe_client().v1.payment_intents.cancel, intent_id, {}, key=key)


def refund(intent_id: str, amount: int, *, row: UUID, key: str) -> RefundSeen:
    """Give ``amount`` minor units back. Raises Refused (more than there is) or Unavailable."""
    wanted = {"payment_intent": intent_id, "amount": amount, "metadata": {"lookalike_refund": str(row)}}
    return _refund_seen(call(stripe_client().v1.refunds.create, wanted, key=key))


def refunds(intent_id: str) -> list[RefundSeen]:
    """All refunds of a PaymentIntent. Raises Refused or Unavailable."""
    return [_refund_seen(one) for one in pages(stripe_client().v1.refunds.list, {"payment_intent": intent_id})]


def disputes(intent_id: str) -> list[DisputeSeen]:
    """All disputes of a PaymentIntent. Raises Refused or Unavailable."""
    return [_dispute_seen(one) for one in pages(stripe_client().v1.disputes.list, {"payment_intent": intent_id})]


def payment_of(kind: str, object_id: str) -> UUID | None:
    """The id of our payment that an object of ``kind`` hangs on, if it does. Raises Refused or Unavailable."""
    v1 = stripe_client().v1
    if kind == "checkout.session":
        return _uuid(call(v1.checkout.sessions.retrieve, object_id).get("client_reference_id"))
    if kind == "payment_intent":
        return _named_in(call(v1.payment_intents.retrieve, object_id))
    fetch = {"charge": v1.charges.retrieve, "refund": v1.refunds.retrieve, "dispute": v1.disputes.retrieve}[kind]
    inner = whole(call(fetch, object_id).get("payment_intent"), v1.payment_intents.retrieve)
    return None if inner is None else _named_in(inner)


def _page(payment: UUID, customer: str, success_url: str, cancel_url: str, expires_at: datetime) -> dict[str, Any]:
    return {
        "ui_mode": "hosted_page",
        "customer": customer,
        "client_reference_id": str(payment),
        "metadata": {PAYMENT: str(payment)},
        "success_url": success_url,
        "cancel_url": cancel_url,
        "expires_at": int(expires_at.timestamp()),
    }


def _named_in(found: Seen) -> UUID | None:
    return _uuid((found.get("metadata") or {}).get(PAYMENT))


def _uuid(text: str | None) -> UUID | None:
    """What we wrote into an object; ``None`` for what somebody else did."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _page_seen(found: Seen) -> PageSeen:
    setup = whole(found.get("setup_intent"), stripe_client().v1.setup_intents.retrieve)
    return PageSeen(
        id=found["id"],
        url=found.get("url") or "",
        status=found["status"],
        intent=identifier(found.get("payment_intent")),
        method="" if setup is None or setup["status"] != "succeeded" else identifier(setup.get("payment_method")),
        tax=(found.get("total_details") or {}).get("amount_tax") or 0,
        percent=percent_of_page(found),
    )


def _intent_seen(found: Seen) -> IntentSeen:
    v1 = stripe_client().v1
    newest = whole(found.get("latest_charge"), v1.charges.retrieve)
    balance = None if newest is None else whole(newest.get("balance_transaction"), v1.balance_transactions.retrieve)
    card = {} if newest is None else (newest.get("payment_method_details") or {}).get("card") or {}
    error = found.get("last_payment_error") or {}
    return IntentSeen(
        id=found["id"],
        state=_STATES[found["status"]],
        received=found.get("amount_received") or 0,
        method=identifier(found.get("payment_method")),
        saved=found.get("setup_future_usage") == "off_session",
        refusal=error.get("message") or "",
        charge="" if newest is None else newest["id"],
        fee=None if balance is None else balance["fee"],
        capture_before=moment(card.get("capture_before")),
        attempt=_uuid((found.get("metadata") or {}).get(_ATTEMPT)),
    )


def _refund_seen(found: Seen) -> RefundSeen:
    failed = found.get("status") in {"failed", "canceled"}
    return RefundSeen(
        id=found["id"],
        amount=found["amount"],
        succeeded=found.get("status") == "succeeded",
        failed=failed,
        booked=bool(found.get("balance_transaction")),
        why=found.get("failure_reason") or "",
        row=_uuid((found.get("metadata") or {}).get("lookalike_refund")),
    )


def _dispute_seen(found: Seen) -> DisputeSeen:
    fetch = stripe_client().v1.balance_transactions.retrieve
    moved = [seen for one in found.get("balance_transactions") or [] if (seen := whole(one, fetch)) is not None]
    status = found["status"]
    ended, taken = status in _CAME_TO_NOTHING, -sum(one["amount"] for one in moved)
    if status not in (*_UNDECIDED, *_ASKING, *_CAME_TO_NOTHING, *_DECIDED):
        _log.error("Dispute %s is %s at Stripe, and nobody here knows what that means.", found["id"], status)
    return DisputeSeen(
        id=found["id"],
        amount=found["amount"],
        won=status == "won" or (ended and taken <= 0),
        lost=status == "lost" or (ended and taken > 0),
        idle=not moved and status not in (*_UNDECIDED, *_DECIDED),
        reason=found.get("reason") or "",
        evidence_due=moment((found.get("evidence_details") or {}).get("due_by")),
        movements=[Movement(one["id"], one["amount"], one["fee"]) for one in moved],
    )
