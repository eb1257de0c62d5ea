"""A run from planned to its end: who may move it, and what each move sets going.

planned → preparing → generating → assembling → assessing → ready, and from each of them failed or cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from catalog.models import Dataset
from generation.runner.seed import draw_salt, draw_seed
from generation.runs.models import GeneratorVersion, Run, RunEvent, Source
from generation.runs.recipes import seed_commitment
from marketplace.web.schema_forms import completed
from marketplace.work import queue
from marketplace.work.faults import WorkFault

PREPARE = "runs.prepare"
SHARD = "runs.shard"
ASSEMBLE = "runs.assemble"
JUDGE = "runs.judge"
ASSESS = "runs.assess"
FORGET_STATE = "runs.forget_state"

#: By then an attempt that lost its lease has noticed, and uploads nothing more.
_FORGOTTEN_AFTER = timedelta(minutes=2)

_NEXT: dict[str, str] = {
    Run.State.PLANNED: Run.State.PREPARING,
    Run.State.PREPARING: Run.State.GENERATING,
    Run.State.GENERATING: Run.State.ASSEMBLING,
    Run.State.ASSEMBLING: Run.State.ASSESSING,
    Run.State.ASSESSING: Run.State.READY,
}

#: The moment that is noted when a run reaches a state.
_MOMENTS: dict[str, str] = {
    Run.State.GENERATING: "generating_at",
    Run.State.ASSEMBLING: "generated_at",
    Run.State.READY: "ended_at",
}


class RunMoved(Exception):
    """The run is no longer where this work belongs: it was cancelled, failed, or moved on."""


def plan_run(
    *,
    dataset: Dataset,
    generator: GeneratorVersion,
    parameters: Mapping[str, Any],
    units: int,
    splits: Sequence[Mapping[str, Any]] = ({"name": "train", "share": 1.0},),
    source: Source | None = None,
    licensed_to_owner: bool = True,
    thresholds: Sequence[Mapping[str, Any]] = (),
) -> Run:
    """Return a new run that fills ``dataset``, with a seed of its own, and set it going. Called in a transaction.

    ``splits`` is [{"name", "share"}] with shares that add up to 1; ``licensed_to_owner`` grants the dataset's account
    a licence at publishing (an order's buyer gets theirs by paying). What does not keep the ``thresholds``,
    [{"measure", "bound"}], is not published.
    """
    run = Run.objects.create(
        account=dataset.account,
        dataset=dataset,
        generator=generator,
        parameters=completed(generator.description["parameters"], parameters),
        units=units,
        splits=list(splits),
        thresholds=list(thresholds),
        source=source,
        licensed_to_owner=licensed_to_owner,
        seed=draw_seed(),
        salt=draw_salt(),
    )
    tell(run.id, f"Planned {units:,} units of {generator}. Its seed is drawn and committed to: {seed_commitment(run)}.")
    queue.enqueue(PREPARE, run.id)
    return run


def advance(run_id: UUID, to: str) -> Run:
    """Move a run one state on, under its lock. Raises RunMoved when it is not in the state before ``to``.

    Called in a transaction. Reaching READY releases whoever waits for the run.
    """
    run = Run.objects.select_for_update(no_key=True).get(id=run_id)
    if _NEXT.get(run.state) != to:
        raise RunMoved(f"the run is {run.state}, so it does not become {to}")
    run.state = to
    moment = _MOMENTS.get(to)
    if moment is not None:
        setattr(run, moment, Now())
    run.save(update_fields=["state", moment] if moment else ["state"])
    if to == Run.State.READY:
        queue.release(run_id)
    return run


def fail(run_id: UUID, fault: WorkFault) -> None:
    """End a run because of ``fault``; what is left of its work is taken back. Called in a transaction."""
    if _end(run_id, Run.State.FAILED, fault_owner=fault.owner, fault_message=fault.message):
        tell(run_id, f"Failed: {fault.message}")


def cancel(run_id: UUID) -> bool:
    """End a run because nobody wants it any more; ``False`` when it had ended already."""
    with transaction.atomic():
        ended = _end(run_id, Run.State.CANCELLED)
        if ended:
            tell(run_id, "Cancelled. Nothing more is made.")
        return ended


def forget_state(run_id: UUID) -> None:
    """Have the state deleted that no version needs. Called in a transaction."""
    queue.enqueue(FORGET_STATE, run_id, delay=_FORGOTTEN_AFTER)


def tell(run_id: UUID, text: str) -> None:
    """Add a line to the run's log."""
    RunEvent.objects.create(run_id=run_id, text=text[:400])


def _end(run_id: UUID, state: str, **fields: str) -> bool:
    run = Run.objects.select_for_update(no_key=True).get(id=run_id)
    if run.ended:
        return False
    run.state = state
    for name, value in fields.items():
        setattr(run, name, value)
    run.ended_at = Now()
    run.save(update_fields=["state", "ended_at", *fields])
    queue.cancel([run_id], PREPARE, ASSEMBLE, JUDGE, ASSESS)
    queue.cancel(run.shards.filter(made_at=None).values_list("id", flat=True), SHARD)
    if run.state_files.exists():
        forget_state(run_id)
    queue.release(run_id)
    return True
