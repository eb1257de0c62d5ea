"""Sellers are paid once their window is over and nothing is open, never more than their share, and give it back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from billing import kinds, refunds
from billing.books import ledger
from billing.books.ledger import Book
from billing.models import Payable, PayoutHold, Refund, Reversal, SellerAccount, Transfer
from billing.processor import payments as at_stripe
from billing.selling import payables, payout_holds, transfers
from billing.settling import settle
from marketplace.accounts.models import Account, User
from marketplace.work import queue
from marketplace.work.celery_tasks import perform
from marketplace.work.models import Piece
from tests.billing.selling import (
    a_sale,
    a_seller,
    agree_with_the_books,
    an_hour_passes,
    charge_of,
    decide,
    dispute,
    pass_the_window,
    pay_out,
    payable_of,
    refund,
    sent_at_stripe,
)
from tests.stripe_world import StripeWorld
from tests.workers import work_off

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def seller(stripe_world: StripeWorld) -> Account:
    return a_seller(stripe_world)


@pytest.fixture
def funds(stripe_world: StripeWorld) -> None:
    """The platform has money of its own: fees are paid from it."""
    a_sale(stripe_world, None, 50_000)


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss@example.com", "correct horse")


def test_a_sale_is_sent_when_its_window_is_over_and_not_before(stripe_world: StripeWorld, seller: Account) -> None:
    payment = a_sale(stripe_world, seller)
    pay_out()
    assert payable_of(payment).state == Payable.State.PENDING and sent_at_stripe(stripe_world, seller) == 0
    pass_the_window()
    pay_out()
    payable = payable_of(payment)
    assert (payable.state, payable.amount, payable.transferred) == (Payable.State.TRANSFERRED, 8_500, 8_500)
    assert sent_at_stripe(stripe_world, seller) == 8_500
    told = stripe_world.client.v1.transfers.retrieve(Transfer.objects.get().stripe_id)
    assert (told.source_transaction, told.transfer_group) == (charge_of(payment), str(payment.id))
    agree_with_the_books(seller)
    pay_out()
    assert Transfer.objects.count() == 1


def test_the_commission_is_the_one_agreed_when_the_payment_began(stripe_world: StripeWorld, seller: Account) -> None:
    first = a_sale(stripe_world, seller)
    SellerAccount.objects.filter(account=seller).update(commission=1_000)
    second = a_sale(stripe_world, seller)
    assert [payable_of(payment).amount for payment in (first, second)] == [8_500, 9_000]


def test_tax_is_not_the_sellers(stripe_world: StripeWorld, seller: Account) -> None:
    stripe_world.tax(25)
    payment = a_sale(stripe_world, seller, 12_500)
    assert (payment.tax, payable_of(payment).amount) == (2_500, 8_500)


def test_nothing_is_sent_to_an_account_that_cannot_receive(stripe_world: StripeWorld) -> None:
    seller = a_seller(stripe_world, complete=False)
    payment = a_sale(stripe_world, seller)
    pass_the_window()
    pay_out()
    assert payable_of(payment).state == Payable.State.PENDING
    a_seller(stripe_world)
    pay_out()
    assert payable_of(payment).state == Payable.State.TRANSFERRED


def test_nothing_is_sent_while_a_dispute_is_open_and_what_was_won_is(
    stripe_world: StripeWorld, seller: Account
) -> None:
    payment = a_sale(stripe_world, seller)
    pass_the_window()
    opened = dispute(stripe_world, payment)
    pay_out()
    assert not Transfer.objects.exists() and payable_of(payment).disputed == 8_500
    decide(stripe_world, opened, payment, won=True)
    pay_out()
    assert sent_at_stripe(stripe_world, seller) == 8_500
    agree_with_the_books(seller)


def test_a_dispute_of_a_part_keeps_all_of_it_back(stripe_world: StripeWorld, seller: Account) -> None:
    payment = a_sale(stripe_world, seller)
    pass_the_window()
    dispute(stripe_world, payment, 1_000)
    pay_out()
    assert not Transfer.objects.exists()


def test_a_dispute_that_comes_between_the_question_and_the_call_stops_the_transfer(
    stripe_world: StripeWorld, seller: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = a_sale(stripe_world, seller)
    pass_the_window()
    ask = transfers._ask_for_transfer

    def asked_and_disputed(*arguments: object) -> Transfer | None:
        transfer = ask(*arguments)  # type: ignore[arg-type]
        dispute(stripe_world, payment)
        return transfer

    monkeypatch.setattr(transfers, "_ask_for_transfer", asked_and_disputed)
    payables.release_due()
    work_off()
    assert Transfer.objects.get().state == Transfer.State.FAILED
    assert sent_at_stripe(stripe_world, seller) == 0
    assert payable_of(payment).state == Payable.State.PENDING


@pytest.mark.usefixtures("funds")
def test_what_was_sent_is_taken_back_in_a_dispute_and_sent_again_when_it_is_won(
    stripe_world: StripeWorld, seller: Account
) -> None:
    payment = a_sale(stripe_world, seller)
    pass_the_window()
    pay_out()
    opened = dispute(stripe_world, payment)
    payable = payable_of(payment)
    assert (payable.reversed, payable.disputed, payable.state) == (8_500, 8_500, Payable.State.PENDING)
    assert sent_at_stripe(stripe_world, seller) == 0
    pay_out()
    assert Transfer.objects.count() == 1
    agree_with_the_books(seller)
    decide(stripe_world, opened, payment, won=True)
    pay_out()
    assert sent_at_stripe(stripe_world, seller) == 8_500
    agree_with_the_books(seller)


def test_a_lost_dispute_takes_the_sellers_share_for_good(stripe_world: StripeWorld, seller: Account) -> None:
    payment = a_sale(stripe_world, seller)
    pass_the_window()
    pay_out()
    opened = dispute(stripe_world, payment)
    decide(stripe_world, opened, payment, won=False)
    pay_out()
    payable = payable_of(payment)
    assert (payable.refunded, payable.owed, payable.state) == (8_500, 0, Payable.State.CLOSED)
    assert sent_at_stripe(stripe_world, seller) == 0 == ledger.balance(Book.SELLER, seller)
    agree_with_the_books(seller)


def test_a_refund_before_the_window_is_over_leaves_less_to_send(stripe_world: StripeWorld, seller: Account) -> None:
    payment = a_sale(stripe_world, seller)
    refund(payment, 4_000)
    pass_the_window()
    pay_out()
    assert sent_at_stripe(stripe_world, seller) == payable_of(payment).transferred == 5_100
    agree_with_the_books(seller)


def test_nothing_is_sent_while_a_refund_is_asked_for_and_not_at_stripe(
    stripe_world: StripeWorld, seller: Account
) -> None:
    payment = a_sale(stripe_world, seller)
    pass_the_window()
    refunds.ask(payment, 4_000, reason=Refund.Reason.STAFF)
    payables.release_due()
    assert payable_of(payment).state == Payable.State.PENDING
    work_off()
    pay_out()
    assert sent_at_stripe(stripe_world, seller) == 5_100 and not Reversal.objects.exists()


def test_nothing_is_sent_while_a_refund_is_at_stripe_and_waits_for_our_balance(
    stripe_world: StripeWorld, seller: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it has no balance transaction yet, and is not in our books."""
    payment = a_sale(stripe_world, seller)
    with monkeypatch.context() as waiting:
        of_intent, made = at_stripe.refunds, at_stripe.refund
        unbooked: dict[str, Any] = {"booked": False, "succeeded": False}
        waiting.setattr(at_stripe, "refund", lambda *args, **more: replace(made(*args, **more), **unbooked))
        waiting.setattr(at_stripe, "refunds", lambda intent: [replace(one, **unbooked) for one in of_intent(intent)])
        refund(payment, 4_000)
        pass_the_window()
        pay_out()
        assert sent_at_stripe(stripe_world, seller) == 0
        assert payables.why_not(payable_of(payment)) == "A refund of the payment is on its way."
    settle(payment.id)
    pay_out()
    assert sent_at_stripe(stripe_world, seller) == 5_100 and not Reversal.objects.exists()


