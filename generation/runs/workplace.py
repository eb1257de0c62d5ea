"""What a worker process keeps between shards: a warm runner, and the state of the run that it works on."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings

from generation.runner import Checked, Description, JobSpec, Mark, Runner, RunnerFault, ShardPlan
from generation.runs.models import GeneratorVersion, Run, Shard, Source
from generation.sdk.media import ALGORITHMIC, COMPOSITE, TRAINED
from marketplace import storage
from marketplace.work.faults import BuyerFault, PlatformFault, SellerFault, WorkFault
from marketplace.work.leases import Lease

#: What a runner may take at least, so that one warm runner serves every step of most runs.
MEMORY_MIB = 2048

#: Where a parsed source keeps the rows that fitting must not see.
HOLDOUT = "holdout/"

_FOLDER = re.compile(r"[a-z]+-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

#: The runner of this process, warm since its last shard; another generator replaces it.
_warm: dict[str, Runner] = {}

#: The state of the run that this process works on, by the attempt that prepared it; another one replaces it.
_states: dict[UUID | None, tuple[Path, ExitStack]] = {}


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """A new folder on this worker's disk that is gone afterwards, whatever happens.

    It is locked as long as this process lives: of a process that was killed, the next one removes what it left.
    """
    clear_scratch()
    folder = settings.SCRATCH_DIR / f"{purpose}-{uuid4()}"
    with _fence(fcntl.LOCK_SH):
        folder.mkdir()
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def clear_scratch() -> None:
    """Remove the folders on this worker's disk whose process has died: an upload may lie there."""
    with _fence(fcntl.LOCK_EX):
        for folder in settings.SCRATCH_DIR.iterdir():
            if _FOLDER.fullmatch(folder.name) and folder.is_dir() and not _is_held(folder):
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _fence(kind: int) -> Iterator[None]:
    """Keep the making of folders (shared) and the removal of dead ones (exclusive) apart."""
    settings.SCRATCH_DIR.mkdir(parents=True, exist_ok=True)
    fence = os.open(settings.SCRATCH_DIR, os.O_RDONLY)
    try:
        fcntl.flock(fence, kind)
        yield
    finally:
        os.close(fence)


def _is_held(folder: Path) -> bool:
    """Whether a living process holds the lock on ``folder``; one that has gone meanwhile counts as held."""
    try:
        lock = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


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
    learnt = COMPOSITE if version.keeps_rows else TRAINED
    return Mark(
        digital_source_type=learnt if fitted else ALGORITHMIC,
        generator=str(version.generator),
        version=version.number,
        recipe=f"sha256:{recipe_digest}",
    )


def state_folder(run: Run) -> Path:
    """The run's state on this worker's disk, fetched once by this process and checked; states of other runs go."""
    if run.prepared not in _states:
        forget_states()
        with ExitStack() as held:
            folder = held.enter_context(scratch_folder("state"))
            for file in run.state_in_use:
                storage.download(file.key, folder / file.name)
                if _sha256(folder / file.name) != file.sha256:
                    raise PlatformFault(f"The state file {file.name} is not what was stored.")
            _states[run.prepared] = (folder, held.pop_all())
    return _states[run.prepared][0]


def forget_states() -> None:
    """Remove the state that this process has on its disk."""
    while _states:
        _, (_, held) = _states.popitem()
        held.close()


@contextmanager
def source_folder(source: Source | None, *, holdout: bool = False) -> Iterator[Path | None]:
    """The parsed source on this worker's disk for as long as it is read, or ``None``.

    ``holdout`` brings the rows withheld as well, for the platform's own measures and for generators that keep rows:
    fitting must never see them.
    """
    if source is None:
        yield None
        return
    if source.state != Source.State.UNDERSTOOD:
        raise BuyerFault("The uploaded file is gone. Upload it again and order anew.")
    with scratch_folder("source") as folder:
        for file in source.files.all() if holdout else source.files.exclude(name__startswith=HOLDOUT):
            (folder / file.name).parent.mkdir(exist_ok=True)
            storage.download(file.key, folder / file.name)
        yield folder


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _with_last_words(fault: RunnerFault) -> str:
    last = fault.log.strip().splitlines()[-1:] if fault.log else []
    return " ".join([fault.message, *last])[:2000]
