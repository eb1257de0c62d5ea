"""The kinds of work. ``work`` knows them by name; each part registers its own in its ``tasks`` module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from django.conf import settings

from marketplace.work.faults import WorkFault

if TYPE_CHECKING:
    from marketplace.work.leases import Lease

Queue = Literal["generation", "publishing", "housekeeping", "interactive"]


@dataclass(frozen=True)
class Kind:
    """How one kind of work is done.

    ``perform`` does it under a lease and must be harmless when done twice; ``give_up`` records on the subject that it
    will not happen, in the same transaction that marks the piece failed. ``attempts`` counts every start, also those
    whose process died; ``backoff`` is the pause before an attempt that follows an unexpected error.
    """

    name: str
    queue: Queue
    perform: Callable[[Lease], None]
    give_up: Callable[[UUID, WorkFault], None]
    lease: timedelta = timedelta(seconds=settings.WORK_LEASE_SECONDS)
    attempts: int = 3
    backoff: timedelta = timedelta(seconds=2)


#: Looks for what a part waits for and was released unseen, and sets it going again.
Sweep = Callable[[], None]

_kinds: dict[str, Kind] = {}
_sweeps: list[Sweep] = []


def register(kind: Kind) -> Kind:
    """Make a kind known to this process. Raises ValueError for a name that is taken."""
    if kind.name in _kinds:
        raise ValueError(f"the kind of work {kind.name} is registered twice")
    _kinds[kind.name] = kind
    return kind


def kind(name: str) -> Kind:
    """Return the kind called ``name``. Raises LookupError when no installed part registered it."""
    try:
        return _kinds[name]
    except KeyError:
        raise LookupError(f"no part registered the kind of work {name}; known are {sorted(_kinds)}") from None


def register_sweep(sweep: Sweep) -> Sweep:
    """Have ``sweep`` called in every periodic sweep."""
    _sweeps.append(sweep)
    return sweep


def sweeps() -> tuple[Sweep, ...]:
    """The registered sweeps."""
    return tuple(_sweeps)
