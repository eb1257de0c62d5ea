"""The registry of checks of what DESIGN.md calls "Always true".

Each part registers functions in its own ``doctor`` module; ``manage.py doctor`` (in ``marketplace.site``) runs them all
on the living system. A check yields one ``Fault`` for each thing that is not as promised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One broken promise: the thing (kind and id) and what is wrong with it."""

    subject: str
    message: str


CheckFunction = Callable[[], Iterator[Fault]]


@dataclass(frozen=True)
class Check:
    """A registered check: which promise it guards, its name, and the function that looks."""

    promise: int
    name: str
    function: CheckFunction


_checks: dict[str, Check] = {}


def check(*, promise: int) -> Callable[[CheckFunction], CheckFunction]:
    """Register a function that looks whether promise ``promise`` of "Always true" (1 to 7) holds.

    Raises ValueError for another number and for a name that is taken.
    """
    if promise not in range(1, 8):
        raise ValueError(f"DESIGN.md has seven promises; {promise} is none of them")

    def register(function: CheckFunction) -> CheckFunction:
        name = f"{function.__module__}.{function.__qualname__}"
        if name in _checks:
            raise ValueError(f"the check {name} is registered twice")
        _checks[name] = Check(promise, name, function)
        return function

    return register


def checks() -> list[Check]:
    """All registered checks by promise, then by name."""
    return sorted(_checks.values(), key=lambda check: (check.promise, check.name))
