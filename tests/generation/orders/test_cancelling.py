"""Cancelling while something else happens to the order: whoever holds the run's lock first decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.test import Client

from generation.orders import ordering, states
from generation.orders.models import Order
from generation.runs import lifecycle
from generation.runs.models import Run
from marketplace.accounts.models import Account
from marketplace.work.faults import PlatformFault
from tests.generation.made import the_dice
from tests.generation.orders.flow import draft

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

_PATIENCE = 60


@contextmanager
def meanwhile(what: Callable[[], object]) -> Iterator[None]:
    """Do ``what`` in a transaction that is not committed before somebody waits for a lock that it holds."""
    done = threading.Event()

    def work() -> None:
        try:
            with transaction.atomic():
                what()
                done.set()
                _wait_for_a_waiter()
        finally:
            done.set()
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        assert done.wait(_PATIENCE)
        yield
        future.result(_PATIENCE)


def _wait_for_a_waiter() -> None:
    pause = threading.Event()
    for _ in range(_PATIENCE * 20):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))")
            if cursor.fetchone():
                return
        pause.wait(0.05)
    raise AssertionError("nobody waited for these locks")


def test_an_order_whose_run_becomes_ready_meanwhile_is_not_cancelled(client: Client, account: Account) -> None:
    the_dice()
    order = ordering.place(draft(client, "dice", units="500"))
    Run.objects.update(state=Run.State.ASSESSING)
    with (
        meanwhile(lambda: lifecycle.advance(Run.objects.get().id, Run.State.READY)),
        pytest.raises(states.OrderMoved, match="made and about to be delivered"),
    ):
        ordering.cancel(order)
    assert Order.objects.get().state == "in_production"
    assert Run.objects.get().state == "ready"


def test_an_order_that_is_placed_meanwhile_is_cancelled_with_its_run(client: Client, account: Account) -> None:
    the_dice()
    order = draft(client, "dice", units="500")
    with meanwhile(lambda: ordering.place(order)):
        ordering.cancel(order)
    assert Order.objects.get().state == "cancelled"
    assert Run.objects.get().state == "cancelled"


def test_an_order_whose_run_failed_fails_and_is_not_cancelled(client: Client, account: Account) -> None:
    the_dice()
    order = ordering.place(draft(client, "dice", units="500"))
    with transaction.atomic():
        lifecycle.fail(Run.objects.get().id, PlatformFault("The disk is full."))
    with pytest.raises(states.OrderMoved, match="failed, so there is nothing to cancel"):
        ordering.cancel(order)
