"""What was planted in simulated data, looked for in the version: whether it is there, and what a plain model recovers.

It is computed from the version alone, after publishing: nothing of it decides whether the data may be had, and whoever
waits for data is served first. What was learnt from a source is judged before (``judging``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from catalog import attachments
from catalog.models import Version
from generation.runner import judge_answers
from generation.runner.planted import planted_in
from generation.runs import judging, workplace
from generation.runs.documents import dumps
from generation.sdk import Planted
from marketplace.work import queue
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease

ANSWERS: Final = "runs.answers"

#: By then what is made beside it, such as the other shelves of a first start, has mostly been made.
_AFTER = timedelta(minutes=2)
_ROWS = 100_000  # of a table that are read; a model is shown fewer of them
_LIMITS: Mapping[str, Any] = {"memory_mib": 1536, "seconds": 900}


def ask(version: Version) -> None:
    """Have looked for in ``version`` what its answer key says. Called in a transaction.

    What was learnt from a source keeps the report of its judge, which is never remade.
    """
    if version.recipe["source"]["kind"] == "none" and version.attachments.filter(kind="answer-key").exists():
        queue.enqueue(ANSWERS, version.id, delay=_AFTER)


def make(lease: Lease) -> None:
    """Perform ``runs.answers``: attach the report; doing it again attaches the same.

    What was withdrawn meanwhile is left alone.
    """
    version = Version.objects.readable().filter(id=lease.subject).first()
    if version is None:
        return
    documents = {one.kind: one for one in version.attachments.filter(kind__in=("answer-key", "statistics"))}
    planted = planted_in(attachments.load(documents["answer-key"]))
    if planted:
        document = _report(version, planted, attachments.load(documents["statistics"]), lease)
        finding = attachments.store("quality", dumps(document))
        with lease.finishing():
            attachments.put(version, finding)


def give_up(version_id: UUID, fault: WorkFault) -> None:
    """Nothing to record: the page says that it was not judged, and the failed piece is there for staff to see."""


def _report(
    version: Version, planted: Sequence[Planted], statistics: Mapping[str, Any], lease: Lease
) -> dict[str, Any]:
    with workplace.scratch_folder("made") as made, workplace.faults_of_the_runner():
        tables = sorted({one.table for one in planted})
        for name in tables:
            files = version.files.filter(config=name).order_by("split", "first_row", "id")
            judging.store_rows(files, made / f"{name}.parquet", _ROWS, lease)
        return judge_answers(
            made,
            key={"planted": [one.as_json() for one in planted]},
            counted={name: _counted(statistics["tables"][name], name, planted) for name in tables},
            scratch=settings.SCRATCH_DIR,
            seed=version.digest,
            limits=_LIMITS,
            on_progress=lambda *_: lease.check(),
        )


def _counted(table: Mapping[str, Any], name: str, planted: Sequence[Planted]) -> dict[str, Any]:
    """What was counted over all rows of the columns that hold answers."""
    answers = {one.column for one in planted if one.table == name}
    return {
        "rows": table["rows"],
        "values": {one["name"]: one.get("values") for one in table["columns"] if one["name"] in answers},
    }
