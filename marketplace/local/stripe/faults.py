"""Faults on demand: what a network and a processor can do to a request.

Kinds: ``error`` (500, nothing happened), ``effect_then_error`` (500, but it happened), ``drop`` (the connection breaks
before), ``effect_then_drop`` (it happened, and the connection broke before the answer), ``rate_limit`` (429), ``slow``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marketplace.local.stripe.errors import StripeError
from marketplace.local.stripe.state import World

KINDS = ("error", "effect_then_error", "drop", "effect_then_drop", "rate_limit", "slow")


@dataclass(frozen=True)
class Fault:
    """What befalls one request."""

    kind: str
    seconds: float

    @property
    def after_effect(self) -> bool:
        """Does the request do what it asks for all the same?"""
        return self.kind in ("effect_then_error", "effect_then_drop", "slow")

    @property
    def drops(self) -> bool:
        """Does the connection break?"""
        return self.kind in ("drop", "effect_then_drop")


def plan(world: World, *, kind: str, times: int, operation: str | None, seconds: float) -> None:
    """Have the next requests fail: all, or those of one operation of the document."""
    planned = world.fact("faults", [])
    world.settle("faults", [*planned, {"kind": kind, "times": times, "operation": operation, "seconds": seconds}])


def next_for(world: World, operation: str) -> Fault | None:
    """What befalls this request; what was planned first comes first."""
    planned: list[dict[str, Any]] = world.fact("faults", [])
    for fault in planned:
        if fault["operation"] in (None, operation):
            fault["times"] -= 1
            world.settle("faults", [other for other in planned if other["times"] > 0])
            return Fault(fault["kind"], fault["seconds"])
    return None


def refusal(fault: Fault) -> StripeError:
    """How Stripe words it: https://docs.stripe.com/error-low-level, https://docs.stripe.com/rate-limits."""
    if fault.kind == "rate_limit":
        return StripeError(
            "Request rate limit exceeded. You can learn more about rate limits here "
            "https://stripe.com/docs/rate-limits.",
            status=429,
            code="rate_limit",
        )
    return StripeError("An unknown error occurred", status=500, kind="api_error")
