"""Beat ends when it is asked to, and is not torn out of what it is at."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from celery.beat import Scheduler, Service

from marketplace.celery import app


class Busy(Scheduler):
    """Is asked to end in the middle of a tick, and swallows whatever that raises, as a reader of Redis may."""

    ticks = 0

    def tick(self, *args: Any, **kwargs: Any) -> float:
        type(self).ticks += 1
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):
                pass
        except SystemExit:
            pytest.fail("the tick was torn apart")
        return 0.1


def test_beat_ends_after_the_tick_in_which_it_is_asked_to(tmp_path: Path) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    service = Service(app, schedule_filename=str(tmp_path / "schedule"), scheduler_cls=Busy)

    def torn(*_: object) -> None:
        raise SystemExit

    signal.signal(signal.SIGTERM, torn)  # what Celery sets before it starts the service
    try:
        service.start()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert Busy.ticks >= 1
