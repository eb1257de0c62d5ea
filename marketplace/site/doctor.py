"""Promise 7 as far as work goes: nothing is lost, so nothing lies about untouched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models.functions import Now

from marketplace.doctor import Fault, check
from marketplace.work.models import Piece

_PATIENCE = timedelta(minutes=10)


@check(promise=7)
def leases_do_not_lie_lapsed() -> Iterator[Fault]:
    """A piece whose lease lapsed long ago shows that no sweep runs, or no worker."""
    for piece in Piece.objects.filter(state=Piece.State.LEASED, leased_until__lt=Now() - _PATIENCE).iterator():
        yield Fault(f"piece {piece.id}", f"{piece.kind}: the lease lapsed at {piece.leased_until} and nobody took it.")
