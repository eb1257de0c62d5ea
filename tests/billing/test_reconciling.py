"""Reconciling with Stripe's balance: the same to the cent, or each difference by name."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from uuid_utils.compat import uuid7

from billing import doctor, kinds, payments, refunds
from billing.books import ledger, reconciling
from billing.books.ledger import Book
from billing.models import BalanceTransaction, Payment, Reconciliation, Refund
from billing.processor import Unavailable
from billing.settling import settle
from catalog.licensing import Cause
from catalog.models import Licence
from marketplace.accounts.models import Account
from marketplace.work.models import Piece
from tests.billing.selling import a_sale, a_seller, pass_the_window, pay_out, refund
from tests.factories import an_account
from tests.stripe_world import AVAILABLE_AT_ONCE, REFUND_FAILS, VISA, StripeWorld
from tests.workers import work_off

pytestmark = pytest.mark.django_db(transaction=True)

PLACES = {"success_url": "http://localhost:8000/back", "cancel_url": "http://localhost:8000/left"}


@pytest.fixture
def buyer() -> Account:
    return an_account("buyer")


def paid(world: StripeWorld, account: Account, amount: int = 12_000, *, card: str = VISA) -> Payment:
    """A payment that was really made on the page."""
    payment = payments.begin(
        account,
        seller=an_account(f"seller-{uuid7().hex[-8:]}"),
        amount=amount,
        currency="EUR",
        description="Rows",
        capture=Payment.Capture.AT_ONCE,
        cause=Cause(Licence.Cause.ORDER, uuid7()),
    )
    world.pay(payments.page(payment, **PLACES), card)
    return settle(payment.id)


def today() -> date:
    return datetime.now(UTC).date()


def charge_of(payment: Payment) -> str:
    return str(payment.intents.get(surplus=False).charge_id)


def give_back(payment: Payment, amount: int) -> None:
    refunds.ask(payment, amount, reason=Refund.Reason.STAFF)
    work_off()


def told(found: Reconciliation) -> list[tuple[str, int, int]]:
    return [(one["what"], one["stripe"], one["ledger"]) for one in found.differences]


@pytest.mark.parametrize("contrary", [False, True])
def test_a_day_of_payments_refunds_disputes_and_payouts_is_the_same_on_both_sides(
    stripe_world: StripeWorld, buyer: Account, contrary: bool
) -> None:
    stripe_world.contrary(on=contrary)
    whole, partly, won, lost = (paid(stripe_world, buyer, amount) for amount in (12_000, 9_999, 5_000, 7_000))
    give_back(whole, 12_000)
    give_back(partly, 3_333)
    for payment, wins in ((won, True), (lost, False)):
        opened = stripe_world.dispute(charge_of(payment))
        settle(payment.id)
        stripe_world.close_dispute(opened, won=wins)
        settle(payment.id)
    paid(stripe_world, buyer)
    failing = paid(stripe_world, buyer, 4_000, card=REFUND_FAILS)
    give_back(failing, 1_000)
    stripe_world.clock_forward(timedelta(seconds=5))
    settle(failing.id)
    found = reconciling.reconcile(today())
    assert found.differences == []
    assert found.movements == BalanceTransaction.objects.count() > 10
    assert found.stripe == found.ledger == ledger.balance(Book.STRIPE_CLEARING)
    assert stripe_world.audit() == []


def test_transfers_to_sellers_and_what_is_taken_back_of_them_are_the_same_on_both_sides(
    stripe_world: StripeWorld,
) -> None:
    seller = a_seller(stripe_world)
    sales = [a_sale(stripe_world, seller, amount) for amount in (10_000, 7_777)]
    pass_the_window()
    pay_out()
    refund(sales[0], 10_000)
    pay_out()
    assert reconciling.reconcile(today()).differences == []
    matters = {row.matter.partition(":")[0] for row in BalanceTransaction.objects.all()}
    assert matters == {"capture", "transfer", "refund", "reversal"}


def test_a_payout_to_our_bank_is_posted_once(stripe_world: StripeWorld, buyer: Account) -> None:
    paid(stripe_world, buyer, 20_000, card=AVAILABLE_AT_ONCE)
    stripe_world.client.v1.payouts.create({"amount": 15_000, "currency": "eur"})
    back = stripe_world.client.v1.payouts.create({"amount": 1_000, "currency": "eur"})
    stripe_world.client.v1.payouts.cancel(back.id)
    for _ in range(2):
        assert reconciling.reconcile(today()).differences == []
    assert ledger.balance(Book.BANK) == 15_000
    assert sum(ledger.trial_balance().values()) == 0


def test_each_kind_of_difference_is_told_to_the_cent(stripe_world: StripeWorld, buyer: Account) -> None:
    paid(stripe_world, buyer)
    stripe_world.client.v1.payment_intents.create(
        {
            "amount": 777,
            "currency": "eur",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    ledger.post(
        "capture:pi_nowhere", [ledger.debit(Book.STRIPE_CLEARING, 5), ledger.credit(Book.UNAPPLIED, 5)], currency="EUR"
    )
    wrong = paid(stripe_world, buyer, 1_000)
    ledger.post(
        f"fee:{charge_of(wrong)}x",
        [ledger.debit(Book.STRIPE_FEES, 1), ledger.credit(Book.STRIPE_CLEARING, 1)],
        currency="EUR",
    )
    found = reconciling.reconcile(today())
    assert sorted(told(found)) == [
        ("missing_here", 740, 0),
        ("missing_there", 0, -1),
        ("missing_there", 0, 5),
    ]
    (fault,) = list(doctor.days_are_reconciled())
    assert "3 differences" in fault.message


def test_an_amount_that_differs_names_both(stripe_world: StripeWorld, buyer: Account) -> None:
    payment = paid(stripe_world, buyer)
    reconciling.reconcile(today())
    BalanceTransaction.objects.update(net=1)
    (difference,) = reconciling.reconcile(today()).differences
    assert difference["what"] == "amount" and difference["stripe"] == 1
    assert difference["ledger"] == payment.captured - (payment.fee or 0)
    assert difference["matter"] == f"capture:{payment.intents.get().stripe_id}"


def test_what_no_event_told_of_is_found_on_the_day_and_settled(stripe_world: StripeWorld, buyer: Account) -> None:
    given_back, contested = paid(stripe_world, buyer), paid(stripe_world, buyer, 3_000)
    stripe_world.client.v1.refunds.create({"charge": charge_of(given_back), "amount": 2_000})
    stripe_world.dispute(charge_of(contested))
    found = told(reconciling.reconcile(today()))
    assert ("missing_here", -2_000, 0) in found and {what for what, _, _ in found} == {"missing_here"}
    work_off()
    assert Payment.objects.get(id=given_back.id).refunded == 2_000
    assert contested.disputes.open().count() == 1
    assert reconciling.reconcile(today()).differences == []
    assert list(doctor.days_are_reconciled()) == []


def test_a_refund_that_came_back_and_no_event_told_of_is_found_on_the_day_and_settled(
    stripe_world: StripeWorld, buyer: Account
) -> None:
    payment = paid(stripe_world, buyer, 4_000, card=REFUND_FAILS)
    give_back(payment, 1_000)
    assert Refund.objects.get().state == Refund.State.SUCCEEDED
    stripe_world.clock_forward(timedelta(seconds=5))
    assert told(reconciling.reconcile(today())) == [("amount", 0, -1_000)]
    work_off()
    assert Refund.objects.get().state == Refund.State.FAILED
    assert Payment.objects.get().refunded == 0
    assert reconciling.reconcile(today()).differences == []


def test_either_side_of_midnight_is_the_same_matter(stripe_world: StripeWorld, buyer: Account) -> None:
    paid(stripe_world, buyer)
    reconciling.reconcile(today())
    midnight = datetime.combine(today(), datetime.min.time(), UTC)
    BalanceTransaction.objects.update(created_at=midnight - timedelta(seconds=1))
    for day in (today() - timedelta(days=1), today()):
        assert reconciling.reconcile(day).differences == []


def test_without_an_answer_nothing_is_kept(stripe_world: StripeWorld, buyer: Account) -> None:
    paid(stripe_world, buyer)
    stripe_world.fail_next(10, operation="GetBalanceTransactions")
    with pytest.raises(Unavailable):
        reconciling.reconcile(today())
    assert not Reconciliation.objects.exists()


def test_the_sweep_has_each_day_compared_once_and_those_with_differences_again(
    stripe_world: StripeWorld, buyer: Account
) -> None:
    reconciling.sweep()
    assert not Piece.objects.filter(kind=kinds.RECONCILE).exists()
    paid(stripe_world, buyer)
    earlier = datetime.now(UTC) - timedelta(days=3)
    Reconciliation.objects.create(day=earlier.date())
    reconciling.sweep()
    reconciling.sweep()
    work_off()
    days = Reconciliation.objects.exclude(day=earlier.date())
    assert days.count() >= 1 and {found.state for found in days} == {"done"}
    assert Piece.objects.filter(kind=kinds.RECONCILE).count() == days.count()
    spoilt = days.order_by("day").first()
    assert spoilt is not None
    Reconciliation.objects.filter(id=spoilt.id).update(
        differences=[{"what": "amount"}], made_at=datetime.now(UTC) - timedelta(days=1)
    )
    reconciling.sweep()
    work_off()
    spoilt.refresh_from_db()
    assert spoilt.differences == []


def test_the_command_prints_the_day_and_fails_on_differences(
    stripe_world: StripeWorld, buyer: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    payment = paid(stripe_world, buyer)
    call_command("reconcile", "--day", today().isoformat())
    assert "1 movements at Stripe" in capsys.readouterr().out
    stripe_world.client.v1.refunds.create({"charge": charge_of(payment), "amount": 2_000})
    with pytest.raises(CommandError, match="1 differences"):
        call_command("reconcile", "--day", today().isoformat())
    assert "missing here, Stripe -€20.00, ledger €0.00" in capsys.readouterr().out
