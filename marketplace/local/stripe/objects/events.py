"""Events: snapshots of what changed, written in the transaction of the change. https://docs.stripe.com/api/events."""

from __future__ import annotations

import time
from typing import Any

from marketplace.local.stripe.operations import Answer, Call, operation
from marketplace.local.stripe.rendering import public
from marketplace.local.stripe.state import Object, World

#: How long a contrary world keeps an event back, so that later ones can come before it.
_LATE_SECONDS = 0.6
#: When the deliveries of a paused world are due.
NEVER = float(1 << 60)


def emit(world: World, kind: str, about: Object, previous: dict[str, Any] | None = None) -> None:
    """Tell of a change. Who listens: https://docs.stripe.com/webhooks; events may come late and in any order."""
    data: dict[str, Any] = {"object": public(about)}
    if previous is not None:
        data["previous_attributes"] = previous
    listeners = [endpoint for endpoint in world.seen_by("").all("webhook_endpoint") if _listens(world, endpoint, kind)]
    event = world.make(
        "event",
        type=kind,
        api_version=world.document.version,
        data=data,
        pending_webhooks=len(listeners),
        request={"id": world.request_id, "idempotency_key": world.idempotency_key},
        **({"account": world.account} if world.account else {}),
    )
    if world.fact("lose", 0):
        world.settle("lose", world.fact("lose") - 1)
        return
    twice = world.fact("duplicate", 0)
    if twice:
        world.settle("duplicate", twice - 1)
    due = NEVER if world.fact("paused", False) else time.time() + (_LATE_SECONDS if world.contrary else 0.0)
    for endpoint in listeners:
        for _ in range(2 if twice else 1):
            world.store.database.execute(
                "INSERT INTO deliveries (world, event, endpoint, due) VALUES (?, ?, ?, ?)",
                [world.key, event["id"], endpoint["id"], due],
            )


def _listens(world: World, endpoint: Object, kind: str) -> bool:
    """An endpoint hears of the platform itself or, if made with ``connect``, of connected accounts only."""
    named = endpoint["enabled_events"]
    return (
        endpoint["status"] == "enabled"
        and endpoint["_connect"] == bool(world.account)
        and ("*" in named or kind in named)
    )


@operation("GetEvents", "type types delivery_success", lists=True)
def list_events(call: Call) -> Answer:
    """Events, newest first: https://docs.stripe.com/api/events/list."""
    kinds = call.asked.get("types") or [call.asked["type"]] if "type" in call.asked or "types" in call.asked else None
    if kinds is None:
        return call.world.page("event", call.asked)
    return call.world.page("event", call.asked, type=kinds)


@operation("GetEventsId")
def retrieve_event(call: Call) -> Answer:
    """One event."""
    return call.world.get("event", call.id)
