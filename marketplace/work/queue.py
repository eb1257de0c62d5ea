"""Saying that something must happen: enqueue, wait, release, cancel. Rows now, hints on commit."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from marketplace.celery import app
from marketplace.work.kinds import kind
from marketplace.work.models import Piece

log = logging.getLogger(__name__)

#: The one Celery task of all work.
TASK = "work.perform"


def enqueue(name: str, subject: UUID, *, after: UUID | None = None, delay: timedelta = timedelta(0)) -> None:
    """Have the work ``name`` happen to ``subject``; with ``after``, once somebody calls ``release(after)``.

    A piece of the same kind, subject and ``after`` that nobody has begun is left as it is; beside one under way, which
    may have looked already, a new one is made. Must be called in a transaction, so that the piece exists if and only if
    what asked for it does. Raises LookupError for an unknown kind.
    """
    kind(name)
    _in_transaction()
    piece = Piece(
        kind=name,
        subject=subject,
        after=after,
        state=Piece.State.WAITING if after else Piece.State.DUE,
        due_at=Now() + delay,
    )
    created = Piece.objects.bulk_create([piece], ignore_conflicts=True)
    if not after and not delay:
        hint(created)


def enqueue_all(name: str, subjects: Iterable[UUID]) -> None:
    """Enqueue one piece of kind ``name`` for each of ``subjects``, in one statement."""
    kind(name)
    _in_transaction()
    pieces = [Piece(kind=name, subject=subject, state=Piece.State.DUE, due_at=Now()) for subject in subjects]
    hint(Piece.objects.bulk_create(pieces, ignore_conflicts=True))


def release(ended: UUID) -> None:
    """Make due whatever waits for ``ended``. Called in the transaction that ends it, by whoever ends it."""
    _in_transaction()
    waiting = Piece.objects.select_for_update(no_key=True).filter(after=ended, state=Piece.State.WAITING)
    released = list(waiting)
    Piece.objects.filter(id__in=[piece.id for piece in released]).update(state=Piece.State.DUE, due_at=Now())
    hint(released)


def catch_up(name: str, subject: UUID, *, ended: UUID) -> None:
    """Set going what should have followed the end of ``ended`` and did not: a sweep found it.

    What waits for ``ended`` is released; if no piece of ``name`` for ``subject`` is left, one is made.
    """
    release(ended)
    if not Piece.objects.unfinished().filter(kind=name, subject=subject).exists():
        enqueue(name, subject)


def cancel(subjects: Iterable[UUID], *kinds: str) -> None:
    """Take back the unfinished pieces of ``kinds`` for ``subjects``; whoever works on one loses the lease."""
    _in_transaction()
    Piece.objects.unfinished().filter(subject__in=list(subjects), kind__in=kinds).update(
        state=Piece.State.CANCELLED, token=None, leased_until=None, finished_at=Now()
    )


def hint(pieces: Iterable[Piece]) -> None:
    """Tell the workers on commit that ``pieces`` are due. A hint that is lost is sent again by the sweep."""
    due = [(piece.id, piece.kind) for piece in pieces]
    if not due:
        return
    Piece.objects.filter(id__in=[piece_id for piece_id, _ in due]).update(hinted_at=Now())
    transaction.on_commit(lambda: _send(due), robust=True)


def _send(due: list[tuple[UUID, str]]) -> None:
    # A hint outlives the one that the sweep sends after it, so that one is always good, and then is worth nothing.
    expires = 2 * settings.WORK_HINT_SECONDS
    try:
        with app.producer_or_acquire() as producer:
            for piece_id, name in due:
                app.send_task(
                    TASK,
                    args=[str(piece_id)],
                    queue=kind(name).queue,
                    producer=producer,
                    retry=False,
                    expires=expires,
                )
    except (OperationalError, OSError) as error:
        log.warning("The broker took no hint of %d pieces (%s); the sweep will send it again.", len(due), error)


def _in_transaction() -> None:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Work is asked for within the transaction that makes it needed.")
