"""A free probe: the first 100 rows or 8 pictures with the very parameters, in a seed domain of their own."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pyarrow.parquet as pq
import rfc8785
from django.db import transaction

from catalog import previews
from generation.runner import JobSpec, ShardPlan
from generation.runs import workplace
from generation.runs.models import GeneratorVersion, Probe, Source
from marketplace import storage
from marketplace.accounts.models import Account
from marketplace.work import queue
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease

PROBE = "runs.probe"
ROWS = 100
PICTURES = 8
_DOMAIN = "probe"


def ask(
    account: Account, generator: GeneratorVersion, parameters: Mapping[str, Any], units: int, source: Source | None
) -> Probe:
    """Have a probe made; it appears when an interactive worker is free. Called in a transaction."""
    probe = Probe.objects.create(
        account=account, generator=generator, parameters=parameters, units=units, source=source
    )
    queue.enqueue(PROBE, probe.id)
    return probe


def make(lease: Lease) -> None:
    """Perform ``runs.probe``."""
    probe = Probe.objects.select_related("generator__generator__account", "source").get(id=lease.subject)
    if probe.state != Probe.State.ASKED:
        return
    with workplace.faults_of_the_runner():
        preview = _preview(probe, lease)
    with lease.finishing():
        probe.state, probe.preview = Probe.State.READY, preview
        probe.save(update_fields=["state", "preview"])
        queue.release(probe.id)


def give_up(probe_id: UUID, fault: WorkFault) -> None:
    """Record why there is no probe."""
    Probe.objects.filter(id=probe_id).update(
        state=Probe.State.FAILED, fault_owner=fault.owner, fault_message=fault.message
    )
    with transaction.atomic():
        queue.release(probe_id)


def picture_of(probe: Probe, sha256: str) -> tuple[bytes, str] | None:
    """The bytes and media type of a picture that this probe shows, or ``None`` if it shows no such picture."""
    for table in (probe.preview or {}).get("tables", []):
        for row in table["rows"]:
            for cell in row:
                if isinstance(cell, dict) and cell.get("picture") == sha256:
                    return storage.read_blob(sha256), str(cell["media"])
    return None


def _preview(probe: Probe, lease: Lease) -> dict[str, Any]:
    job = JobSpec(
        generator=probe.generator.reference,
        params=probe.parameters,
        units=probe.units,
        seed=secrets.token_hex(16),
        domain=_DOMAIN,
        facts=None if probe.source is None else probe.source.facts,
        digest=probe.generator.digest,
    )
    _, checked = workplace.checked(probe.generator, job, lease)
    limit = ROWS if probe.generator.description["modality"] == "tabular" else PICTURES
    plan = _plan(probe.units, limit, checked.kept)
    units = plan.units
    asked = rfc8785.dumps({"domain": _DOMAIN, "parameters": probe.parameters, "units": units})
    digest = hashlib.sha256(asked).hexdigest()
    mark = workplace.mark(probe.generator, digest, fitted=probe.source_id is not None)
    with (
        workplace.scratch_folder("probe") as folder,
        workplace.source_folder(probe.source, holdout=probe.generator.keeps_rows) as source,
        workplace.warm_runner(probe.generator, workplace.memory_mib(checked), lease) as runner,
    ):
        state, out = folder / "state", folder / "out"
        state.mkdir()
        out.mkdir()
        runner.prepare(job, source, state, lambda share, what: lease.check())
        result = runner.shard(job, plan, state, out, mark, lambda units_done, written: lease.check())
        return {
            "tables": [
                previews.table(pq.ParquetFile(file.path), file.table, "probe", limit, _keep) for file in result.files
            ]
        }


def _plan(units: int, limit: int, kept: int) -> ShardPlan:
    """The first units after the ``kept`` ones, up to ``limit``: of a source's own rows none is kept in the database."""
    block = min(limit, units - kept)
    while (first := -(-kept // block)) * block >= units:
        block -= 1
    wanted = min(block, units - first * block)
    return ShardPlan(
        split="probe", number=0, of=1, first_block=first, blocks=1, first_unit=first * block, units=wanted, block=block
    )


def _keep(picture: bytes, media: str) -> str:
    return storage.put_bytes(picture, media).sha256
