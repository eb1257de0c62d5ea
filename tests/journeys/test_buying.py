"""A buyer pays on Stripe's page, by the worse roads too, and has the data and an invoice; money that goes back ends it.

Stripe is the stack's own stand-in: its pages are clicked like Stripe's, and it is told when to speak of what happened.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import APIResponse, Locator, Route

from tests.journeys.conftest import Visit
from tests.journeys.stack import Stack
from tests.journeys.visitor import PATIENCE, Visitor
from tests.stripe_world import ASKS_ALWAYS, DECLINED, VISA, StripeWorld

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys"), pytest.mark.usefixtures("full_shelves")]

WINTER = "/datasets/fennel-data/hard-winter-practice"
SPENDING = "/datasets/fennel-data/everyday-card-spending"
DENTS = "/datasets/kestrel-vision/dents-in-raking-light"
#: What a certificate's entry in its status list says.
VALID, REVOKED = 0, 1


def world_of(stack: Stack) -> StripeWorld:
    """Stripe, as this stack has it."""
    return StripeWorld(stack.told["stripe"]["api"], stack.told["stripe"]["key"])


def main_text(visitor: Visitor) -> str:
    """What the page says, without head and foot."""
    return visitor.page.locator("main").inner_text()


def choose_commercial_use(visitor: Visitor, dataset: str, price: str) -> str:
    """Take the offer that has a price; return the address of the payment page that it leads to."""
    visitor.go(dataset)
    box = visitor.page.get_by_role("form", name="Licence")
    box.get_by_label(re.compile("^Commercial")).check()
    assert price in box.locator("label", has=visitor.page.locator("input:checked")).inner_text()
    with visitor.page.expect_navigation():
        box.get_by_role("button").click()
    assert urlsplit(visitor.page.url).path.startswith("/c/pay/")
    return visitor.page.url


def fill_in(visitor: Visitor, card: str) -> Locator:
    """Type the card; return the button that pays."""
    visitor.page.get_by_label("E-mail").fill("nora@example.org")
    visitor.page.get_by_label("Card number").fill(card)
    return visitor.page.get_by_role("button", name="Pay")


def pay(visitor: Visitor, card: str, *, refused: bool = False) -> None:
    """Pay with the card; ``refused`` when the payment page is shown again."""
    button = fill_in(visitor, card)
    if refused:
        visitor.expect_refusal()
    with visitor.page.expect_navigation():
        button.click()
    visitor.page.wait_for_load_state()


@dataclass
class HeldUp:
    """Somebody has paid, and the answer that leads them back is on its way for as long as one likes."""

    visitor: Visitor
    answers: list[tuple[Route, APIResponse]] = field(default_factory=list)

    def pay(self) -> str:
        """Pay on the page that is shown; return the path of the purchase that the answer leads to."""
        page = self.visitor.page
        page.route("**/c/pay/*", lambda route: self.answers.append((route, route.fetch(max_redirects=0))))
        fill_in(self.visitor, VISA).click(no_wait_after=True)
        for _ in range(PATIENCE // 50):
            if self.answers:
                return urlsplit(self.answers[0][1].headers["location"]).path
            page.wait_for_timeout(50)
        raise AssertionError("the payment page did not answer")

    def arrive(self) -> None:
        """Let the answer arrive."""
        route, answer = self.answers.pop()
        with self.visitor.page.expect_navigation():
            route.fulfill(response=answer)


def ask_the_bank(visitor: Visitor, answer: str, *, refused: bool = False) -> None:
    """Answer the bank's question."""
    if refused:
        visitor.expect_refusal()
    with visitor.page.expect_navigation():
        visitor.page.get_by_role("button", name=answer).click()
    visitor.page.wait_for_load_state()


def bought(visitor: Visitor) -> None:
    """See that the page of a purchase says that it is paid and licensed, by itself."""
    visitor.page.get_by_role("heading", name="Paid, and yours").wait_for(timeout=PATIENCE)
    visitor.look()


def claims(token: str) -> dict[str, Any]:
    """What a signed token says; whether it is signed well is tested elsewhere."""
    body = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))


def status(visitor: Visitor, certificate: dict[str, Any]) -> int:
    """What the status list says of a certificate now, as anybody reads it."""
    entry = certificate["status"]["status_list"]
    answer = visitor.page.request.get(entry["uri"])
    assert answer.ok
    found = claims(answer.text())["status_list"]
    packed = zlib.decompress(base64.urlsafe_b64decode(found["lst"] + "=" * (-len(found["lst"]) % 4)))
    place, shift = divmod(entry["idx"] * found["bits"], 8)
    return packed[place] >> shift & (1 << found["bits"]) - 1


def see_the_licence(visitor: Visitor) -> dict[str, Any]:
    """Look at the licence of the purchase that is shown; return its certificate's claims."""
    visitor.follow(visitor.link("The licence"))
    assert "in force" in main_text(visitor)
    certificate = visitor.link("Download the certificate").get_attribute("href")
    answer = visitor.page.request.get(f"{visitor.site}{certificate}")
    assert answer.ok
    return claims(answer.text())


