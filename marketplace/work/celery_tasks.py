"""What Celery knows of work: perform one piece, and sweep."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from marketplace.celery import app
from marketplace.work.faults import LeaseLost, PlatformFault, WorkFault
from marketplace.work.kinds import kind, sweeps
from marketplace.work.leases import Lease, claim, heartbeat
from marketplace.work.models import Piece
from marketplace.work.queue import TASK, hint

log = logging.getLogger(__name__)

_HINTS_A_SWEEP = 500


@app.task(name=TASK)
def perform(piece_id: str) -> None:
    """Take the piece if it is still there to be taken, and do it under a heartbeat."""
    lease = claim(UUID(piece_id))
    if lease is None:
        return
    try:
        with heartbeat(lease):
            _perform(lease)
    except LeaseLost:
        log.warning("%s of %s was taken from this worker; this attempt is discarded.", lease.kind, lease.subject)


@app.task(name="work.sweep")
def sweep() -> None:
    """Send again what should be under way and is not, then let each part look for what it missed."""
    unseen = Q(hinted_at__isnull=True) | Q(hinted_at__lt=Now() - timedelta(seconds=settings.WORK_HINT_SECONDS))
    with transaction.atomic():
        hint(Piece.objects.claimable().filter(unseen).order_by("due_at")[:_HINTS_A_SWEEP])
    for part in sweeps():
        try:
            part()
        except Exception:
            log.exception("The sweep %s.%s failed; the others go on.", part.__module__, part.__qualname__)


def _perform(lease: Lease) -> None:
    try:
        kind(lease.kind).perform(lease)
        if not lease.finished:
            with lease.finishing():
                pass
    except LeaseLost:
        raise
    except WorkFault as fault:
        if fault.again:
            lease.put_back(fault)
        else:
            lease.fail(fault)
    except Exception as error:
        log.exception("%s of %s failed at attempt %d.", lease.kind, lease.subject, lease.attempt)
        # The first line alone: databases quote the row they refused behind it.
        words = str(error).partition("\n")[0].replace("\0", "\ufffd")
        lease.put_back(PlatformFault(f"{type(error).__name__}: {words}"))
