"""The second step of a run: shards, each made by whoever is free, in any order, as often as it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db.models import F
from django.db.models.functions import Now

from generation.runner import ShardResult
from generation.runs import lifecycle, recipes, workplace
from generation.runs.models import Run, Shard
from marketplace import storage
from marketplace.work import queue
from marketplace.work.faults import LeaseLost, PlatformFault
from marketplace.work.leases import Lease

_PROGRESS_SECONDS = 1.0


def make_shard(lease: Lease) -> None:
    """Perform ``runs.shard``: make the files, store them as blobs, and note them; the last one starts the assembly."""
    shard = Shard.objects.select_related("run__generator__generator__account", "run__source").get(id=lease.subject)
    run = shard.run
    if run.state != Run.State.GENERATING or shard.made_at is not None:
        return
    Shard.objects.filter(id=shard.id).update(attempts=F("attempts") + 1, units_done=0)
    with workplace.scratch_folder("shard") as out, workplace.faults_of_the_runner():
        with workplace.warm_runner(run.generator, run.plan["memory_mib"], lease) as runner:
            result = runner.shard(
                workplace.job(run),
                workplace.shard_plan(run, shard),
                workplace.state_folder(run),
                out,
                workplace.mark(run.generator, recipes.recipe_digest(run), fitted=run.source_id is not None),
                _progress(lease, shard),
            )
        _check_runtime(run, result)
        for file in result.files:
            lease.check()
            storage.put_blob(file.path, sha256=file.sha256, md5=file.md5, size=file.bytes, content_type=storage.PARQUET)
    with lease.finishing():
        _note(shard, result)


def _progress(lease: Lease, shard: Shard) -> Callable[[int, int], None]:
    """Write the units made to the shard's row at most once a second; stop the work when the lease is gone."""
    last = time.monotonic()

    def progress(units_done: int, written: int) -> None:
        nonlocal last
        lease.check()
        if time.monotonic() - last >= _PROGRESS_SECONDS:
            last = time.monotonic()
            Shard.objects.filter(id=shard.id, made_at=None).update(units_done=units_done)

    return progress


def _check_runtime(run: Run, result: ShardResult) -> None:
    if result.runtime_id != run.runtime_id:
        raise PlatformFault(
            f"This run was planned under runtime {run.runtime_id}, this worker has {result.runtime_id}. "
            "Bring all workers to the same release."
        )


def _note(shard: Shard, result: ShardResult) -> None:
    run = Run.objects.select_for_update(no_key=True).get(id=shard.run_id)
    if run.state != Run.State.GENERATING:
        raise LeaseLost
    shard.files = [_file(file) for file in result.files]
    shard.statistics = result.statistics
    shard.units_done = shard.units
    shard.bytes = sum(file.bytes for file in result.files)
    shard.cpu_seconds = result.usage.generator_cpu_seconds + result.usage.writer_cpu_seconds
    shard.made_at = Now()
    shard.save(update_fields=["files", "statistics", "units_done", "bytes", "cpu_seconds", "made_at"])
    lifecycle.tell(run.id, _told(shard, result))
    if not run.shards.filter(made_at=None).exists():
        lifecycle.advance(run.id, Run.State.ASSEMBLING)
        queue.enqueue(lifecycle.ASSEMBLE, run.id)


def _file(file: Any) -> dict[str, Any]:
    return {"table": file.table, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256}


def _told(shard: Shard, result: ShardResult) -> str:
    rows = sum(file.rows for file in result.files)
    again = "" if shard.attempts < 1 else ", made again"
    return f"Shard {shard.position + 1} done{again}: {rows:,} rows, SHA-256 {result.files[0].sha256[:8]}…"
