"""What is heard while a payment is settled, or late, or not at all, is found in the end."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from billing import disputes, doctor, events, mirroring, payments
from billing.books import ledger
from billing.books.ledger import Book
from billing.models import CheckoutSession, Dispute, Event, Intent, Invoice, Payment
from billing.processor import payments as at_stripe
from billing.processor.payments import DisputeSeen, IntentSeen, PageSeen
from billing.settling import settle
from catalog.licensing import Cause
from catalog.models import Licence
from tests.billing.selling import a_sale, charge_of
from tests.factories import an_account
from tests.stripe_world import ASKS_ALWAYS, StripeWorld
from tests.workers import work_off

pytestmark = pytest.mark.django_db(transaction=True)


def elsewhere(happen: Callable[[], None]) -> None:
    """Have something happen in another process, which commits at once."""

    def happened() -> None:
        try:
            happen()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(happened).result()


def hear(world: StripeWorld) -> None:
    """Take the events in, and look into none."""
    for event in world.events():
        events.receive(event.body.encode(), event.signature)


@pytest.mark.parametrize("won", [True, False])
def test_an_event_that_comes_while_its_payment_is_settled_is_looked_into(
    won: bool, stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = a_sale(stripe_world, None)
    opened = stripe_world.dispute(charge_of(payment))
    settle(payment.id)
    read, told = at_stripe.disputes, []

    def read_before_it_is_decided(intent: str) -> list[DisputeSeen]:
        seen = read(intent)
        if not told:
            stripe_world.close_dispute(opened, won=won)
            told.append(opened)
            elsewhere(lambda: hear(stripe_world))
        return seen

    monkeypatch.setattr(disputes.at_stripe, "disputes", read_before_it_is_decided)
    settle(payment.id)
    assert Dispute.objects.get().state == Dispute.State.OPEN
    work_off()
    assert Dispute.objects.get().state == (Dispute.State.WON if won else Dispute.State.LOST)
    assert not Event.objects.filter(state=Event.State.RECEIVED).exists()


def test_an_event_of_what_was_read_after_it_came_asks_stripe_no_more(
    stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = a_sale(stripe_world, None)
    hear(stripe_world)
    settle(payment.id)
    settled = []
    monkeypatch.setattr(events, "settle", settled.append)
    work_off()
    assert Event.objects.filter(state=Event.State.PROCESSED).exists() and settled == []


def a_page(world: StripeWorld) -> tuple[Payment, str]:
    """A payment of €121.00, €21.00 of it tax, whose page is open; and the address of the page."""
    world.tax(21)
    payment = payments.begin(
        an_account("buyer"),
        seller=None,
        amount=12_100,
        currency="EUR",
        description="Numbers, commercial use",
        capture=Payment.Capture.AT_ONCE,
        cause=Cause(Licence.Cause.ORDER, uuid7()),
    )
    return payment, payments.page(payment, success_url="http://localhost/paid", cancel_url="http://localhost/left")


def has_its_tax(payment: Payment) -> bool:
    """Is the tax that the page worked out in the payment, in the ledger and on the invoice?"""
    payment.refresh_from_db()
    assert (payment.captured, payment.tax) == (12_100, -ledger.balance(Book.TAX))
    assert payment.tax == Invoice.objects.get().tax
    return payment.tax == 2_100


def test_a_page_that_is_done_between_two_looks_of_ours_says_the_tax(
    stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment, page = a_page(stripe_world)
    asked = stripe_world.post(page, number=ASKS_ALWAYS, email="b@example.org")
    hear(stripe_world)
    work_off()
    assert Intent.objects.get().state == Intent.State.REQUIRES_ACTION
    read, answered = at_stripe.page, []

    def read_before_the_person_answers(page_id: str) -> PageSeen:
        seen = read(page_id)
        if not answered:
            answered.append(stripe_world.post(f"{stripe_world.base}{asked.location}", answer="yes"))
        return seen

    monkeypatch.setattr(mirroring.at_stripe, "page", read_before_the_person_answers)
    assert settle(payment.id).state == Payment.State.PAID
    assert has_its_tax(payment)
    assert list(doctor.payments_have_the_tax_of_their_pages()) == []


def test_what_came_on_a_page_that_is_open_yet_is_counted_with_its_tax_once_the_page_is_complete(
    stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment, page = a_page(stripe_world)
    stripe_world.pay(page)
    with monkeypatch.context() as late:
        read = at_stripe.page
        late.setattr(
            mirroring.at_stripe, "page", lambda name: dataclasses.replace(read(name), status="open", intent="", tax=0)
        )
        hear(stripe_world)
        work_off()
        payment.refresh_from_db()
        assert (payment.state, payment.captured) == (Payment.State.OPEN, 0)
    Payment.objects.update(looked_at=Now() - timedelta(minutes=3))
    payments.sweep()
    work_off()
    assert has_its_tax(payment)


@pytest.mark.parametrize("named", [True, False])
def test_what_came_on_a_page_that_is_never_complete_is_counted_when_its_time_is_over(
    named: bool, stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment, page = a_page(stripe_world)
    stripe_world.pay(page)
    read = at_stripe.page

    def never_complete(page_id: str) -> PageSeen:
        seen = dataclasses.replace(read(page_id), status="open")
        return seen if named else dataclasses.replace(seen, intent="")

    monkeypatch.setattr(mirroring.at_stripe, "page", never_complete)
    hear(stripe_world)
    work_off()
    assert Intent.objects.count() == 1 and settle(payment.id).captured == 0
    CheckoutSession.objects.update(expires_at=Now() - timedelta(seconds=1))
    assert settle(payment.id).captured == 12_100
    assert has_its_tax(payment) == named


def test_the_doctor_names_a_payment_whose_tax_is_not_that_of_its_page(stripe_world: StripeWorld) -> None:
    payment, page = a_page(stripe_world)
    stripe_world.pay(page)
    settle(payment.id)
    assert list(doctor.payments_have_the_tax_of_their_pages()) == []
    Payment.objects.update(tax=0)
    (fault,) = doctor.payments_have_the_tax_of_their_pages()
    assert fault.subject == f"payment {payment.id}"
    # Pages were kept without the intent's name once.
    CheckoutSession.objects.update(stripe_intent="")
    assert len(list(doctor.payments_have_the_tax_of_their_pages())) == 1


def paid_once_more(world: StripeWorld, payment: Payment) -> str:
    """Have a payment made once more, at Stripe itself; the PaymentIntent of it."""
    twice = world.client.v1.payment_intents.create(
        {
            "amount": payment.amount,
            "currency": "eur",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "off_session": True,
            "metadata": {"lookalike_payment": str(payment.id)},
        }
    )
    return str(twice.id)


@pytest.mark.parametrize("surplus", [True, False])
def test_a_fee_that_stripe_says_late_is_posted_of_each_charge(
    surplus: bool, stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment, page = a_page(stripe_world)
    stripe_world.pay(page)
    first = str(stripe_world.client.v1.payment_intents.list().data[0].id)
    late = paid_once_more(stripe_world, payment) if surplus else first
    read = at_stripe.intent

    def without_fee(name: str) -> IntentSeen:
        return dataclasses.replace(read(name), fee=None) if name == late else read(name)

    with monkeypatch.context() as early:
        early.setattr(mirroring.at_stripe, "intent", without_fee)
        settle(payment.id)
        hear(stripe_world)
        work_off()
    assert Intent.objects.without_fee().get().stripe_id == late
    Payment.objects.update(looked_at=Now() - timedelta(minutes=61))
    assert Payment.objects.waiting().exists()
    payments.sweep()
    work_off()
    moved = stripe_world.client.v1.balance_transactions.list({"limit": 100}).auto_paging_iter()
    assert ledger.balance(Book.STRIPE_CLEARING) == sum(one.net for one in moved)
    assert not Intent.objects.without_fee().exists()
    assert Payment.objects.get().fee == Intent.objects.get(stripe_id=first).fee


def test_an_intent_that_is_over_and_whose_fee_is_known_is_not_asked_for_again(
    stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = a_sale(stripe_world, None)
    monkeypatch.setattr(mirroring.at_stripe, "intent", None)
    assert settle(payment.id).fee == Intent.objects.get().fee
