"""Which state of a licence may follow which. The graph checks itself when it is loaded; the database follows it too."""

from __future__ import annotations

from django.db import models

from marketplace.work.states import graph


class LicenceState(models.TextChoices):
    """Where a licence stands. One that is suspended comes back; one that is revoked never does."""

    IN_FORCE = "in_force", "in force"
    SUSPENDED = "suspended", "suspended"
    REVOKED = "revoked", "revoked"
    EXPIRED = "expired", "expired"


_S = LicenceState

NEXT = graph(
    {
        _S.IN_FORCE: {_S.SUSPENDED, _S.REVOKED, _S.EXPIRED},
        _S.SUSPENDED: {_S.IN_FORCE, _S.REVOKED},
        # Money may go back after the licence was over.
        _S.EXPIRED: {_S.REVOKED},
        _S.REVOKED: set(),
    },
    first=_S.IN_FORCE,
    ends={_S.REVOKED},
    states=set(_S.values),
)


def moves() -> list[tuple[str, str]]:
    """Every step of the graph."""
    return [(str(state), str(to)) for state, following in NEXT.items() for to in sorted(following)]
