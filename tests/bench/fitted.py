"""Rows from what was learned of a table, on the parts that ``scale`` has started: how fast, in how much memory."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import transaction

from catalog.models import Version
from generation.runs import lifecycle, registry, sources
from generation.runs.models import GeneratorVersion, Run, Source
from marketplace import storage
from tests.bench import tables
from tests.bench.measure import Figure, family, say, timed
from tests.factories import a_dataset, an_account
from tests.workers import Workers, running, until

#: ``BENCH_ROWS`` asks for fewer where ten million take too long.
ROWS = int(os.environ.get("BENCH_ROWS", "10000000"))
LEARNED_ROWS = 48_000
LEVELS_ROWS = 1_200_000
ALLOWED_MIB = 1024.0

_WARMING_ROWS = 200_000
_LOOK_SECONDS = 0.5
_LONGEST_SECONDS = 7200.0
_TIMES = 3


@dataclass
class Memory:
    """The most MiB that one process of any worker has held with its children, shared pages divided (PSS)."""

    most: float = 0.0


@dataclass(frozen=True)
class Made:
    """A run that is ready: the seconds in which its shards were made, and those until it was published; the MiB that a
    worker held at most while it learned, while shards were made, and while they were assembled, judged and published.
    """

    run: Run
    making: float
    published: float
    learning_mib: float
    making_mib: float
    judging_mib: float


def measure() -> None:
    """Measure both tables with two workers, and print the figures."""
    call_command("migrate", verbosity=0)
    storage.ensure_bucket()
    tabular = registry.register("tabular", an_account("house"))
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as home, running(Path(home), generation=2) as workers:
        people = _source(tabular, tables.people(LEARNED_ROWS), workers)
        _made(tabular, people, _WARMING_ROWS, workers)
        many = _made(tabular, people, ROWS, workers)
        alone = _alone(many.run, Path(home))
        levels = _made(tabular, _source(tabular, tables.parts(LEVELS_ROWS), workers), _WARMING_ROWS, workers)
    say(_figures(many, alone, levels))


def _figures(many: Made, alone: float, levels: Made) -> list[Figure]:
    rows = f"{ROWS:,} rows"
    return [
        Figure(f"{rows} from a fitted state", "write_table alone", "2 workers", "rows/s", alone, ROWS / many.making),
        Figure("… until they are published", "made", "published", "s", many.making, many.published),
        _memory("memory of a worker that learns", many.learning_mib),
        _memory("… that makes rows", many.making_mib, limit=1.0),
        _memory("… that judges and publishes them", many.judging_mib),
        _memory("a million levels: that learns", levels.learning_mib),
        _memory("… that makes rows", levels.making_mib, limit=1.0),
        _memory("… that judges and publishes them", levels.judging_mib),
    ]


def _memory(name: str, mib: float, limit: float | None = None) -> Figure:
    return Figure(name, "allowed", "a worker with its children", "MiB", ALLOWED_MIB, mib, limit=limit)


def _source(tabular: GeneratorVersion, body: bytes, workers: Workers) -> Source:
    source = sources.receive(tabular.generator.account, SimpleUploadedFile("table.csv", body))
    _wait(lambda: _state(source) != Source.State.UPLOADED, "the end of parsing", workers)
    source.refresh_from_db()
    if source.state != Source.State.UNDERSTOOD:
        raise RuntimeError(f"the table was refused: {source.problems}")
    return source


def _made(tabular: GeneratorVersion, source: Source, rows: int, workers: Workers) -> Made:
    """Plan a run as the site does, and watch it until it is ready."""
    with transaction.atomic():
        run = lifecycle.plan_run(
            dataset=a_dataset(tabular.generator.account, f"bench-{uuid4()}"),
            generator=tabular,
            parameters={},
            units=rows,
            source=source,
        )
    with _watched(workers) as learning:
        _wait(lambda: _state(run) not in (Run.State.PLANNED, Run.State.PREPARING), "the end of learning", workers)
    begun = time.perf_counter()
    with _watched(workers) as making:
        _wait(lambda: _state(run) != Run.State.GENERATING, "the last shard", workers)
        made = time.perf_counter() - begun
    with _watched(workers) as judging:
        _wait(lambda: Run.objects.get(id=run.id).ended, "the end of a run", workers)
        published = time.perf_counter() - begun
    run.refresh_from_db()
    if run.state != Run.State.READY:
        raise RuntimeError(f"the run ended {run.state}: {run.fault_message}")
    return Made(run, made, published, learning.most, making.most, judging.most)


def _alone(run: Run, home: Path) -> float:
    """Return the rows a second at which pyarrow writes rows of ``run`` that are ready in memory."""
    file = Version.objects.get(run=run.id).files.order_by("-bytes").first()
    if file is None:
        raise RuntimeError("the run made no file")
    storage.download(storage.blob_key(file.sha256), home / "shard.parquet")
    ready: pa.Table = pq.read_table(home / "shard.parquet")
    write = min(timed(lambda: pq.write_table(ready, home / "alone.parquet")) for _ in range(_TIMES))
    return ready.num_rows / write


def _state(of: Run | Source) -> str:
    return str(type(of).objects.values_list("state", flat=True).get(id=of.id))


def _wait(happened: Callable[[], bool], what: str, workers: Workers) -> None:
    until(happened, seconds=_LONGEST_SECONDS, what=what, logs=workers.children)


@contextmanager
def _watched(workers: Workers) -> Iterator[Memory]:
    """Look every now and then at the processes of each worker, children and all."""
    memory, ended = Memory(), threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK_SECONDS):
            pools = [pool for name in workers.children for pool in workers.pool(name)]
            memory.most = max([memory.most, *(sum(map(_pss_mib, family(pool))) for pool in pools)])

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield memory
    finally:
        ended.set()
        watcher.join()


def _pss_mib(pid: int) -> float:
    """Return what a process holds, a page that several share by its part; nothing of one that has ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024
    return 0.0
