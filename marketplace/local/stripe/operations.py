"""Which function answers which operation of the document, and what time brings about.

A module under ``objects`` registers its functions when it is loaded. An operation names the parameters that it knows;
one that Stripe's document allows and the stand-in does not know is refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from marketplace.local.stripe.errors import StripeError, unsupported
from marketplace.local.stripe.state import Object, Page, World

Answer = Object | Page


@dataclass(frozen=True)
class Call:
    """What one request asks: its parameters, and the variables of its path."""

    world: World
    asked: dict[str, Any]
    path: dict[str, str]

    @property
    def id(self) -> str:
        """The object that the path names first."""
        return next(iter(self.path.values()))


Handler = Callable[[Call], Answer]


@dataclass(frozen=True)
class Registered:
    """A function, and the parameters that it knows."""

    handler: Handler
    knows: frozenset[str]


_OPERATIONS: dict[str, Registered] = {}
_TIMERS: dict[str, Callable[[World, str], None]] = {}
_ALWAYS = frozenset({"expand"})
_LISTS = frozenset({"limit", "starting_after", "ending_before", "created"})


def operation(name: str, knows: str = "", *, lists: bool = False) -> Callable[[Handler], Handler]:
    """Register a function for an operation of the document."""

    def register(handler: Handler) -> Handler:
        _OPERATIONS[name] = Registered(handler, frozenset(knows.split()) | _ALWAYS | (_LISTS if lists else frozenset()))
        return handler

    return register


def timer(what: str) -> Callable[[Callable[[World, str], None]], Callable[[World, str], None]]:
    """Register what happens to an object when its time has come."""

    def register(happens: Callable[[World, str], None]) -> Callable[[World, str], None]:
        _TIMERS[what] = happens
        return happens

    return register


def answer(name: str, call: Call) -> Answer:
    """Have an operation done. Raises StripeError."""
    found = _OPERATIONS.get(name)
    if found is None:
        raise unsupported(f"the operation {name}")
    for parameter in call.asked:
        if parameter not in found.knows:
            raise unsupported(f"the parameter {parameter} of {name}", param=parameter)
    return found.handler(call)


def pass_time(world: World) -> None:
    """Do everything whose time has come, in order; what cannot happen any more does not."""
    while due := world.due():
        account, what, name = due
        with suppress(StripeError):
            _TIMERS[what](world.seen_by(account), name)


def registered() -> dict[str, frozenset[str]]:
    """All operations that are answered, and the parameters that each knows."""
    return {name: found.knows for name, found in _OPERATIONS.items()}


def only(asked: dict[str, Any], knows: str, where: str) -> dict[str, Any]:
    """An inner object of a request. Raises StripeError for what the stand-in does not know of it."""
    for name in asked:
        if name not in knows.split():
            raise unsupported(f"the parameter {where}[{name}]", param=f"{where}[{name}]")
    return asked


def change_metadata(changed: Object, asked: dict[str, Any]) -> None:
    """Merge metadata: an empty value unsets its key, an empty string all. https://docs.stripe.com/api/metadata."""
    given = asked.get("metadata")
    if given is None:
        return
    if given == "":
        changed["metadata"] = {}
        return
    merged = (changed["metadata"] or {}) | given
    changed["metadata"] = {key: value for key, value in merged.items() if value != ""}


def check_positive(amount: int) -> None:
    """An amount that moves is at least one. Raises StripeError."""
    if amount < 1:
        raise StripeError("Invalid positive integer", code="parameter_invalid_integer", param="amount")


def need(asked: dict[str, Any], name: str) -> Any:
    """A parameter that this operation needs here. Raises StripeError."""
    if name not in asked:
        raise StripeError(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return asked[name]