def test_refunds_after_the_transfer_are_taken_back_in_proportion(stripe_world: StripeWorld, seller: Account) -> None:
    payment = a_sale(stripe_world, seller, 9_999)
    pass_the_window()
    pay_out()
    sent = payable_of(payment).transferred
    refund(payment, 3_333)
    payable = payable_of(payment)
    assert payable.reversed == payable.refunded == 2_834 and payable.owed == 0
    refund(payment, 6_666)
    payable = payable_of(payment)
    assert (payable.reversed, payable.state) == (sent, Payable.State.CLOSED)
    assert sent_at_stripe(stripe_world, seller) == 0
    agree_with_the_books(seller)


def test_what_cannot_be_taken_back_is_kept_from_the_next_sale(stripe_world: StripeWorld, seller: Account) -> None:
    first = a_sale(stripe_world, seller)
    pass_the_window()
    pay_out()
    stripe_world.drain_account(SellerAccount.objects.get(account=seller).stripe_id)
    refund(first, 10_000)
    payable = payable_of(first)
    assert (payable.carried, payable.owed) == (8_500, 0)
    assert ledger.balance(Book.SELLER_RECEIVABLE, seller) == 8_500
    assert Reversal.objects.get().state == Reversal.State.FAILED
    agree_with_the_books(seller)
    small, large = a_sale(stripe_world, seller, 5_000), a_sale(stripe_world, seller, 20_000)
    pass_the_window()
    pay_out()
    assert (payable_of(small).transferred, payable_of(small).kept) == (0, 4_250)
    assert (payable_of(large).transferred, payable_of(large).kept) == (12_750, 4_250)
    assert payable_of(small).state == Payable.State.TRANSFERRED
    assert ledger.balance(Book.SELLER_RECEIVABLE, seller) == 0
    agree_with_the_books(seller)


