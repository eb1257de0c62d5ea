"""What a worker process keeps between shards: a warm runner, and the state of the run that it works on."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from uuid import uuid4

from django.conf import settings

from generation.runner import Checked, Description, JobSpec, Mark, Runner, RunnerFault, ShardPlan
from generation.runs.models import GeneratorVersion, Run, Shard, Source
from generation.sdk.media import ALGORITHMIC, TRAINED
from marketplace import storage
from marketplace.work.faults import BuyerFault, PlatformFault, SellerFault, WorkFault
from marketplace.work.leases import Lease

#: What a runner may take at least, so that one warm runner serves every step of most runs.
MEMORY_MIB = 2048

#: Where a parsed source keeps the rows that fitting must not see.
HOLDOUT = "holdout/"

#: The runner of this process, warm since its last shard; another generator replaces it.
_warm: dict[str, Runner] = {}

#: A folder of scratch is named by what it is for, the process that made it, and something of its own.
_OWNER = re.compile(r"[a-z]+-(\d+)-[0-9a-f-]{36}")


def scratch(purpose: str) -> Path:
    """A new empty folder on this worker's disk; the caller removes it, or ``remove_leftovers`` once we have died."""
    folder = settings.SCRATCH_DIR / f"{purpose}-{os.getpid()}-{uuid4()}"
    folder.mkdir(parents=True)
    return folder


def remove_leftovers() -> None:
    """Remove from this machine's disk what dead processes left: they may have been reading an upload."""
    for folder in settings.SCRATCH_DIR.iterdir():
        owner = _OWNER.fullmatch(folder.name)
        if owner and not _is_alive(int(owner[1])):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """A folder on this worker's disk that is gone afterwards, whatever happens."""
    folder = scratch(purpose)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def warm_runner(
    version: GeneratorVersion, memory_mib: int = MEMORY_MIB, lease: Lease | None = None
) -> Iterator[Runner]:
    """The runner of this process for ``version``, kept warm unless what is done with it fails.

    It is killed as soon as ``lease`` is lost: nobody waits for what a cancelled run would still make. Raises LeaseLost
    then.
    """
    key = f"{version.reference} {version.digest} {memory_mib}"
    if key not in _warm:
        discard_runner()
        remove_leftovers()
        runner = Runner(version.reference, scratch=settings.SCRATCH_DIR, memory_mib=memory_mib)
        runner.__enter__()
        _warm[key] = runner
    runner = _warm[key]
    try:
        with lease.stopping(runner.kill) if lease else nullcontext():
            yield runner
    except BaseException:
        discard_runner()
        raise


def discard_runner() -> None:
    """Kill the warm runner of this process, if there is one."""
    while _warm:
        _, runner = _warm.popitem()
        runner.kill()


@contextmanager
def faults_of_the_runner() -> Iterator[None]:
    """Turn what the runner says of a failure into a fault of work, with the same owner."""
    try:
        yield
    except RunnerFault as fault:
        owners: dict[str, type[WorkFault]] = {"seller": SellerFault, "buyer": BuyerFault, "platform": PlatformFault}
        raise owners[fault.owner](_with_last_words(fault), again=fault.again) from fault


def checked(version: GeneratorVersion, job: JobSpec, lease: Lease) -> tuple[Description, Checked]:
    """What the generator says of itself and of a job. Raises BuyerFault with all problems of the job, if it has any."""
    with warm_runner(version, lease=lease) as runner:
        description, answer = runner.describe(), runner.check(job)
    if answer.problems:
        raise BuyerFault(" ".join(f"{p.field}: {p.message} {p.remedy}" for p in answer.problems))
    return description, answer


def memory_mib(checked: Checked) -> int:
    """The memory that the runner of a job is given: what the generator says it needs, and no less than usual."""
    return MEMORY_MIB if checked.needs is None else max(MEMORY_MIB, checked.needs.memory_mib)


def job(run: Run) -> JobSpec:
    """The run as the runner takes it."""
    return JobSpec(
        generator=run.generator.reference,
        params=run.parameters,
        units=run.units,
        seed=bytes(run.seed).hex(),
        facts=None if run.source is None else run.source.facts,
        digest=run.generator.digest,
    )


def shard_plan(run: Run, shard: Shard) -> ShardPlan:
    """The shard as the runner takes it."""
    return ShardPlan(
        split=shard.split,
        number=shard.number,
        of=shard.of,
        first_block=shard.first_block,
        blocks=shard.blocks,
        first_unit=shard.first_unit,
        units=shard.units,
        block=run.plan["block"],
    )


def mark(version: GeneratorVersion, recipe_digest: str, *, fitted: bool) -> Mark:
    """The mark of synthetic origin that every file carries; ``fitted`` says whether it was learnt from a source."""
    return Mark(
        digital_source_type=TRAINED if fitted else ALGORITHMIC,
        generator=str(version.generator),
        version=version.number,
        recipe=f"sha256:{recipe_digest}",
    )


def state_folder(run: Run) -> Path:
    """The run's state on this worker's disk, fetched once by this process and checked; states of other runs go."""
    folder: Path = settings.SCRATCH_DIR / f"state-{os.getpid()}-{run.id}"
    if folder.exists():
        return folder
    for other in settings.SCRATCH_DIR.glob(f"state-{os.getpid()}-*"):
        shutil.rmtree(other, ignore_errors=True)
    with scratch_folder("fetched") as partial:
        for file in run.state_in_use:
            storage.download(file.key, partial / file.name)
            if _sha256(partial / file.name) != file.sha256:
                raise PlatformFault(f"The state file {file.name} is not what was stored.")
        partial.rename(folder)
    return folder


@contextmanager
def source_folder(source: Source | None) -> Iterator[Path | None]:
    """The parsed source on this worker's disk for as long as it is read, or ``None``."""
    if source is None:
        yield None
        return
    if source.state != Source.State.UNDERSTOOD:
        raise BuyerFault("The uploaded file is gone. Upload it again and order anew.")
    with scratch_folder("source") as folder:
        # The hold-out stays away: fitting must never see it.
        for file in source.files.exclude(name__startswith=HOLDOUT):
            storage.download(file.key, folder / file.name)
        yield folder


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _with_last_words(fault: RunnerFault) -> str:
    last = fault.log.strip().splitlines()[-1:] if fault.log else []
    return " ".join([fault.message, *last])[:2000]
