"""A seller sees what was earned and what became of it, to the cent; what is paid next; and all of it as CSV."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from billing import purchases
from billing.models import Payable, Payment, SellerAccount
from billing.selling import payout_holds, revenue
from billing.selling.forecast import Forecast, forecast, next_payout
from billing.selling.revenue import Figures
from billing.settling import settle
from catalog import publishing
from catalog.models import Licence
from marketplace.accounts.models import Account, User
from tests.billing.selling import (
    a_sale,
    a_seller,
    decide,
    dispute,
    pass_the_window,
    pay_out,
    refund,
)
from tests.factories import a_dataset, a_listing, a_person, a_version
from tests.stripe_world import StripeWorld

pytestmark = [pytest.mark.django_db(transaction=True)]


def agree(figures: Figures) -> None:
    """What the page says of the figures is true."""
    kept = figures.pending + figures.on_hold + figures.paid - figures.owing
    assert figures.earned - figures.refunded == kept
    assert min(figures.pending, figures.on_hold, figures.paid, figures.owing) >= 0


@pytest.fixture
def seller(stripe_world: StripeWorld) -> Account:
    a_person("maker")
    return a_seller(stripe_world)


def test_figures_follow_the_money_to_the_cent(stripe_world: StripeWorld, seller: Account) -> None:
    assert revenue.figures(seller) == Figures()
    a_sale(stripe_world, None, 50_000)
    first = a_sale(stripe_world, seller, 9_999)
    a_sale(stripe_world, seller, 5_001)
    assert revenue.figures(seller) == Figures(earned=8_500 + 4_251, pending=12_751)
    pass_the_window()
    pay_out()
    assert revenue.figures(seller) == Figures(earned=12_751, paid=12_751)
    refund(first, 3_333)
    assert revenue.figures(seller) == Figures(earned=12_751, refunded=2_834, paid=9_917)
    opened = dispute(stripe_world, first, 6_666)
    assert revenue.figures(seller) == Figures(earned=12_751, refunded=2_834, on_hold=5_666, paid=4_251)
    stripe_world.drain_account(SellerAccount.objects.get(account=seller).stripe_id)
    decide(stripe_world, opened, first, won=False)
    assert revenue.figures(seller) == Figures(earned=12_751, refunded=8_500, paid=4_251)
    agree(revenue.figures(seller))


def test_what_is_owed_back_is_a_figure_of_its_own(stripe_world: StripeWorld, seller: Account) -> None:
    sale = a_sale(stripe_world, seller)
    pass_the_window()
    pay_out()
    stripe_world.drain_account(SellerAccount.objects.get(account=seller).stripe_id)
    refund(sale, 10_000)
    assert revenue.figures(seller) == Figures(earned=8_500, refunded=8_500, paid=8_500, owing=8_500)
    a_sale(stripe_world, seller, 20_000)
    agree(revenue.figures(seller))
    due = timezone.now().date() + timedelta(days=14)
    assert forecast(SellerAccount.objects.get(), timezone.now()) == Forecast(due, 8_500, 8_500)
    pass_the_window()
    assert forecast(SellerAccount.objects.get(), timezone.now()).day == timezone.now().date()
    pay_out()
    assert revenue.figures(seller) == Figures(earned=25_500, refunded=8_500, paid=17_000)


def test_a_hold_moves_all_that_is_owed(stripe_world: StripeWorld, seller: Account) -> None:
    a_sale(stripe_world, seller)
    boss = User.objects.create_superuser("boss@example.com", "correct horse")
    payout_holds.place(seller, boss, reason="Why.", evidence_wanted="What.", review_by=date(2030, 1, 1))
    assert revenue.figures(seller) == Figures(earned=8_500, on_hold=8_500)
    assert forecast(SellerAccount.objects.get(), timezone.now()) == Forecast(None, 0, 0, "Payouts are on hold.")


def test_a_payout_is_not_promised_to_an_account_that_cannot_receive(stripe_world: StripeWorld) -> None:
    seller = a_seller(stripe_world, complete=False)
    a_sale(stripe_world, seller)
    assert forecast(SellerAccount.objects.get(), timezone.now()).why_not == "Your account at Stripe is being set up."


@given(days=st.lists(st.integers(1, 10_000), max_size=15), debt=st.integers(0, 50_000))
def test_a_debt_is_paid_before_anything_is_promised(days: list[int], debt: int) -> None:
    dated = [(date(2026, 11, 1) + timedelta(days=n), owed) for n, owed in enumerate(days)]
    found = next_payout(dated, debt, "")
    if sum(days) <= debt:
        assert found.day is None and found.amount == 0
        return
    assert found.day is not None and found.kept == debt
    until = sum(owed for day, owed in dated if day <= found.day)
    before = sum(owed for day, owed in dated if day < found.day)
    assert before <= debt and found.amount == until - debt > 0


def test_months_tell_licences_from_orders_and_leave_none_out(stripe_world: StripeWorld, seller: Account) -> None:
    a_sale(stripe_world, seller, cause=Licence.Cause.PURCHASE)
    order = a_sale(stripe_world, seller, 20_000)
    old = a_sale(stripe_world, seller, 30_000)
    Payable.objects.filter(payment=order).update(created_at=datetime(2026, 3, 31, 23, 59, tzinfo=UTC))
    Payable.objects.filter(payment=old).update(created_at=datetime(2025, 1, 1, tzinfo=UTC))
    Payable.objects.exclude(payment__in=[order, old]).update(created_at=datetime(2026, 4, 1, tzinfo=UTC))
    months = revenue.months(seller, datetime(2026, 4, 2, 1, tzinfo=UTC))
    assert [month.first for month in months][:2] == [date(2025, 5, 1), date(2025, 6, 1)] and len(months) == 12
    assert [(month.licences, month.orders) for month in months[-2:]] == [(0, 17_000), (8_500, 0)]
    assert sum(month.earned for month in months) == 25_500


def test_the_page_shows_figures_plot_sales_and_the_next_payout(
    client: Client, stripe_world: StripeWorld, seller: Account
) -> None:
    client.force_login(User.objects.get(email="maker@example.com"))
    page = client.get("/sell/revenue").content.decode()
    assert "Nothing sold yet" in page and "nothing is owed" in page
    a_sale(stripe_world, seller, description="Numbers & more")
    page = client.get("/sell/revenue").content.decode()
    assert "Numbers &amp; more" in page and "€85.00" in page and "Earned each month" in page
    day = timezone.now().date() + timedelta(days=14)
    assert f"about {day.day} {day:%B %Y}" in page
    assert 'href="/sell/revenue.csv"' in page and 'href="/sell/payouts"' in page
    assert 'href="/sell/revenue"' in client.get("/sell").content.decode()
    pass_the_window()
    pay_out()
    payouts = client.get("/sell/payouts").content.decode()
    assert "Numbers &amp; more" in payouts and "€85.00" in payouts


def test_what_each_listing_earned_is_told_on_the_page_and_in_the_csv(
    client: Client, stripe_world: StripeWorld, seller: Account, monkeypatch: pytest.MonkeyPatch, s3_bucket: None
) -> None:
    buyer = a_person("buyer")
    for name, price in (("cheap", 1_000), ("dear", 20_000), ("middling", 5_000)):
        dataset = a_dataset(seller, name)
        a_version(dataset)
        offer = a_listing(dataset, price=price)
        publishing.put_on_shelf(offer.listing)
        purchase = purchases.buy(buyer[1], offer, by=buyer[0], key=uuid7())
        stripe_world.pay(purchases.pay(purchase))
        settle(purchase.payment_id)
    a_sale(stripe_world, seller, 2_000)
    refund(Payment.objects.get(amount=5_000), 1_000)
    monkeypatch.setattr(revenue, "_LISTINGS", 2)
    found = revenue.lines(seller)
    assert [(line.dataset, line.sales, line.earned, line.refunded) for line in found] == [
        ("dear", 1, 17_000, 0),
        ("middling", 1, 4_250, 850),
        (None, 1, 850, 0),
        (None, 1, 1_700, 0),
    ]
    assert [line.title for line in found[2:]] == ["All other licences", "Custom orders"]
    figures = revenue.figures(seller)
    assert sum(line.earned for line in found) == figures.earned
    assert sum(line.refunded for line in found) == figures.refunded
    client.force_login(User.objects.get(email="maker@example.com"))
    page = client.get("/sell/revenue").content.decode()
    assert 'href="/datasets/maker/dear"' in page
    assert "All other licences" in page
    rows = csv.DictReader(io.StringIO(b"".join(client.get("/sell/revenue.csv")).decode()))  # type: ignore[arg-type]
    assert [row["listing"] for row in rows] == ["maker/cheap", "maker/dear", "maker/middling", ""]


def test_sales_are_shown_page_by_page(client: Client, stripe_world: StripeWorld, seller: Account) -> None:
    client.force_login(User.objects.get(email="maker@example.com"))
    for _ in range(3):
        a_sale(stripe_world, seller)
    first = client.get("/sell/revenue?size=2")
    assert len(first.context["page"].items) == 2
    rest = client.get("/sell/revenue", {"size": 2, "cursor": first.context["page"].next_cursor})
    assert len(rest.context["page"].items) == 1
    assert client.get("/sell/revenue?cursor=nonsense").status_code == 400


def test_the_csv_has_every_sale_exactly_and_no_formula(
    client: Client, stripe_world: StripeWorld, seller: Account
) -> None:
    client.force_login(User.objects.get(email="maker@example.com"))
    evil = '=HYPERLINK("http://example.org")'
    first = a_sale(stripe_world, seller, 9_999, description=evil, cause=Licence.Cause.PURCHASE)
    a_sale(stripe_world, seller, description="Zahlen, für Übungen")
    refund(first, 3_333)
    response = client.get("/sell/revenue.csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8" and response.streaming
    rows = list(csv.DictReader(io.StringIO(b"".join(response).decode())))  # type: ignore[arg-type]
    assert [row["description"] for row in rows] == [f"'{evil}", "Zahlen, für Übungen"]
    assert [row["what"] for row in rows] == ["licence", "custom order"]
    amounts = ("paid_by_buyer", "tax", "commission", "yours", "refunded", "sent", "taken_back", "kept_for_debt")
    assert [rows[0][name] for name in amounts] == ["99.99", "0.00", "14.99", "85.00", "28.34", "0.00", "0.00", "0.00"]
    assert rows[1]["payment"] and rows[1]["paid_at"].endswith("Z")


def test_others_see_nothing_of_it(client: Client, stripe_world: StripeWorld, seller: Account) -> None:
    a_sale(stripe_world, seller, description="Secret numbers")
    client.force_login(a_person("bea")[0])
    for address in ("/sell/revenue", "/sell/payouts"):
        assert "Secret" not in client.get(address).content.decode()
    assert len(list(client.get("/sell/revenue.csv"))) == 1
    assert not SellerAccount.objects.filter(account__slug="bea").exists()
