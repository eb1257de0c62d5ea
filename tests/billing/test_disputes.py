"""Disputes end as the bank decides, whether or not anybody tells us, and each cent is where it belongs then."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now

from billing import disputes, doctor, payments, refunds
from billing.books import ledger, postings
from billing.books.ledger import Book
from billing.models import Dispute, Intent, Invoice, Payment
from billing.processor import payments as at_stripe
from billing.processor.payments import DisputeSeen, Movement
from billing.settling import settle
from catalog.models import Licence
from tests.billing.selling import (
    a_sale,
    a_seller,
    agree_with_the_books,
    charge_of,
    decide,
    dispute,
    payable_of,
    refund,
)
from tests.factories import a_dataset, a_licence, a_version, an_account
from tests.stripe_world import StripeWorld
from tests.workers import work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]


def sweep_after(time: timedelta) -> None:
    """Look for what nobody told of, so long after the last look."""
    Payment.objects.update(looked_at=Now() - time)
    payments.sweep()
    work_off()


def test_a_dispute_that_was_lost_ends_though_no_event_says_so(stripe_world: StripeWorld) -> None:
    payment = a_sale(stripe_world, None)
    opened = dispute(stripe_world, payment)
    stripe_world.close_dispute(opened, won=False)
    sweep_after(timedelta(minutes=30))
    assert Dispute.objects.get().state == Dispute.State.OPEN, "a bank takes weeks, and is not asked every minute"
    sweep_after(timedelta(minutes=61))
    assert Dispute.objects.get().state == Dispute.State.LOST
    assert ledger.balance(Book.DISPUTES_HELD) == 0
    assert not Payment.objects.waiting().exists()


def test_the_doctor_names_a_dispute_that_is_open_longer_than_banks_take(stripe_world: StripeWorld) -> None:
    dispute(stripe_world, a_sale(stripe_world, None))
    Dispute.objects.update(evidence_due=Now() - timedelta(days=89))
    assert list(doctor.disputes_are_decided()) == []
    Dispute.objects.update(evidence_due=Now() - timedelta(days=91))
    (fault,) = doctor.disputes_are_decided()
    assert fault.subject == f"dispute {Dispute.objects.get().stripe_id}" and "it is open" in fault.message
    Dispute.objects.update(evidence_due=None, opened_at=Now() - timedelta(days=91))
    assert len(list(doctor.disputes_are_decided())) == 1


def say(monkeypatch: pytest.MonkeyPatch, status: str, *, moved: bool) -> None:
    """Have Stripe say of all disputes where they stand, and that money moved, or that none did."""
    listed = at_stripe.pages

    def changed(list_: Callable[..., Any], wanted: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for found in listed(list_, wanted):
            if found["object"] == "dispute":
                found |= {"status": status} | ({} if moved else {"balance_transactions": []})
            yield found

    monkeypatch.setattr(at_stripe, "pages", changed)


@pytest.mark.parametrize("status", ["prevented", "warning_closed", "warning_under_review", "never_heard_of"])
def test_what_moved_nothing_is_no_dispute_whatever_stripe_calls_it(
    status: str, stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    payment = a_sale(stripe_world, a_seller(stripe_world))
    say(monkeypatch, status, moved=False)
    dispute(stripe_world, payment)
    assert not Dispute.objects.exists()
    assert payable_of(payment).disputed == 0
    assert ("never_heard_of" in caplog.text) == (status == "never_heard_of")


def test_what_is_open_here_and_was_prevented_at_stripe_ends(
    stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = a_sale(stripe_world, a_seller(stripe_world))
    with monkeypatch.context() as before:
        say(before, "needs_response", moved=False)
        dispute(stripe_world, payment)
        assert Dispute.objects.get().state == Dispute.State.OPEN and payable_of(payment).disputed
    say(monkeypatch, "prevented", moved=False)
    sweep_after(timedelta(minutes=61))
    assert Dispute.objects.get().state == Dispute.State.WON
    assert payable_of(payment).disputed == 0


@pytest.mark.parametrize(
    ("status", "state"),
    [("prevented", "lost"), ("warning_closed", "lost"), ("warning_needs_response", "open"), ("under_review", "open")],
)
def test_money_that_was_taken_is_mirrored_whatever_stripe_calls_it(
    status: str, state: str, stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = a_sale(stripe_world, None)
    say(monkeypatch, status, moved=True)
    dispute(stripe_world, payment)
    assert Dispute.objects.get().state == state
    payment.refresh_from_db()
    assert payment.charged_back == (payment.captured if state == "lost" else 0)
    assert ledger.balance(Book.DISPUTES_HELD) == payment.captured - payment.charged_back


def test_a_dispute_that_took_money_and_stands_where_nobody_knows_is_open_and_said_aloud(
    stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    say(monkeypatch, "never_heard_of", moved=True)
    dispute(stripe_world, a_sale(stripe_world, None))
    assert Dispute.objects.get().state == Dispute.State.OPEN
    assert "never_heard_of" in caplog.text


@pytest.fixture
def more(monkeypatch: pytest.MonkeyPatch) -> list[Movement]:
    """What moves for every dispute beside what moved at Stripe."""
    read, found = at_stripe.disputes, list[Movement]()

    def with_more(intent: str) -> list[DisputeSeen]:
        return [dataclasses.replace(seen, movements=[*seen.movements, *found]) for seen in read(intent)]

    monkeypatch.setattr(disputes.at_stripe, "disputes", with_more)
    return found


def say_won(monkeypatch: pytest.MonkeyPatch, *, won: bool) -> None:
    """Have Stripe say how all disputes are decided, by the bank or by another look of the bank."""
    read = disputes.at_stripe.disputes
    decided = {"won": won, "lost": not won}
    monkeypatch.setattr(
        disputes.at_stripe, "disputes", lambda name: [dataclasses.replace(seen, **decided) for seen in read(name)]
    )


def books_of_disputes() -> tuple[int, int]:
    """What is held for disputes, and what they cost beside the fee of each."""
    fees = 2_000 * Dispute.objects.count()
    return ledger.balance(Book.DISPUTES_HELD), ledger.balance(Book.DISPUTE_FEES) - fees


def settled(payment: Payment) -> Payment:
    """The payment after two looks at Stripe, of which the second finds nothing new."""
    settle(payment.id)
    posted = payment.transactions.count()
    found = settle(payment.id)
    assert payment.transactions.count() == posted
    work_off()
    assert list(doctor.nothing_is_held_for_disputes_that_are_over()) == []
    return found


def test_what_a_bank_gives_back_after_a_dispute_was_lost_was_not_lost(
    stripe_world: StripeWorld, more: list[Movement]
) -> None:
    seller = a_seller(stripe_world)
    payment = a_sale(stripe_world, seller, 12_100)
    refund(payment, 4_000)
    opened = dispute(stripe_world, payment, 12_100)
    decide(stripe_world, opened, payment, won=False)
    assert settled(payment).charged_back == 8_100
    assert books_of_disputes() == (0, 4_000)
    # What had gone back to the buyer twice is not with the bank any more: only a cost is less.
    more.append(Movement("txn_excess", 4_000, 0))
    assert settled(payment).charged_back == 8_100
    assert books_of_disputes() == (0, 0)
    assert list(doctor.what_banks_decide_anew_is_seen()) == []
    # What comes back of what the buyer had paid is there again, and the seller's part is the seller's.
    more.append(Movement("txn_more", 1_000, 0))
    assert settled(payment).kept == 1_000
    assert books_of_disputes() == (0, 0)
    agree_with_the_books(seller)
    assert payable_of(payment).owed == 850
    (fault,) = doctor.what_banks_decide_anew_is_seen()
    assert "8100" in fault.message and "7100" in fault.message


def test_what_a_bank_keeps_of_a_dispute_that_was_won_is_a_cost(stripe_world: StripeWorld, more: list[Movement]) -> None:
    payment = a_sale(stripe_world, a_seller(stripe_world))
    opened = dispute(stripe_world, payment)
    more.append(Movement("txn_less", -4_000, 0))
    decide(stripe_world, opened, payment, won=True)
    assert settled(payment).charged_back == 0
    assert books_of_disputes() == (0, 4_000)
    more.append(Movement("txn_rest", 4_000, 0))
    assert settled(payment).charged_back == 0
    assert books_of_disputes() == (0, 0)
    assert payable_of(payment).owed == 8_500


def test_a_dispute_that_was_lost_and_is_won_after_all_has_its_money_booked_and_is_shown_to_staff(
    stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch, more: list[Movement]
) -> None:
    payment, licence = a_licensed_sale(stripe_world)
    opened = dispute(stripe_world, payment)
    decide(stripe_world, opened, payment, won=False)
    assert settled(payment).kept == 0
    more.append(Movement("txn_back", payment.captured, 0))
    say_won(monkeypatch, won=True)
    assert settled(payment).kept == payment.captured
    assert Dispute.objects.get().state == Dispute.State.WON
    assert books_of_disputes() == (0, 0)
    assert ledger.balance(Book.PLATFORM_REVENUE) == -payment.captured
    licence.refresh_from_db()
    assert licence.state == Licence.State.REVOKED
    assert [fault.subject for fault in doctor.what_banks_decide_anew_is_seen()] == 2 * [f"dispute {opened}"]
    # Staff may give it back, as they may any other money.
    assert refunds.returnable(payment) == payment.captured


def test_a_dispute_that_was_won_and_is_lost_after_all_takes_the_licence_and_has_a_credit_note(
    stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch, more: list[Movement]
) -> None:
    payment, licence = a_licensed_sale(stripe_world)
    opened = dispute(stripe_world, payment)
    decide(stripe_world, opened, payment, won=True)
    more.append(Movement("txn_again", -payment.captured, 0))
    say_won(monkeypatch, won=False)
    assert settled(payment).kept == 0
    assert books_of_disputes() == (0, 0)
    licence.refresh_from_db()
    assert licence.state == Licence.State.REVOKED
    assert Invoice.objects.credit_notes().get().gross == payment.captured
    assert list(doctor.what_banks_decide_anew_is_seen()) == []


def test_a_dispute_that_is_lost_without_money_has_no_credit_note_until_money_goes(
    stripe_world: StripeWorld, more: list[Movement]
) -> None:
    payment = a_sale(stripe_world, None)
    opened = dispute(stripe_world, payment)
    more.append(Movement("txn_back", payment.captured, 0))
    decide(stripe_world, opened, payment, won=False)
    assert settled(payment).charged_back == 0
    assert not Invoice.objects.credit_notes().exists()
    more.append(Movement("txn_again", -payment.captured, 0))
    assert settled(payment).kept == 0
    assert Invoice.objects.credit_notes().get().gross == payment.captured


def test_what_was_paid_twice_and_disputed_is_without_a_cause_as_far_as_it_came_back(
    stripe_world: StripeWorld, more: list[Movement]
) -> None:
    payment = a_sale(stripe_world, None)
    Intent.objects.update(surplus=True)
    with transaction.atomic():
        ledger.post(
            "unapplied:all",
            [
                ledger.debit(Book.PLATFORM_REVENUE, payment.captured),
                ledger.credit(Book.UNAPPLIED, payment.captured),
            ],
            currency="EUR",
        )
    opened = stripe_world.dispute(Intent.objects.get().charge_id)
    settle(payment.id)
    stripe_world.close_dispute(opened, won=False)
    assert settled(payment).charged_back == 0
    assert (*books_of_disputes(), ledger.balance(Book.UNAPPLIED)) == (0, 0, 0)
    more.append(Movement("txn_back", 1_000, 0))
    assert settled(payment).charged_back == 0
    assert (*books_of_disputes(), ledger.balance(Book.UNAPPLIED)) == (0, 0, -1_000)


def test_what_a_dispute_that_is_over_still_holds_is_found_by_the_sweep_and_named_by_the_doctor(
    stripe_world: StripeWorld, more: list[Movement]
) -> None:
    payment, other = a_sale(stripe_world, None), a_sale(stripe_world, None, 5_000)
    opened = dispute(stripe_world, payment)
    decide(stripe_world, opened, payment, won=False)
    with transaction.atomic():
        postings.disputed(payment, Movement("txn_unseen", 1_000, 0))
    more.append(Movement("txn_unseen", 1_000, 0))
    Dispute.objects.update(held=-1_000)
    (fault,) = doctor.nothing_is_held_for_disputes_that_are_over()
    assert fault.subject == f"payment {payment.id}"
    more_of_other = stripe_world.dispute(charge_of(other))
    assert more_of_other and len(list(doctor.nothing_is_held_for_disputes_that_are_over())) == 1
    sweep_after(timedelta(minutes=61))
    assert list(doctor.nothing_is_held_for_disputes_that_are_over()) == []


def a_licensed_sale(world: StripeWorld) -> tuple[Payment, Licence]:
    """A payment and the licence that was granted for it."""
    payment = a_sale(world, None)
    licence = a_licence(
        payment.account, a_version(a_dataset(an_account("maker"))), cause=(payment.cause_kind, payment.cause_id)
    )
    return payment, licence
