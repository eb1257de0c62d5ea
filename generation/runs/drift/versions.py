"""How far a version moved from the one before: computed at publishing from the statistics of both, without a row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from catalog import attachments, difference
from catalog.models import ShelfState, Version
from catalog.quality.drift import KIND
from generation.runner import drift_of_pairs
from generation.runs import workplace
from generation.runs.documents import dumps
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease

#: The kind of work that compares a version with the one before.
DRIFT: Final = "runs.drift"
_LIMITS = {"memory_mib": 1024, "seconds": 600}


def make(lease: Lease) -> None:
    """Perform ``runs.drift``; nothing for the first version, a withdrawn one, or where statistics are missing."""
    version = Version.objects.select_related("dataset", "shelf").get(id=lease.subject)
    before = difference.compared_with(version)
    if before is None or version.shelf.state == ShelfState.State.WITHDRAWN:
        return
    counted = [difference.statistics(one) for one in (before, version)]
    pairs = _pairs([{} if one is None else one["tables"] for one in counted])
    if not pairs:
        return
    document = compare(pairs) | {"against": {"number": before.number, "digest": before.digest}}
    difference.attach(before, version, attachments.store(KIND, dumps(document)))


def compare(pairs: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """The document ``lookalike/drift/1`` of sketches or statistics by table: what was before, and what is now."""
    with workplace.scratch_folder("drift") as folder, workplace.faults_of_the_runner():
        path = folder / "pairs.json"
        path.write_text(json.dumps(pairs), encoding="utf-8")
        return drift_of_pairs(path, scratch=settings.SCRATCH_DIR, limits=_LIMITS)


def give_up(version: UUID, fault: WorkFault) -> None:
    """Nothing to record: the page shows no drift, and the failed piece is there for staff to see."""


def _pairs(tables: list[Mapping[str, Any]]) -> dict[str, tuple[Any, Any]]:
    before, after = tables
    return {name: (before[name], counted) for name, counted in after.items() if name in before}
