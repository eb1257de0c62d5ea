"""The whole road of a run, on the parts that ``site`` has started: time against a plain process, CPU by row."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from django.core.management import call_command
from django.db import transaction

from generation.runs import lifecycle, registry
from generation.runs.models import GeneratorVersion, Run
from marketplace import storage
from tests.bench.measure import Figure, cpu_seconds, run_process, say
from tests.factories import a_dataset, an_account
from tests.workers import Workers, running, until

ROWS = 2_000_000
CUSTOMERS = 40_000
TIMES = 3
_WARMING_CUSTOMERS = 1_000
_LONGEST_SECONDS = 600.0


@dataclass(frozen=True)
class Cost:
    """Seconds of wall time from planned to ready, and CPU seconds of all workers and their children."""

    wall: float
    cpu: float


def measure() -> None:
    """Measure with one and with two workers in turn, a plain process beside the latter, and print the figures."""
    call_command("migrate", verbosity=0)
    storage.ensure_bucket()
    cards = registry.register("card-transactions", an_account("house"))
    one: list[Cost] = []
    two: list[Cost] = []
    plain: list[float] = []
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as home:
        for _ in range(TIMES):
            with _warm(cards, 1, Path(home)) as workers:
                one.append(_run(cards, workers, CUSTOMERS, ROWS))
            with _warm(cards, 2, Path(home)) as workers:
                plain.append(_plain(Path(home)))
                two.append(_run(cards, workers, CUSTOMERS, ROWS))
    say(_figures(one, two, plain))


def _figures(one: list[Cost], two: list[Cost], plain: list[float]) -> list[Figure]:
    wall = statistics.median(cost.wall for cost in two)
    cpu_one, cpu_two = (statistics.median(cost.cpu for cost in costs) / ROWS * 1e6 for costs in (one, two))
    ready = f"to ready, 2 workers, {ROWS:,} rows"
    return [
        Figure("a run end to end: time", "one plain process", ready, "s", statistics.median(plain), wall, limit=2.0),
        Figure("a run end to end: CPU a row", "1 worker", "2 workers", "µs", cpu_one, cpu_two, limit=1.1),
    ]


@contextmanager
def _warm(cards: GeneratorVersion, processes: int, home: Path) -> Iterator[Workers]:
    """Workers as the stack starts them, ``processes`` of them for generation, which have all made something."""
    logs = home / str(uuid4())
    logs.mkdir()
    with running(logs, generation=processes) as workers:
        _run(cards, workers, _WARMING_CUSTOMERS, 60 * _WARMING_CUSTOMERS)
        yield workers


def _run(cards: GeneratorVersion, workers: Workers, customers: int, rows: int) -> Cost:
    """Plan a run as the site does, and wait until it is ready."""
    pids = [child.process.pid for child in workers.children.values() if child.process is not None]
    cpu = sum(map(cpu_seconds, pids))
    begun = time.perf_counter()
    with transaction.atomic():
        run = lifecycle.plan_run(
            dataset=a_dataset(cards.generator.account, f"bench-{uuid4()}"),
            generator=cards,
            parameters={"transactions": rows},
            units=customers,
        )
    until(
        lambda: Run.objects.get(id=run.id).ended,
        seconds=_LONGEST_SECONDS,
        what="the end of a run",
        logs=workers.children,
    )
    wall = time.perf_counter() - begun
    run.refresh_from_db()
    if run.state != Run.State.READY:
        raise RuntimeError(f"the run ended {run.state}: {run.fault_message}")
    return Cost(wall, sum(map(cpu_seconds, pids)) - cpu)


def _plain(home: Path) -> float:
    file = home / "plain.parquet"
    return run_process([sys.executable, "-m", "tests.bench.plain", str(CUSTOMERS), str(ROWS), str(file)]).wall