@pytest.mark.usefixtures("funds")
def test_a_debt_that_a_won_dispute_ends_is_given_back_where_it_was_kept(
    stripe_world: StripeWorld, seller: Account
) -> None:
    first = a_sale(stripe_world, seller)
    pass_the_window()
    pay_out()
    stripe_world.drain_account(SellerAccount.objects.get(account=seller).stripe_id)
    opened = dispute(stripe_world, first)
    second = a_sale(stripe_world, seller, 5_000)
    pass_the_window()
    pay_out()
    assert payable_of(second).kept == 4_250
    decide(stripe_world, opened, first, won=True)
    agree_with_the_books(seller)
    pay_out()
    assert (payable_of(first).carried, payable_of(second).carried) == (0, 0)
    assert payable_of(second).transferred == 4_250
    assert sent_at_stripe(stripe_world, seller) == 12_750
    agree_with_the_books(seller)


def test_a_refusal_is_shown_and_tried_again(stripe_world: StripeWorld, seller: Account) -> None:
    payment = a_sale(stripe_world, seller)
    pass_the_window()
    stripe_world.restrict_account(SellerAccount.objects.get(account=seller).stripe_id)
    pay_out()
    payable = payable_of(payment)
    assert payable.refusal and Transfer.objects.get().state == Transfer.State.FAILED
    assert SellerAccount.objects.get().state == SellerAccount.State.RESTRICTED
    an_hour_passes()
    pay_out()
    assert payable_of(payment).state == Payable.State.PENDING
    stripe_world.complete_account(SellerAccount.objects.get(account=seller).stripe_id)
    a_seller(stripe_world)
    pay_out()
    payable = payable_of(payment)
    assert (payable.state, payable.refusal) == (Payable.State.TRANSFERRED, "")


@pytest.mark.parametrize("kind", ["error", "rate_limit", "drop", "effect_then_drop", "effect_then_error"])
def test_a_call_without_an_answer_is_repeated_and_sends_once(
    stripe_world: StripeWorld, seller: Account, kind: str
) -> None:
    a_sale(stripe_world, seller)
    pass_the_window()
    stripe_world.fail_next(3, kind, operation="PostTransfers")
    payables.release_due()
    work_off()
    assert Transfer.objects.get().state == Transfer.State.REQUESTED
    for _ in range(3):
        Piece.objects.filter(kind="billing.transfer").update(due_at="2020-01-01T00:00Z")
        work_off()
    assert Transfer.objects.get().state == Transfer.State.DONE
    assert sent_at_stripe(stripe_world, seller) == 8_500
    agree_with_the_books(seller)


