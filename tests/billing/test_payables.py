"""Whatever happens to a seller's payments and in whatever order, the books agree and nobody gets more than a share."""

from __future__ import annotations

import itertools

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from hypothesis import given
from hypothesis import strategies as st

from billing import doctor
from billing.books.shares import refunded, shares
from billing.models import Entry, Payable, Payment, SellerAccount, Transfer
from billing.selling import payables
from marketplace.accounts.models import Account
from marketplace.doctor import CheckFunction
from tests.billing.selling import (
    a_sale,
    a_seller,
    agree_with_the_books,
    decide,
    dispute,
    pass_the_window,
    pay_out,
    payable_of,
    refund,
    sent_at_stripe,
)
from tests.stripe_world import StripeWorld

pytestmark = [pytest.mark.django_db(transaction=True)]

CHECKS = (
    doctor.sellers_are_owed_what_the_ledger_says,
    doctor.sellers_are_sent_their_share_and_no_more,
    doctor.what_is_owed_was_paid,
    doctor.nothing_is_sent_under_an_open_dispute,
    doctor.sellers_are_paid_in_time,
)


def said(check: CheckFunction) -> list[str]:
    return [fault.subject for fault in check()]


@pytest.fixture
def seller(stripe_world: StripeWorld) -> Account:
    a_sale(stripe_world, None, 100_000)
    return a_seller(stripe_world)


@given(gross=st.integers(1, 100_000), data=st.data(), commission=st.integers(0, 10_000))
def test_a_sellers_part_of_what_goes_back_never_shrinks(gross: int, data: st.DataObject, commission: int) -> None:
    tax = data.draw(st.integers(0, gross))
    whole = shares(gross, tax, commission)
    totals = sorted(data.draw(st.sets(st.integers(0, gross), min_size=2, max_size=20)))
    parts = [refunded(whole, gross, total) for total in totals]
    assert all(a.seller <= b.seller for a, b in itertools.pairwise(parts))
    for part, total in zip(parts, totals, strict=True):
        assert part.tax + part.commission + part.seller == total
        assert 0 <= part.seller <= whole.seller and 0 <= part.tax <= whole.tax and part.commission >= 0


def test_nobody_is_owed_for_what_the_house_sells_or_where_all_is_commission(
    stripe_world: StripeWorld, seller: Account
) -> None:
    assert not Payable.objects.exists()
    SellerAccount.objects.update(commission=10_000)
    a_sale(stripe_world, seller)
    assert not Payable.objects.exists() and said(doctor.what_is_owed_was_paid) == []


def test_settling_again_owes_nothing_twice(stripe_world: StripeWorld, seller: Account) -> None:
    payment = a_sale(stripe_world, seller)
    for _ in range(3):
        with transaction.atomic():
            payables.keep(Payment.objects.locked(payment.id))
    assert Payable.objects.count() == 1
    agree_with_the_books(seller)


@pytest.mark.slow  # tests/billing/test_histories.py plays others with every change
@pytest.mark.parametrize("drained", [False, True])
@pytest.mark.parametrize(
    "history",
    [
        ("send", "refund", "dispute", "lose"),
        ("refund", "send", "dispute", "win", "send", "refund"),
        ("dispute", "refund", "win", "send", "refund"),
        ("send", "dispute", "sell", "send", "win", "send", "refund"),
        ("send", "refund", "sell", "send", "refund", "dispute", "lose", "sell", "send"),
    ],
)
def test_any_history_leaves_books_that_agree(
    stripe_world: StripeWorld, seller: Account, history: tuple[str, ...], drained: bool
) -> None:
    payment = a_sale(stripe_world, seller, 9_999)
    opened = ""
    for step in history:
        if step == "send":
            pass_the_window()
            pay_out()
            if drained:
                stripe_world.drain_account(SellerAccount.objects.get().stripe_id)
        elif step == "sell":
            a_sale(stripe_world, seller, 3_333)
        elif step == "refund":
            refund(payment, 1_111)
        elif step == "dispute":
            opened = dispute(stripe_world, payment, 5_555)
        else:
            decide(stripe_world, opened, payment, won=step == "win")
        pay_out()
        agree_with_the_books(seller)
        assert sent_at_stripe(stripe_world, seller) == sum(payable.sent for payable in Payable.objects.all())
        assert not said(doctor.sellers_are_owed_what_the_ledger_says)
    assert {check.__name__: said(check) for check in CHECKS} == {check.__name__: [] for check in CHECKS}


def test_the_database_refuses_to_send_more_than_the_share(stripe_world: StripeWorld, seller: Account) -> None:
    payment = a_sale(stripe_world, seller)
    with pytest.raises(IntegrityError), transaction.atomic():
        Payable.objects.filter(payment=payment).update(transferred=F("amount") + 1)


def test_the_doctor_sees_a_payable_that_the_ledger_does_not_know(stripe_world: StripeWorld, seller: Account) -> None:
    payment = a_sale(stripe_world, seller)
    Payable.objects.filter(payment=payment).update(amount=F("amount") + 1)
    assert said(doctor.sellers_are_owed_what_the_ledger_says) == [f"seller {seller.id}"]


def test_the_doctor_sees_a_payment_that_nobody_is_owed_for(stripe_world: StripeWorld, seller: Account) -> None:
    payment = a_sale(stripe_world, seller)
    Payable.objects.all().delete()
    assert said(doctor.what_is_owed_was_paid) == [f"payment {payment.id}"]
    assert said(doctor.sellers_are_owed_what_the_ledger_says) == [f"seller {seller.id}"]
    assert -sum(Entry.objects.filter(seller=seller).values_list("amount", flat=True)) == 8_500


def test_the_doctor_sees_what_was_sent_in_excess_or_under_a_dispute(stripe_world: StripeWorld, seller: Account) -> None:
    payment = a_sale(stripe_world, seller)
    pass_the_window()
    assert said(doctor.sellers_are_paid_in_time) == []
    Payable.objects.update(releasable_at="2020-01-01T00:00Z")
    payable = payable_of(payment)
    assert said(doctor.sellers_are_paid_in_time) == [f"payable {payable.id}"]
    dispute(stripe_world, payment)
    assert said(doctor.sellers_are_paid_in_time) == []
    sent = Transfer.objects.create(
        payable=payable, amount=100, destination="acct_x", stripe_id="tr_x", state=Transfer.State.DONE
    )
    assert said(doctor.nothing_is_sent_under_an_open_dispute) == [f"transfer {sent.id}"]
    assert said(doctor.sellers_are_sent_their_share_and_no_more) == [f"payable {payable.id}"]
    Payable.objects.filter(id=payable.id).update(transferred=100)
    assert said(doctor.sellers_are_sent_their_share_and_no_more) == [f"payable {payable.id}"]
