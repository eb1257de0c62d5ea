"""Taking a piece of work, keeping it, and ending it: by token, by the database's clock."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import DatabaseError, IntegrityError, InterfaceError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from marketplace.work.faults import LeaseLost, PlatformFault, WorkFault
from marketplace.work.kinds import kind
from marketplace.work.models import Piece

log = logging.getLogger(__name__)


@dataclass
class Lease:
    """A piece that this process works on. ``lost`` is set when somebody else took it, or it was cancelled.

    Locks are taken from a subject to its pieces, never the other way: what ends a run locks the run and then takes back
    its pieces, so whoever works on a piece must not hold that row while it locks the run.
    """

    piece: UUID
    kind: str
    subject: UUID
    token: UUID
    attempt: int
    lost: threading.Event = field(default_factory=threading.Event)
    finished: bool = False
    _stops: list[Callable[[], None]] = field(default_factory=list)

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Do the last writes of the piece and mark it done, in one transaction.

        Raises LeaseLost, and keeps nothing, when the token is no longer ours, at the beginning or by the end.
        """
        with transaction.atomic():
            self._require_token()
            yield
            ended = self._held().update(state=Piece.State.DONE, token=None, leased_until=None, finished_at=Now())
            if not ended:
                raise LeaseLost
        self.finished = True

    def check(self) -> None:
        """Raise LeaseLost if the heartbeat found that the lease is gone."""
        if self.lost.is_set():
            raise LeaseLost

    @contextmanager
    def stopping(self, stop: Callable[[], None]) -> Iterator[None]:
        """Have ``stop`` called, from the heartbeat's thread, as soon as the lease is lost while the body runs.

        Raises LeaseLost at the end of the body if it was.
        """
        self._stops.append(stop)
        try:
            self.check()
            yield
        finally:
            self._stops.remove(stop)
        self.check()

    def lose(self) -> None:
        """Note that the lease is gone, and stop what goes on under it."""
        self.lost.set()
        for stop in tuple(self._stops):
            stop()

    def fail(self, fault: WorkFault) -> None:
        """Mark the piece failed and let its kind record it on the subject, in one transaction. Raises LeaseLost."""
        with transaction.atomic():
            self._require_token()
            _fail(self.piece, self.kind, self.subject, fault, Q(token=self.token))
        self.finished = True

    def put_back(self, fault: WorkFault) -> None:
        """Offer the piece again after its kind's pause, or give up when it was tried as often as its kind says."""
        of_kind = kind(self.kind)
        if self.attempt >= of_kind.attempts:
            self.fail(fault)
            return
        due = {"due_at": Now() + of_kind.backoff * self.attempt, "hinted_at": None, "fault_message": fault.message}
        try:
            with transaction.atomic():
                self._held().update(state=Piece.State.DUE, token=None, leased_until=None, **due)
        except IntegrityError:
            # Somebody asked for the same meanwhile: that piece stands for this one.
            self._held().update(
                state=Piece.State.CANCELLED,
                token=None,
                leased_until=None,
                finished_at=Now(),
                fault_message=fault.message,
            )
        self.finished = True

    def _held(self) -> QuerySet[Piece]:
        return Piece.objects.filter(id=self.piece, token=self.token)

    def _require_token(self) -> None:
        if not self._held().exists():
            raise LeaseLost


def claim(piece_id: UUID) -> Lease | None:
    """Take a due piece, or one whose lease lapsed. ``None`` when there is nothing to take.

    A piece that was started as often as its kind says, and never ended, is given up here.
    """
    piece = Piece.objects.claimable().filter(id=piece_id).first()
    if piece is None:
        return None
    of_kind = kind(piece.kind)
    if piece.attempts >= of_kind.attempts:
        _give_up_on_silence(piece)
        return None
    token = uuid4()
    taken = (
        Piece.objects.claimable()
        .filter(id=piece_id, attempts=piece.attempts)
        .update(
            state=Piece.State.LEASED,
            token=token,
            attempts=F("attempts") + 1,
            leased_until=Now() + of_kind.lease,
            holder=f"{socket.gethostname()}:{os.getpid()}"[:120],
        )
    )
    if not taken:
        return None
    return Lease(piece.id, piece.kind, piece.subject, token, piece.attempts + 1)


@contextmanager
def heartbeat(lease: Lease) -> Iterator[None]:
    """Extend the lease from a thread of its own while the body runs; set ``lease.lost`` when that no longer works."""
    period = kind(lease.kind).lease
    stop = threading.Event()
    thread = threading.Thread(target=_beat, args=(lease, period, stop), name=f"heartbeat {lease.piece}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _beat(lease: Lease, period: timedelta, stop: threading.Event) -> None:
    try:
        while not stop.wait(period.total_seconds() / 3):
            try:
                held = Piece.objects.filter(id=lease.piece, token=lease.token).update(leased_until=Now() + period)
            except (DatabaseError, InterfaceError) as error:
                # The database may be back before the lease lapses; finishing checks the token in any case.
                log.warning("No heartbeat for %s: %s", lease.piece, error)
                connection.close()
                continue
            if not held:
                lease.lose()
                return
    finally:
        connection.close()


def _give_up_on_silence(piece: Piece) -> None:
    silent = Piece.objects.claimable().filter(id=piece.id, attempts=piece.attempts)
    message = piece.fault_message or f"The worker died {piece.attempts} times while it did this."
    with contextlib.suppress(LeaseLost), transaction.atomic():
        if silent.exists():
            _fail(piece.id, piece.kind, piece.subject, PlatformFault(message), Q(attempts=piece.attempts))


def _fail(piece_id: UUID, name: str, subject: UUID, fault: WorkFault, held: Q) -> None:
    """Give up on the subject, then mark the piece failed if it is still the one that ``held`` says.

    In this order, because locks go from the subject to its pieces. Giving up may take back all pieces of the subject,
    this one among them. Raises LeaseLost.
    """
    kind(name).give_up(subject, fault)
    ended = Piece.objects.filter(held | Q(state=Piece.State.CANCELLED), id=piece_id).update(
        state=Piece.State.FAILED,
        token=None,
        leased_until=None,
        finished_at=Now(),
        fault_owner=fault.owner,
        fault_message=fault.message,
    )
    if not ended:
        raise LeaseLost
