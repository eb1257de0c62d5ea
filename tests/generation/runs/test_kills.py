"""Nothing is lost when any process dies: processes are killed while real workers make data.

``KILLS`` SIGKILLs hit pool processes, runner children and whole workers; the broker's memory is flushed. Afterwards
every run has ended ready, with the digests of an undisturbed run, and exactly one version.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from catalog.models import Version
from generation.runs import answers, lifecycle, registry
from generation.runs.models import GeneratorVersion, Run
from marketplace.accounts.models import Account
from marketplace.doctor import checks
from marketplace.work.models import Piece
from tests.factories import a_dataset, an_account
from tests.workers import Workers, offspring, running, until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("s3_bucket"),
    pytest.mark.xdist_group("kills"),
]

UNITS = 1_500
TRANSACTIONS = 150_000
RUNS = 20
KILLS = 100
KILL_EVERY = 1.0
WORKER_EVERY = 20.0
MOST_KILLS_A_PIECE = 2
FLUSHES = 2
#: Of runs that are under way together: while one waits for a lease to end, the other is there to be hit.
_SEEDS = (bytes(range(16)), bytes(range(16, 32)))


@pytest.fixture
def cards() -> GeneratorVersion:
    return registry.register("card-transactions", an_account("house"))


def plan(generator: GeneratorVersion, account: Account, name: str, seed: bytes) -> Run:
    """A run with a given seed and salt, so that its digests can be compared; no two runs share them otherwise."""
    with transaction.atomic():
        run = lifecycle.plan_run(
            dataset=a_dataset(account, name),
            generator=generator,
            parameters={"transactions": TRANSACTIONS},
            units=UNITS,
        )
        Run.objects.filter(id=run.id).update(seed=seed, salt=seed * 2)
        return run


def digests(run: Run) -> list[str]:
    version = Version.objects.get(run=run.id)
    return list(version.files.order_by("path").values_list("sha256", flat=True))


@contextlib.contextmanager
def held_still(pids: set[int]) -> Iterator[None]:
    """Stop processes a moment, so that none takes another piece while one is chosen to be killed."""

    def send(what: signal.Signals) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, what)

    send(signal.SIGSTOP)
    try:
        time.sleep(0.05)  # a commit that was under way is done
        yield
    finally:
        send(signal.SIGCONT)


class Killer:
    """Kills at random whoever works, but no piece more than twice: its third attempt is its last."""

    def __init__(self, workers: Workers, seed: int) -> None:
        self.workers = workers
        self.random = random.Random(seed)
        self.kills = 0
        self._last_worker = time.monotonic()

    def strike(self) -> None:
        """Kill a pool process or one of its runner's children; every twenty seconds the whole worker."""
        pool = set(self.workers.pool("generation"))
        with held_still(pool):
            self._strike(pool)

    def _strike(self, pool: set[int]) -> None:
        leased = Piece.objects.filter(state=Piece.State.LEASED).values_list("holder", "attempts")
        working = {pid: attempts for holder, attempts in leased if (pid := int(holder.rpartition(":")[2])) in pool}
        spared = {pid for pid, attempts in working.items() if attempts > MOST_KILLS_A_PIECE}
        if time.monotonic() - self._last_worker > WORKER_EVERY and working and not spared:
            self.workers.kill("generation")
            self.kills += 1
            self._last_worker = time.monotonic()
        elif victims := sorted(set(working) - spared):
            pid = self.random.choice(victims)
            children = offspring(pid)
            victim = self.random.choice(children) if children and self.random.random() < 0.5 else pid
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
                self.kills += 1


def disturbed(cards: GeneratorVersion, logs: Path, *, runs: int, kills: int) -> int:
    """Make the same data in ``runs`` runs and more until ``kills`` processes were killed; return how many runs it took.

    Two are under way at a time. Each must end ready, with the digests of a run that nobody disturbed.
    """
    account = cards.generator.account
    broker = redis.Redis.from_url(settings.REDIS_URL)
    with running(logs, generation=2) as workers:
        pair = [plan(cards, account, f"undisturbed-{number}", seed) for number, seed in enumerate(_SEEDS)]
        _wait(pair, workers, 600)
        references = [digests(run) for run in pair]
        killer = Killer(workers, seed=20261124)
        number = flushes = 0
        while number < runs or killer.kills < kills:
            # No two runs share a seed: the runs that had them before are given others.
            for run in pair:
                Run.objects.filter(id=run.id).update(seed=os.urandom(16))
            pair = [plan(cards, account, f"disturbed-{number + more}", seed) for more, seed in enumerate(_SEEDS)]
            number += len(pair)
            while Run.objects.filter(id__in=[run.id for run in pair]).exclude(state__in=Run.ENDED).exists():
                time.sleep(KILL_EVERY)
                killer.strike()
                workers.revive()
                if flushes < FLUSHES and killer.kills > kills * (flushes + 1) / (FLUSHES + 1):
                    broker.flushdb()
                    flushes += 1
            for run, reference in zip(pair, references, strict=True):
                run.refresh_from_db()
                assert (run.state, run.fault_message) == ("ready", "")
                assert digests(run) == reference
            # What was planted in them is looked for later, by other work than is tested here, and by much of it.
            Piece.objects.filter(kind=answers.ANSWERS).delete()
        assert flushes == FLUSHES
        # State of an attempt that was killed is let lie for minutes, in case that attempt goes on; nothing does here.
        Piece.objects.filter(kind=lifecycle.FORGET_STATE, state=Piece.State.DUE).update(due_at=Now())
        until(
            lambda: not Piece.objects.unfinished().exists(),
            seconds=240,
            what=lambda: f"an end of all work, {[str(piece) for piece in Piece.objects.unfinished()]},",
            logs=workers.children,
        )
    return number


def _test(cards: GeneratorVersion, logs: Path, *, runs: int, kills: int) -> None:
    made = disturbed(cards, logs, runs=runs, kills=kills)
    assert not Run.objects.exclude(state__in=Run.ENDED).exists()
    assert Version.objects.count() == Version.objects.values("run").distinct().count() == made + len(_SEEDS)
    assert [fault for check in checks() for fault in check.function()] == []


def test_a_hundred_kills_change_no_byte_and_lose_nothing(cards: GeneratorVersion, tmp_path: Path) -> None:
    _test(cards, tmp_path, runs=RUNS, kills=KILLS)


@pytest.mark.slow
def test_six_hundred_kills_change_no_byte_and_lose_nothing(cards: GeneratorVersion, tmp_path: Path) -> None:
    _test(cards, tmp_path, runs=3 * RUNS, kills=6 * KILLS)


def _wait(runs: list[Run], workers: Workers, seconds: float) -> None:
    ids = [run.id for run in runs]
    until(
        lambda: not Run.objects.filter(id__in=ids).exclude(state__in=Run.ENDED).exists(),
        seconds=seconds,
        what="an end of the runs",
        logs=workers.children,
    )
