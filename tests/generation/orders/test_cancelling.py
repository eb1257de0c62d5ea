"""Cancelling while something else happens to the order: whoever holds the run's lock first decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.test import Client

from billing.models import Payment
from generation.orders import ordering, states
from generation.orders.models import Order
from generation.runs import lifecycle
from generation.runs.models import Run
from marketplace.accounts.models import Account, User
from marketplace.work.faults import PlatformFault
from tests.generation.made import the_dice, work_off
from tests.generation.orders.flow import draft
from tests.generation.orders.paid_flow import held, quoted
from tests.stripe_world import StripeWorld

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

_PATIENCE = 240


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


def test_an_order_that_begins_meanwhile_is_cancelled_with_its_run_and_its_hold(
    client: Client, account: Account, stripe_world: StripeWorld
) -> None:
    order = held(client, stripe_world)
    with meanwhile(lambda: ordering.begin(Order.objects.locked(order.id))):
        ordering.cancel(order)
    work_off()
    order = Order.objects.get()
    assert (order.state, order.compute_paid_by) == ("cancelled", "buyer")
    assert Run.objects.get().state == "cancelled"
    assert [intent.status for intent in stripe_world.client.v1.payment_intents.list().auto_paging_iter()] == [
        "canceled"
    ]


def test_an_order_that_is_pressed_for_ten_times_at_once_has_one_payment_and_one_page(
    client: Client, account: Account, stripe_world: StripeWorld
) -> None:
    order = quoted(client)

    def press(number: int) -> str:
        try:
            browser = Client()
            browser.force_login(User.objects.get())
            return str(browser.post(f"/orders/{order.id}/place")["Location"])
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        pages = set(pool.map(press, range(10)))
    assert len(pages) == 1
    assert Payment.objects.count() == 1
    assert len(list(stripe_world.client.v1.checkout.sessions.list().auto_paging_iter())) == 1
