"""Buyers who take their money back through their bank. https://docs.stripe.com/disputes/how-disputes-work."""

from __future__ import annotations

from typing import Any

from marketplace.local.stripe import money
from marketplace.local.stripe.errors import StripeError, unexpected_state
from marketplace.local.stripe.objects.events import emit
from marketplace.local.stripe.objects.payment_methods import card_of
from marketplace.local.stripe.operations import Answer, Call, change_metadata, operation, timer
from marketplace.local.stripe.state import Object, World

#: Days to answer a dispute in: https://docs.stripe.com/disputes/responding.
_ANSWER_SECONDS = 9 * 86_400
_OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
#: Evidence that decides the case at once: https://docs.stripe.com/testing#evidence.
_DECISIVE = {"winning_evidence": True, "losing_evidence": False}


def open_dispute(
    world: World, charge: Object, *, amount: int | None = None, reason: str = "fraudulent", inquiry: bool = False
) -> Object:
    """A buyer disputes a charge; unless it is only an inquiry, the money and a fee leave the balance at once."""
    if charge["disputed"] and any(found["status"] in _OPEN for found in world.all("dispute", charge=charge["id"])):
        raise StripeError(f"Charge {charge['id']} is disputed already.", code="charge_disputed")
    if not charge["captured"]:
        raise StripeError(f"Charge {charge['id']} was not captured, so nobody can dispute it.")
    card = card_of(world.get("payment_method", charge["payment_method"]))
    amount = charge["amount"] - charge["amount_refunded"] if amount is None else amount
    if amount < 1:
        raise StripeError(f"Nothing is left of charge {charge['id']} to dispute.")
    dispute = world.make(
        "dispute",
        amount=amount,
        balance_transactions=[],
        charge=charge["id"],
        currency=charge["currency"],
        enhanced_eligibility_types=[],
        evidence=_no_evidence(world),
        evidence_details={
            "due_by": world.now + _ANSWER_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        is_charge_refundable=inquiry,
        payment_intent=charge["payment_intent"],
        payment_method_details={
            "type": "card",
            "card": {
                "brand": card.brand,
                "case_type": "inquiry" if inquiry else "chargeback",
                "network_reason_code": "83",
            },
        },
        reason=reason,
        status="warning_needs_response" if inquiry else "needs_response",
    )
    charge["disputed"] = True
    world.put(charge)
    if not inquiry:
        _move(world, dispute, -amount, fee=money.DISPUTE_FEE, words=f"Chargeback withdrawal for {charge['id']}")
    world.put(dispute)
    emit(world, "charge.dispute.created", dispute)
    if not inquiry:
        emit(world, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def decide(world: World, dispute: Object, *, won: bool) -> Object:
    """The bank decides. What was won comes back, the fee does not."""
    if dispute["status"] not in _OPEN:
        raise unexpected_state("dispute", f"This dispute is {dispute['status']} already.")
    inquiry = dispute["status"].startswith("warning")
    dispute["status"] = "warning_closed" if inquiry else "won" if won else "lost"
    if won and not inquiry:
        _move(world, dispute, dispute["amount"], words=f"Chargeback reversal for {dispute['charge']}")
        world.put(dispute)
        emit(world, "charge.dispute.funds_reinstated", dispute)
    world.put(dispute)
    emit(world, "charge.dispute.closed", dispute)
    return dispute


@timer("charge.dispute")
def _card_disputes(world: World, name: str) -> None:
    """Cards whose owners dispute: https://docs.stripe.com/testing#disputes."""
    charge = world.get("charge", name)
    card = card_of(world.get("payment_method", charge["payment_method"]))
    open_dispute(world, charge, reason=card.dispute or "fraudulent", inquiry=card.inquiry)


@operation("GetDisputes", "charge payment_intent", lists=True)
def list_disputes(call: Call) -> Answer:
    """Disputes, newest first."""
    where = {name: call.asked[name] for name in ("charge", "payment_intent") if name in call.asked}
    return call.world.page("dispute", call.asked, **where)


@operation("GetDisputesDispute")
def retrieve(call: Call) -> Answer:
    """One dispute."""
    return call.world.get("dispute", call.id)


@operation("PostDisputesDispute", "evidence metadata submit")
def update(call: Call) -> Answer:
    """Give evidence; submitted, unless ``submit`` is false, it goes to the bank.

    https://docs.stripe.com/disputes/api, https://docs.stripe.com/testing#evidence
    """
    world, dispute = call.world, call.world.get("dispute", call.id)
    if dispute["status"] not in _OPEN:
        raise unexpected_state("dispute", f"This dispute is already closed: {dispute['status']}.")
    given = call.asked.get("evidence") or {}
    dispute["evidence"] |= given
    details = dispute["evidence_details"]
    details["has_evidence"] = details["has_evidence"] or bool(given)
    change_metadata(dispute, call.asked)
    if given and call.asked.get("submit", True):
        details["submission_count"] += 1
        dispute["status"] = dispute["status"].replace("needs_response", "under_review")
    world.put(dispute)
    emit(world, "charge.dispute.updated", dispute, {})
    decision = _DECISIVE.get(str(given.get("uncategorized_text")))
    return dispute if decision is None else decide(world, dispute, won=decision)


@operation("PostDisputesDisputeClose")
def close(call: Call) -> Answer:
    """Accept that it is lost: https://docs.stripe.com/api/disputes/close."""
    return decide(call.world, call.world.get("dispute", call.id), won=False)


def _move(world: World, dispute: Object, amount: int, *, words: str, fee: int = 0) -> None:
    moved = money.move(
        world,
        "adjustment",
        amount,
        source=dispute["id"],
        currency=dispute["currency"],
        fee=fee,
        description=words,
        category="dispute" if amount < 0 else "dispute_reversal",
    )
    dispute["balance_transactions"].append(moved)


def _no_evidence(world: World) -> dict[str, Any]:
    return world.document.blank("dispute_evidence") | {"enhanced_evidence": {}}
