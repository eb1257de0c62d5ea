"""Whatever happens to money, in whatever order, at the end and all the while the books are right.

A history is a list of steps: people buy and pay, banks refuse and ask, events come late, twice or never, processes die
between a call and their commit, money goes back and is contested, and time passes. What must be true is in
``tests.billing.histories.invariants``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from pytest_django import Settings

from marketplace.work.models import Piece
from tests.billing.histories import invariants
from tests.billing.histories.clock import Clock
from tests.billing.histories.steps import (
    CARDS,
    HISTORIES_OF_ORDERS,
    HISTORIES_OF_PURCHASES,
    HISTORIES_OF_SELLERS,
    NO,
    Begin,
    Buy,
    Contest,
    Decide,
    Deliver,
    GiveBackAtStripe,
    GiveMoneyBack,
    Hear,
    Onboard,
    PayOut,
    Step,
    Sweep,
    Wait,
    Work,
)
from tests.billing.histories.world import Death, History, Killed, Stock, beginning, theatre
from tests.stripe_world import REFUND_FAILS, REFUND_PENDING, VISA

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

_Theatre = tuple[Stock, Clock, Death]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[_Theatre]:
    with theatre(monkeypatch) as shared:
        yield shared


def played(stage: _Theatre, steps: Sequence[Step], *, contrary: bool = False) -> None:
    """Have all of it happen, and look after each step."""
    with beginning(stage, contrary=contrary) as history:
        for step in steps:
            with contextlib.suppress(*NO):
                _happen(history, step)
            found = invariants.broken(history)
            assert found == [], f"after {step}"
        _heal(history)
        assert invariants.broken_in_the_end(history) == []


def _happen(history: History, step: Step) -> None:
    try:
        step.happen(history)
    except Killed:
        # Whatever it held lapses, and somebody else goes on.
        history.wait(timedelta(minutes=1))


def _heal(history: History) -> None:
    """Nobody dies any more, Stripe answers, all that it has to tell is told, and everybody does what is theirs."""
    history.death.after = None
    history.world.mend()
    history.tell(history.world.events())
    if history.lost:
        history.reconcile()
    for _ in range(12):
        history.sweep()
        news = history.world.events()
        history.tell(news)
        # What Stripe was asked in this round may take it some time, of which it has more to tell.
        if not news and not Piece.objects.unfinished().exists():
            return


def some(number: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@some(70)
@given(steps=HISTORIES_OF_PURCHASES)
def test_whatever_happens_to_purchases_every_cent_is_where_it_belongs(steps: list[Step], stage: _Theatre) -> None:
    played(stage, steps)


@some(60)
@given(steps=HISTORIES_OF_ORDERS)
def test_whatever_happens_to_orders_nothing_is_taken_before_delivery(steps: list[Step], stage: _Theatre) -> None:
    played(stage, steps)


@some(70)
@given(steps=HISTORIES_OF_SELLERS)
def test_whatever_happens_to_sellers_they_are_sent_their_share_and_no_more(steps: list[Step], stage: _Theatre) -> None:
    played(stage, steps)


@pytest.mark.slow
@some(2_000)
@given(steps=HISTORIES_OF_PURCHASES | HISTORIES_OF_ORDERS | HISTORIES_OF_SELLERS)
def test_two_thousand_histories_end_well(steps: list[Step], stage: _Theatre) -> None:
    played(stage, steps)


@pytest.mark.parametrize("card", [VISA, REFUND_PENDING])
@pytest.mark.parametrize("returns", [True, False])
def test_what_went_back_at_stripe_before_or_after_we_heard_of_it_pays_for_no_licence(
    returns: bool, card: str, stage: _Theatre
) -> None:
    paid = Buy(0, 0, price=7, commission=1_500, card=CARDS.index(card), confirms=True, returns=returns)
    played(stage, [paid, GiveBackAtStripe(0, 1_000), Work(), Hear(0, 0, 0)])


def test_one_history_of_each_kind_ends_well_where_stripe_does_all_that_it_may(stage: _Theatre) -> None:
    paid = Buy(buyer=0, seller=0, price=7, commission=1_500, card=0, confirms=True, returns=False)
    held = Begin(buyer=1, seller=None, price=8, commission=0, card=0, confirms=True, saves=True)
    for steps in (
        [paid, Hear(0, 0, 0), GiveMoneyBack(0, 333, sent=True), GiveMoneyBack(0, 1_000, sent=True), Hear(0, 0, 2)],
        [paid, Onboard(0), PayOut(), Contest(0, 500), Hear(0, 0, 0), Decide(won=True), Hear(0, 0, 0), PayOut()],
        [paid, Onboard(0), PayOut(), Contest(0, 1_000), Hear(0, 0, 0), Decide(won=False), Hear(0, 0, 0)],
        [held, Wait(6 * 24 + 1), Sweep(), Deliver(0, twice=True), Hear(0, 0, 0)],
    ):
        played(stage, steps, contrary=True)


def test_what_only_an_event_told_of_that_was_lost_is_found_when_the_day_is_compared(stage: _Theatre) -> None:
    paid = Buy(0, 0, price=0, commission=1_500, card=0, confirms=True, returns=True)
    played(stage, [paid, Onboard(0), GiveBackAtStripe(0, 1_000), PayOut(), Hear(2, 99, 0)])


def test_what_a_refund_that_failed_leaves_owed_is_due_from_then_on(stage: _Theatre) -> None:
    paid = Buy(0, 0, price=0, commission=1_500, card=CARDS.index(REFUND_FAILS), confirms=True, returns=True)
    played(stage, [paid, Onboard(0), PayOut(), PayOut(), GiveMoneyBack(0, 137, False)])
