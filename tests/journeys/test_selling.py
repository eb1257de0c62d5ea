"""A seller publishes a dataset and a second version of it; a buyer sees what changed, and reports a problem."""

from __future__ import annotations

import time

import pytest

from tests.journeys.conftest import Visit
from tests.journeys.stack import Stack
from tests.journeys.visitor import PATIENCE, Visitor

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys"), pytest.mark.usefixtures("full_shelves")]

TITLE = "Card payments of Petra"
DATASET = "/datasets/petra/payments"


def make_a_dataset(visitor: Visitor) -> None:
    """Choose a generator, fill in its form (wrongly at first), and watch the first version being made."""
    page = visitor.page
    visitor.follow(visitor.link("Sell", within="banner"))
    visitor.follow(visitor.link("Make a dataset"))
    visitor.follow(visitor.link("Card transactions with labelled fraud"))
    page.get_by_label("Name", exact=True).fill("Payments of Petra")
    page.get_by_label("Title", exact=True).fill(TITLE)
    page.get_by_label("Summary").fill("A year of payments by made-up customers, with little fraud.")
    page.get_by_label("Subject").select_option("finance")
    page.get_by_label("Units").fill("300")
    visitor.press("Make this dataset", refused=True)
    assert "Use a–z, 0–9 and the hyphen." in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Title", exact=True).input_value() == TITLE
    page.get_by_label("Name", exact=True).fill("payments")
    visitor.press("Make this dataset")
    page.wait_for_url("**/sell/datasets/payments", timeout=PATIENCE)
    page.get_by_role("row", name="1.0.0").wait_for(timeout=PATIENCE)
    visitor.look()


def describe_and_offer(visitor: Visitor) -> None:
    """Write the card with its preview, and open an offer."""
    page = visitor.page
    visitor.follow(visitor.link("Edit title, summary and card"))
    page.get_by_role("textbox", name="Card").fill(
        "# Use\n\nFor **teaching** only.\n\n| known | gap |\n|---|---|\n| no | refunds |"
    )
    page.get_by_role("button", name="Preview the card").click()
    page.locator("#preview strong").wait_for()
    assert page.locator("#preview h3").inner_text() == "Use"
    visitor.look()
    visitor.press("Save")
    visitor.follow(visitor.link("Change what is offered"))
    page.get_by_label("Research", exact=True).check()
    visitor.press("Open this offer")
    visitor.go("/sell/datasets/payments")


def approve(visitor: Visitor, stack: Stack) -> None:
    """Look at the first listing as staff, and let it onto the shelf."""
    visitor.go("/accounts/login/")
    visitor.sign_in(stack.login(staff=True))
    visitor.follow(visitor.link("Account", within="banner"))
    visitor.follow(visitor.link("Listings to look at"))
    visitor.follow(visitor.link(TITLE))
    assert visitor.page.get_by_text("For teaching only.").is_visible()
    visitor.page.get_by_label("Put it on the shelf").check()
    visitor.press("Decide")
    assert "Decided" in visitor.page.get_by_role("status").first.inner_text()


def make_a_second_version(visitor: Visitor) -> None:
    """Change one setting of the last run and have it made."""
    page = visitor.page
    visitor.go("/sell/datasets/payments")
    assert page.get_by_text("on shelf", exact=True).first.is_visible()
    visitor.follow(visitor.link("Make a new version"))
    assert page.get_by_label("Units").input_value() == "300"
    page.get_by_label("Declined genuine transactions").fill("0.25")
    visitor.press("Make this version")
    page.wait_for_url("**/sell/datasets/payments", timeout=PATIENCE)
    page.get_by_role("row", name="1.1.0").wait_for(timeout=PATIENCE)
    visitor.look()


def see_what_changed(visitor: Visitor) -> None:
    """The difference is computed right after publishing, by a worker."""
    page = visitor.page
    end = time.monotonic() + PATIENCE / 1000
    visitor.go(f"{DATASET}/versions/1.1.0/versions")
    while not page.get_by_role("heading", name="What changed from 1.0.0 to 1.1.0").is_visible():
        assert time.monotonic() < end, "no difference was computed"
        time.sleep(1)
        page.reload()
    visitor.look()
    changed = page.get_by_role("row", name="setting declines")
    assert changed.locator("td").all_inner_texts() == ["0.03", "0.25"]
    columns = page.get_by_role("region", name="Columns of default compared").locator("tbody tr")
    moved = {row.locator("th").inner_text(): row.locator("td").first.inner_text() for row in columns.all()}
    assert 0.1 < float(moved["approved"]) < 0.4


def test_a_seller_publishes_a_second_version_and_a_problem_is_reported_and_answered(visit: Visit, stack: Stack) -> None:
    seller = visit()
    seller.sign_up("petra")
    make_a_dataset(seller)
    describe_and_offer(seller)
    seller.press("Put it on the shelf")
    assert "Staff look at it first" in seller.page.get_by_role("status").first.inner_text()
    stranger = visit()
    assert stranger.refused(DATASET).status == 404
    approve(visit(), stack)
    stranger.go(DATASET)
    assert stranger.page.get_by_text("For teaching only.").is_visible()
    make_a_second_version(seller)
    see_what_changed(stranger)

    buyer = visit()
    buyer.sign_up("quentin")
    buyer.go(DATASET)
    buyer.open_tab("Problems")
    buyer.follow(buyer.link("Report a problem of 1.1.0"))
    buyer.page.get_by_label("What is wrong").fill("Too many payments are declined")
    buyer.page.get_by_label("How you see it").fill("A quarter of them; the version before had three in a hundred.")
    buyer.press("Report this problem")
    assert buyer.page.get_by_role("article", name="Too many payments are declined").is_visible()

    seller.go("/sell")
    assert "1 reported problem waits" in seller.page.locator("main").inner_text()
    seller.follow(seller.link(TITLE))
    seller.follow(seller.link("read and answer"))
    seller.page.get_by_text("Your answer").first.click()
    seller.page.get_by_role("textbox", name="Your answer").fill("That is the setting that changed; use 1.0.0.")
    seller.page.get_by_label("This resolves the problem").check()
    seller.press("Write it, for everybody to read")

    stranger.go(f"{DATASET}/problems")
    problem = stranger.page.get_by_role("article", name="Too many payments are declined")
    assert "use 1.0.0." in problem.inner_text() and "resolved" in problem.inner_text()
