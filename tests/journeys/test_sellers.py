"""A seller sets payouts up, sells a licence, and is paid when the refund window is over."""

from __future__ import annotations

import time

import psycopg
import pytest

from tests.journeys.conftest import Visit
from tests.journeys.stack import Stack
from tests.journeys.visitor import PATIENCE, Visitor
from tests.stripe_world import AVAILABLE_AT_ONCE

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]

TITLE = "Card payments of Rosa"
DATASET = "/datasets/rosa/payments"


def make_and_offer(visitor: Visitor) -> None:
    """Have a small dataset made, and offer it for €40."""
    page = visitor.page
    visitor.follow(visitor.link("Sell", within="banner"))
    visitor.follow(visitor.link("Make a dataset"))
    visitor.follow(visitor.link("Card transactions with labelled fraud"))
    page.get_by_label("Name", exact=True).fill("payments")
    page.get_by_label("Title", exact=True).fill(TITLE)
    page.get_by_label("Summary").fill("A year of payments by made-up customers.")
    page.get_by_label("Subject").select_option("finance")
    page.get_by_label("Units").fill("100")
    visitor.press("Make this dataset")
    page.wait_for_url("**/sell/datasets/payments", timeout=PATIENCE)
    page.get_by_role("row", name="1.0.0").wait_for(timeout=PATIENCE)
    visitor.look()
    visitor.follow(visitor.link("Change what is offered"))
    page.get_by_label("Commercial use", exact=True).check()
    page.get_by_label("Price in EUR").fill("40")
    visitor.press("Open this offer")
    visitor.go("/sell/datasets/payments")
    visitor.press("Put it on the shelf")


def approve(visitor: Visitor, stack: Stack) -> None:
    """Let the first listing onto the shelf, as staff."""
    visitor.go("/accounts/login/")
    visitor.sign_in(stack.login(staff=True))
    visitor.go("/moderation")
    visitor.follow(visitor.link(TITLE))
    visitor.page.get_by_label("Put it on the shelf").check()
    visitor.press("Decide")


def set_payouts_up(visitor: Visitor) -> None:
    """Leave Stripe's pages halfway, then go on and tell it all that it wants."""
    page = visitor.page
    visitor.go("/sell")
    visitor.follow(page.get_by_role("navigation", name="Selling").get_by_role("link", name="Payouts"))
    visitor.press("Set up payouts at Stripe")
    visitor.press("Leave without completing")
    assert page.get_by_role("heading", name="Stripe still wants").is_visible()
    visitor.press("Go on at Stripe")
    visitor.press("Complete with test data")
    assert page.get_by_text("Money can be sent to it").is_visible()


def buy(visitor: Visitor) -> None:
    """Take the offer, and pay on the hosted page."""
    page = visitor.page
    visitor.go(DATASET)
    page.get_by_role("radio", name="Commercial").check()
    visitor.press("Get the licence")
    page.get_by_label("E-mail").fill("simon@example.org")
    page.get_by_label("Card number").fill(AVAILABLE_AT_ONCE)
    visitor.press("Pay ")
    page.get_by_role("heading", name="Paid, and yours").wait_for(timeout=PATIENCE)
    visitor.look()


def pass_the_window(stack: Stack) -> None:
    """Move the end of the refund window to now: fourteen days are too long for a test."""
    with psycopg.connect(stack.told["database"]) as database:
        database.execute("UPDATE billing_payable SET releasable_at = now() WHERE releasable_at > now()")


def test_a_seller_is_paid_after_the_refund_window(visit: Visit, stack: Stack) -> None:
    seller, buyer = visit(), visit()
    seller.sign_up("rosa")
    make_and_offer(seller)
    approve(visit(), stack)
    set_payouts_up(seller)
    buyer.sign_up("simon")
    buy(buyer)

    seller.go("/sell/revenue")
    page = seller.page
    pending = page.locator(".tiles > div", has=page.get_by_text("Pending", exact=True)).locator("dd")
    yours = pending.inner_text().splitlines()[0]
    # What is left of €40.00 after tax, whatever the rate is here, and 15 % commission.
    assert 20 < float(yours.removeprefix("€")) <= 34
    assert page.get_by_role("img", name="Earned each month").is_visible()
    assert page.get_by_role("row", name=TITLE).get_by_text("pending").is_visible()

    pass_the_window(stack)
    end = time.monotonic() + PATIENCE / 1000
    while not page.get_by_role("row", name=TITLE).get_by_text("sent", exact=True).is_visible():
        assert time.monotonic() < end, "nothing was sent"
        time.sleep(1)
        page.reload()
    seller.look()
    paid = page.locator(".tiles > div", has=page.get_by_text("Paid", exact=True)).locator("dd")
    assert paid.inner_text().splitlines()[0] == yours
    with page.expect_download() as started:
        page.get_by_role("link", name="All as CSV").click()
    assert yours.removeprefix("€") in started.value.path().read_text()
    seller.go("/sell/payouts")
    assert page.get_by_role("row", name=TITLE).get_by_text(yours).is_visible()
