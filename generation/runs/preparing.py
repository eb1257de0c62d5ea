"""The first step of a run: check the job, plan its shards, fit or build its state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from django.db import transaction

from generation.runner import Checked, Description, plan
from generation.runner import StateFile as MadeStateFile
from generation.runs import lifecycle, registry, workplace
from generation.runs.models import Run, Shard, StateFile
from marketplace import storage
from marketplace.work import queue
from marketplace.work.faults import BuyerFault, LeaseLost, PlatformFault
from marketplace.work.leases import Lease


def prepare(lease: Lease) -> None:
    """Perform ``runs.prepare``: the run comes out with a layout, a plan, its state in the store, and shards to make."""
    run = Run.objects.select_related("generator__generator__account", "source").get(id=lease.subject)
    if run.state == Run.State.PLANNED:
        with transaction.atomic():
            run = lifecycle.advance(run.id, Run.State.PREPARING)
    if run.state != Run.State.PREPARING:
        return
    job = workplace.job(run)
    with workplace.scratch_folder("prepare") as folder, workplace.faults_of_the_runner():
        description, checked = workplace.checked(run.generator, job, lease)
        memory = workplace.memory_mib(checked)
        with (
            workplace.source_folder(run.source, holdout=run.generator.keeps_rows) as source,
            workplace.warm_runner(run.generator, memory, lease) as runner,
        ):
            files = runner.prepare(job, source, folder, _teller(lease))
        _store(run, folder, files, lease)
    with lease.finishing():
        _plan(run, description, checked, lease.token)


def _teller(lease: Lease) -> Callable[[float, str], None]:
    def tell(share: float, what: str) -> None:
        lease.check()

    return tell


def _store(run: Run, folder: Path, files: Sequence[MadeStateFile], lease: Lease) -> None:
    """Put the state files under private keys of this attempt; what another attempt left is forgotten later."""
    rows = [
        StateFile(
            run=run,
            attempt=lease.token,
            name=made.name,
            key=storage.private_key("states", run.id, f"{lease.token}.{made.name}"),
            bytes=made.bytes,
            sha256=made.sha256,
        )
        for made in files
    ]
    with transaction.atomic():
        # Whoever ends the run meanwhile sees these rows, or is seen here.
        if Run.objects.select_for_update(no_key=True).get(id=run.id).state != Run.State.PREPARING:
            raise LeaseLost
        StateFile.objects.bulk_create(rows)
    for row in rows:
        lease.check()
        storage.put_private(row.key, folder / row.name)


def forget(lease: Lease) -> None:
    """Perform ``runs.forget_state``: delete state that no version needs, of other attempts or of a run that failed.

    Rows of a source that lie in a state are gone as soon as the run has ended, however it did.
    """
    run = Run.objects.select_related("generator").get(id=lease.subject)
    files = run.state_files.all()
    needed = not run.ended or (run.state == Run.State.READY and not run.generator.keeps_rows)
    if run.prepared and needed:
        files = files.exclude(attempt=run.prepared)
    for file in files:
        storage.delete_private(file.key)
        lease.check()
    with lease.finishing():
        StateFile.objects.filter(id__in=[file.id for file in files]).delete()


def _plan(run: Run, description: Description, checked: Checked, attempt: UUID) -> None:
    if checked.layout is None or checked.needs is None:
        raise PlatformFault("The generator found no fault and named no layout.")
    layout, needs = checked.layout, checked.needs
    splits = [(split["name"], split["share"]) for split in run.splits]
    try:
        planned = plan(run.units, layout["block"], needs.seconds_per_block, splits)
    except ValueError as error:
        raise BuyerFault(f"units: {error}") from error
    runtime = registry.record_runtime(description.runtime)
    lifecycle.advance(run.id, Run.State.GENERATING)
    Run.objects.filter(id=run.id).update(
        layout=layout,
        plan={**planned.as_json(), "memory_mib": workplace.memory_mib(checked)},
        runtime=runtime,
        prepared=attempt,
    )
    if run.state_files.exclude(attempt=attempt).exists():
        lifecycle.forget_state(run.id)
    shards = Shard.objects.bulk_create(
        Shard(
            run=run,
            position=position,
            split=shard.split,
            number=shard.number,
            of=shard.of,
            first_block=shard.first_block,
            blocks=shard.blocks,
            first_unit=shard.first_unit,
            units=shard.units,
        )
        for position, shard in enumerate(planned.shards())
    )
    lifecycle.tell(run.id, f"Prepared. {len(shards)} shards in blocks of {planned.block:,} {layout['unit']}s to make.")
    queue.enqueue_all(lifecycle.SHARD, [shard.id for shard in shards])