@pytest.mark.usefixtures("funds")
def test_a_transfer_that_was_made_by_a_worker_who_died_is_found_although_a_dispute_came(
    stripe_world: StripeWorld, seller: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = a_sale(stripe_world, seller)
    pass_the_window()

    def die(*arguments: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as dying:
        dying.setattr(transfers, "_sent", die)
        payables.release_due()
        work_off()
    assert sent_at_stripe(stripe_world, seller) == 8_500 and not payable_of(payment).transferred
    dispute(stripe_world, payment)
    Piece.objects.filter(kind="billing.transfer").update(due_at="2020-01-01T00:00Z")
    work_off()
    payable = payable_of(payment)
    assert (payable.transferred, payable.reversed) == (8_500, 8_500)
    assert sent_at_stripe(stripe_world, seller) == 0
    agree_with_the_books(seller)


def test_what_staff_take_back_at_stripe_is_seen(stripe_world: StripeWorld, seller: Account) -> None:
    payment = a_sale(stripe_world, seller)
    pass_the_window()
    pay_out()
    transfer = Transfer.objects.get()
    stripe_world.client.v1.transfers.reversals.create(str(transfer.stripe_id), {"amount": 500})
    for _ in range(2):
        assert transfers.look(str(transfer.stripe_id))
    payable = payable_of(payment)
    assert (payable.reversed, payable.owed) == (500, 500)
    agree_with_the_books(seller)


def test_a_transfer_that_is_none_of_ours_is_none_of_ours(stripe_world: StripeWorld, seller: Account) -> None:
    assert not transfers.look("tr_unknown")
    a_sale(stripe_world, seller)
    destination = SellerAccount.objects.get(account=seller).stripe_id
    for metadata in ({}, {"lookalike_transfer": "none of yours"}, {"lookalike_transfer": str(uuid4())}):
        wanted = {"amount": 100, "currency": "eur", "destination": destination, "metadata": metadata}
        made = stripe_world.client.v1.transfers.create(wanted)  # type: ignore[arg-type]
        assert not transfers.look(made.id)
    assert not Transfer.objects.exists()


def test_a_hold_keeps_everything_back_until_it_is_lifted(
    stripe_world: StripeWorld, seller: Account, boss: User
) -> None:
    payment = a_sale(stripe_world, seller)
    pass_the_window()
    hold = payout_holds.place(
        seller, boss, reason="Buyers report it.", evidence_wanted="A word.", review_by=date(2030, 1, 1)
    )
    pay_out()
    assert payable_of(payment).state == Payable.State.PENDING
    payout_holds.uphold(PayoutHold.objects.get(), boss, "Still.")
    pay_out()
    assert payable_of(payment).state == Payable.State.PENDING
    payout_holds.lift(hold, boss, "Settled.")
    pay_out()
    assert payable_of(payment).state == Payable.State.TRANSFERRED


def test_several_workers_at_once_send_once(stripe_world: StripeWorld, seller: Account) -> None:
    payment = a_sale(stripe_world, seller)
    pass_the_window()
    payables.release_due()
    pieces = [str(Piece.objects.get(kind=kinds.TRANSFER).id)]
    for _ in range(3):
        Piece.objects.filter(state=Piece.State.DUE).update(state=Piece.State.LEASED, token=uuid4(), leased_until=Now())
        with transaction.atomic():
            queue.enqueue(kinds.TRANSFER, payable_of(payment).id)
        pieces.append(str(Piece.objects.get(state=Piece.State.DUE).id))

    def work(piece: str) -> None:
        try:
            perform(piece)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(pieces)) as workers:
        list(workers.map(work, pieces))
    work_off()
    assert sent_at_stripe(stripe_world, seller) == payable_of(payment).transferred == 8_500
    assert Transfer.objects.count() == 1
    agree_with_the_books(seller)
