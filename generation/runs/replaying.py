"""A replay that staff ask for: a piece of work, whose result is the document "replay" of the version."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import transaction

from catalog.models import Version
from generation.runs import replays, workplace
from marketplace.work import queue
from marketplace.work.faults import BuyerFault, WorkFault
from marketplace.work.leases import Lease
from marketplace.work.models import Piece

REPLAY: Final = "runs.replay"


def ask(version: Version) -> None:
    """Have ``version`` made again and compared, when a worker is free."""
    with transaction.atomic():
        queue.enqueue(REPLAY, version.id)


def latest(version: Version) -> Piece | None:
    """The piece of work of the last replay that was asked for: under way, done, or failed and why."""
    return Piece.objects.filter(kind=REPLAY, subject=version.id).order_by("-created_at").first()


def make(lease: Lease) -> None:
    """Perform ``runs.replay``; what was withdrawn meanwhile is left alone."""
    version = Version.objects.readable().filter(id=lease.subject).first()
    if version is None:
        return

    def look(text: str) -> None:
        lease.check()

    try:
        with workplace.faults_of_the_runner():
            replays.replay(version, look, lease)
    except replays.NotReplayable as why:
        raise BuyerFault(str(why)) from why


def give_up(version_id: UUID, fault: WorkFault) -> None:
    """Nothing to record: the failed piece is what the page shows."""
