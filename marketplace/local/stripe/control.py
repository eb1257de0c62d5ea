"""What tests and operators do to a world from outside: ``/_control/…``, JSON in and out, with the world's API key.

It is no part of Stripe's API, and nothing of the product may use it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from marketplace.local.stripe import faults, operations, webhooks
from marketplace.local.stripe.cards import CARDS
from marketplace.local.stripe.errors import StripeError
from marketplace.local.stripe.money import balances, move
from marketplace.local.stripe.objects import accounts, disputes, webhook_endpoints
from marketplace.local.stripe.rendering import public
from marketplace.local.stripe.state import Store, World

Wish = dict[str, Any]
Verb = Callable[[Store, World, Wish], Any]
_VERBS: dict[str, Verb] = {}
_DAYS_AT_MOST = 4_000


def verb(name: str) -> Callable[[Verb], Verb]:
    """Register what a control address does."""

    def register(function: Verb) -> Verb:
        _VERBS[name] = function
        return function

    return register


def obey(store: Store, world: World, name: str, wish: Wish) -> Any:
    """Do what a control address asks. Raises StripeError."""
    if name not in _VERBS:
        raise StripeError(f"There is no control {name}: {', '.join(sorted(_VERBS))}.", status=404)
    with store.transaction():
        operations.pass_time(world)
        return _VERBS[name](store, world, wish)


@verb("reset")
def reset(store: Store, world: World, wish: Wish) -> Any:
    """Forget the whole world."""
    world.reset()
    return {}


@verb("clock")
def clock(store: Store, world: World, wish: Wish) -> Any:
    """Move the world's clock forward by ``seconds``, and have everything happen that was due in between, in order."""
    seconds = float(_need(wish, "seconds"))
    if not 0 <= seconds <= timedelta(days=_DAYS_AT_MOST).total_seconds():
        raise StripeError("The clock goes forward only.", param="seconds")
    there = world.ahead + seconds
    while (due := world.next_due()) is not None and due < time.time() + there:
        world.move_clock(max(due - time.time(), world.ahead))
        operations.pass_time(world)
    world.move_clock(there)
    return {"now": world.now}


@verb("contrary")
def set_contrary(store: Store, world: World, wish: Wish) -> Any:
    """Turn contrary mode on or off for this world."""
    world.settle("contrary", bool(wish.get("on", True)))
    return {}


@verb("tax")
def set_tax(store: Store, world: World, wish: Wish) -> Any:
    """The rate that ``automatic_tax`` finds, in percent."""
    world.settle("tax_percent", str(_need(wish, "percent")))
    return {}


@verb("fail")
def fail(store: Store, world: World, wish: Wish) -> Any:
    """Have the next requests fail; ``operation`` names one of the document's, such as ``PostRefunds``."""
    kind = _need(wish, "kind")
    if kind not in faults.KINDS:
        raise StripeError(f"Unknown fault {kind}: one of {', '.join(faults.KINDS)}.", param="kind")
    faults.plan(
        world,
        kind=kind,
        times=int(wish.get("times", 1)),
        operation=wish.get("operation"),
        seconds=float(wish.get("seconds", 1.0)),
    )
    return {}


@verb("mend")
def mend(store: Store, world: World, wish: Wish) -> Any:
    """Have nothing fail any more that ``fail`` asked for."""
    world.settle("faults", [])
    return {}


@verb("webhooks")
def set_webhooks(store: Store, world: World, wish: Wish) -> Any:
    """``paused``, ``reverse``: until changed. ``duplicate``, ``lose``: of the next events, how many."""
    for name in ("paused", "reverse"):
        if name in wish:
            world.settle(name, bool(wish[name]))
    if "paused" in wish:
        webhooks.hold(store, world) if wish["paused"] else webhooks.let_go(store, world)
    for name in ("duplicate", "lose"):
        if name in wish:
            world.settle(name, int(wish[name]))
    if wish.get("flush"):
        webhooks.let_go(store, world)
    return {}


@verb("take")
def take(store: Store, world: World, wish: Wish) -> Any:
    """Hand over all that waits to be delivered, signed, instead of delivering it."""
    parcels = webhooks.held(store, world)
    for parcel in parcels:
        store.database.execute("DELETE FROM deliveries WHERE number = ?", [parcel.number])
    return [{"url": parcel.url, "body": parcel.body, "signature": parcel.signature} for parcel in parcels]


@verb("endpoint")
def set_endpoint(store: Store, world: World, wish: Wish) -> Any:
    """Have the product's endpoint listen with a secret that it knows already; what it had before stays one."""
    url, secret, connect = _need(wish, "url"), _need(wish, "secret"), bool(wish.get("connect", False))
    for known in world.all("webhook_endpoint", url=url):
        if known["_connect"] == connect:
            return public(world.put(known | {"_secret": secret}))
    return public(webhook_endpoints.add(world, url=url, secret=secret, events=["*"], connect=connect))


@verb("dispute")
def dispute(store: Store, world: World, wish: Wish) -> Any:
    """A buyer disputes a charge."""
    charge = world.get("charge", _need(wish, "charge"), param="charge")
    amount = wish.get("amount")
    opened = disputes.open_dispute(
        world,
        charge,
        amount=None if amount is None else int(amount),
        reason=wish.get("reason", "fraudulent"),
        inquiry=bool(wish.get("inquiry", False)),
    )
    return public(opened)


@verb("decide")
def decide(store: Store, world: World, wish: Wish) -> Any:
    """The bank decides a dispute."""
    found = world.get("dispute", _need(wish, "dispute"), param="dispute")
    return public(disputes.decide(world, found, won=bool(_need(wish, "won"))))


@verb("account")
def account(store: Store, world: World, wish: Wish) -> Any:
    """What becomes of a connected account: ``complete`` it, ``require`` fields ``within`` seconds, ``drain`` it."""
    found = world.get("account", _need(wish, "account"), param="account")
    if wish.get("complete"):
        accounts.complete(world, found)
    if "require" in wish:
        within = wish.get("within")
        by = None if within is None else world.now + int(within)
        accounts.require(world, found, list(wish["require"]), by=by)
    if wish.get("drain"):
        _drain(world.seen_by(found["id"]))
    return public(world.get("account", found["id"]))


@verb("audit")
def audit(store: Store, world: World, wish: Wish) -> Any:
    """Where this world's answers or questions broke the contract."""
    return {"violations": store.violations(world.key)}


@verb("cards")
def cards(store: Store, world: World, wish: Wish) -> Any:
    """The test cards that are known here."""
    return [{"number": card.number, "ids": card.ids} for card in CARDS]


def _drain(there: World) -> None:
    """The account's owner had everything paid out."""
    for currency, (ready, pending) in balances(there).items():
        if ready + pending > 0:
            move(there, "payout", -(ready + pending), source="po_drained", currency=currency)


def _need(wish: Wish, name: str) -> Any:
    if name not in wish:
        raise StripeError(f"Missing: {name}.", param=name)
    return wish[name]
