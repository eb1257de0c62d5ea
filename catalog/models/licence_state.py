"""Which state of a licence may follow which. The graph checks itself when it is loaded; the database follows it too."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models


class LicenceState(models.TextChoices):
    """Where a licence stands. One that is suspended comes back; one that is revoked never does."""

    IN_FORCE = "in_force", "in force"
    SUSPENDED = "suspended", "suspended"
    REVOKED = "revoked", "revoked"
    EXPIRED = "expired", "expired"


_S = LicenceState

NEXT: Mapping[str, frozenset[str]] = {
    _S.IN_FORCE: frozenset({_S.SUSPENDED, _S.REVOKED, _S.EXPIRED}),
    _S.SUSPENDED: frozenset({_S.IN_FORCE, _S.REVOKED}),
    # Money may go back after the licence was over.
    _S.EXPIRED: frozenset({_S.REVOKED}),
    _S.REVOKED: frozenset(),
}


def moves() -> list[tuple[str, str]]:
    """Every step of the graph."""
    return [(str(state), str(to)) for state, following in NEXT.items() for to in sorted(following)]


def _check() -> None:
    """Every state has its line and can be reached from the grant, and every state can be ended by revoking."""
    if set(NEXT) != set(_S.values):
        raise ValueError(f"states without a line in the graph: {set(_S.values) ^ set(NEXT)}")
    reached, frontier = {str(_S.IN_FORCE)}, [str(_S.IN_FORCE)]
    while frontier:
        following = NEXT[frontier.pop()] - reached
        reached |= following
        frontier.extend(following)
    if reached != set(_S.values):
        raise ValueError(f"states that no licence can reach: {set(_S.values) - reached}")
    kept = {state for state, following in NEXT.items() if _S.REVOKED not in following} - {_S.REVOKED}
    if kept:
        raise ValueError(f"states in which a licence cannot be revoked: {kept}")
    if NEXT[_S.REVOKED]:
        raise ValueError("a revoked licence never comes back")


_check()