def see_the_invoice(visitor: Visitor, price: str) -> None:
    """Find the invoice from the account's page, on the screen and on paper."""
    visitor.follow(visitor.link("Account", within="banner"))
    visitor.follow(visitor.link("Billing", within="main"))
    visitor.follow(visitor.page.locator("tbody a", has_text="INV-").first)
    assert price in main_text(visitor)
    assert "without tax" in main_text(visitor)
    paper = visitor.page.request.get(f"{visitor.site}{visitor.link('PDF').get_attribute('href')}")
    assert paper.ok and paper.body().startswith(b"%PDF-")


def refund(staff: Visitor, stack: Stack, buyer: str) -> None:
    """Give all of a buyer's money back, as staff do."""
    staff.go("/accounts/login/")
    staff.sign_in(stack.login(staff=True))
    staff.follow(staff.link("Account", within="banner"))
    staff.follow(staff.link("Money", within="main"))
    staff.follow(staff.link("Payments", within="main"))
    row = staff.page.locator("tbody tr", has_text=buyer).first
    staff.follow(row.get_by_role("link").first)
    staff.page.get_by_label("Reason").fill("Bought by mistake; asked by letter.")
    staff.press(f"Give it back to {buyer}")
    assert "on its way" in staff.page.get_by_role("status").first.inner_text()


def test_a_licence_is_bought_with_a_third_card_downloaded_invoiced_and_refunded_by_staff(
    visit: Visit, stack: Stack, tmp_path: Path
) -> None:
    world, visitor = world_of(stack), visit()
    visitor.sign_up("nora")
    visitor.go(WINTER)
    assert "€79.00" in main_text(visitor)

    to_pay = choose_commercial_use(visitor, WINTER, "€79.00")
    visitor.look()
    assert "€79.00" in main_text(visitor)
    visitor.page.go_back()
    visitor.page.wait_for_url(f"**{WINTER}")
    assert choose_commercial_use(visitor, WINTER, "€79.00") == to_pay
    visitor.follow(visitor.link("Cancel and go back"))
    assert visitor.page.get_by_role("heading", name="Not paid yet").is_visible()
    purchase = visitor.page.url
    visitor.press("Go to the payment page")
    assert visitor.page.url == to_pay

    pay(visitor, DECLINED, refused=True)
    assert "declined" in visitor.page.get_by_role("alert").inner_text()
    pay(visitor, ASKS_ALWAYS)
    visitor.look()
    ask_the_bank(visitor, "Deny", refused=True)
    assert "authenticate" in visitor.page.get_by_role("alert").inner_text()
    world.deliver(paused=True)
    pay(visitor, ASKS_ALWAYS)
    ask_the_bank(visitor, "Confirm")
    bought(visitor)
    world.deliver(paused=False)
    assert urlsplit(visitor.page.url).path == urlsplit(purchase).path
    assert "€79.00" in visitor.page.get_by_role("complementary").inner_text()
    certificate = see_the_licence(visitor)
    assert status(visitor, certificate) == VALID

    visitor.go(urlsplit(purchase).path)
    assert visitor.page.get_by_role("button", name="Give it back").is_visible()
    visitor.follow(visitor.link("Download"))
    assert visitor.download(tmp_path)
    visitor.go(urlsplit(purchase).path)
    assert visitor.page.get_by_role("button", name="Give it back").count() == 0
    see_the_invoice(visitor, "€79.00")

    refund(visit(), stack, "nora")
    visitor.go(urlsplit(purchase).path)
    visitor.page.get_by_role("heading", name="Refunded").wait_for(timeout=PATIENCE)
    visitor.look()
    assert status(visitor, certificate) == REVOKED
    visitor.go("/billing")
    assert "CRN-" in main_text(visitor)
    visitor.go(f"{WINTER}/files")
    assert visitor.link("Choose a licence").is_visible()


def test_a_purchase_is_finished_by_an_event_alone_and_given_back_by_its_buyer(visit: Visit) -> None:
    visitor = visit()
    visitor.sign_up("odette")

    # The event comes before the buyer is back.
    choose_commercial_use(visitor, DENTS, "€49.00")
    held_up = HeldUp(visitor)
    purchase = held_up.pay()
    other = Visitor(visitor.context, visitor.site)
    other.go(purchase)
    bought(other)
    held_up.arrive()
    bought(visitor)

    # The buyer closes the tab and is never back.
    choose_commercial_use(visitor, SPENDING, "€99.00")
    purchase = HeldUp(visitor).pay()
    visitor.page.close()
    other.go(purchase)
    bought(other)
    certificate = see_the_licence(other)
    other.go(purchase)
    other.press("Give it back for €99.00")
    other.page.get_by_role("heading", name="Refunded").wait_for(timeout=PATIENCE)
    other.look()
    assert status(other, certificate) == REVOKED
