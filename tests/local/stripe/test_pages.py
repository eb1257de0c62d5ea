"""The pages of the stand-in in Chromium: everybody can use them, on any screen, with and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.chromium import chromium
from tests.journeys.visitor import WIDE, Visitor
from tests.stripe_world import ASKS_ALWAYS, DECLINED, VISA, StripeWorld

# The journeys of buyers and sellers use the same pages with every change.
pytestmark = [pytest.mark.journey, pytest.mark.slow]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium())
        yield found
        found.close()


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def person(request: pytest.FixtureRequest, browser: Browser, world: StripeWorld) -> Iterator[Visitor]:
    script: bool = request.param
    context = browser.new_context(java_script_enabled=script, viewport=WIDE)  # type: ignore[arg-type]
    yield Visitor(context, world.base, script)
    context.close()


def _shop(world: StripeWorld) -> str:
    """Some page that is there, to be led back to."""
    return f"{world.base}/express/shop"


def _session(world: StripeWorld, **more: Any) -> str:
    price = {"currency": "eur", "unit_amount": 2_500, "product_data": {"name": "A dataset with a rather long name"}}
    wanted: Any = {
        "mode": "payment",
        "success_url": _shop(world) + "?session={CHECKOUT_SESSION_ID}",
        "cancel_url": _shop(world) + "?cancelled",
        "line_items": [{"price_data": price, "quantity": 1}],
    }
    return str(world.client.v1.checkout.sessions.create(wanted | more).url).removeprefix(world.base)


def _fill(person: Visitor, card: str) -> None:
    person.page.get_by_label("E-mail").fill("buyer@example.org")
    person.page.get_by_label("Card number").fill(card)


def test_a_person_is_declined_denies_confirms_and_has_paid(person: Visitor, world: StripeWorld) -> None:
    page = _session(world)
    person.go(page)
    assert "No real card works here" in person.page.locator("body").inner_text()
    _fill(person, DECLINED)
    person.press("Pay €25.00", refused=True)
    assert person.page.get_by_role("alert").inner_text() == "Your card was declined."
    _fill(person, ASKS_ALWAYS)
    person.press("Pay €25.00")
    person._expected.add(person.page.url)
    person.press("Deny")
    assert "unable to authenticate" in person.page.get_by_role("alert").inner_text()
    _fill(person, ASKS_ALWAYS)
    person.press("Pay €25.00")
    person.press("Confirm")
    assert person.page.url.startswith(_shop(world) + "?session=cs_test_")
    person.go(page)
    person.follow(person.link("Go on"))
    assert len([charge for charge in world.client.v1.charges.list().data if charge.paid]) == 1


def test_a_person_goes_back_without_paying(person: Visitor, world: StripeWorld) -> None:
    person.go(_session(world))
    person.follow(person.link("Cancel and go back"))
    assert person.page.url == _shop(world) + "?cancelled"


def test_a_person_leaves_a_card(person: Visitor, world: StripeWorld) -> None:
    customer = world.client.v1.customers.create()
    session = world.client.v1.checkout.sessions.create(
        {"mode": "setup", "currency": "eur", "customer": customer.id, "success_url": _shop(world)}
    )
    person.go(str(session.url).removeprefix(world.base))
    _fill(person, VISA)
    person.press("Save card")
    assert person.page.url == _shop(world)
    assert len(world.client.v1.customers.payment_methods.list(customer.id).data) == 1


def test_a_seller_leaves_and_completes_onboarding(person: Visitor, world: StripeWorld) -> None:
    account = world.client.v1.accounts.create({"type": "express", "capabilities": {"transfers": {"requested": True}}})
    for button, done in (("Leave without completing", False), ("Complete with test data", True)):
        link = world.client.v1.account_links.create(
            {
                "account": account.id,
                "type": "account_onboarding",
                "refresh_url": _shop(world),
                "return_url": _shop(world) + "?back",
            }
        )
        person.go(link.url.removeprefix(world.base))
        person.press(button)
        assert person.page.url == _shop(world) + "?back"
        assert world.client.v1.accounts.retrieve(account.id).details_submitted == done


def test_papers_of_a_payment_can_be_read(person: Visitor, world: StripeWorld) -> None:
    page = _session(world, invoice_creation={"enabled": True})
    world.pay(world.base + page)
    (session,) = world.client.v1.checkout.sessions.list({"expand": ["data.invoice"]}).data
    (charge,) = world.client.v1.charges.list().data
    invoice: Any = session.invoice
    person.go(invoice.hosted_invoice_url.removeprefix(world.base))
    assert "€25.00" in person.page.locator("main").inner_text()
    person.go(str(charge.receipt_url).removeprefix(world.base))
