"""A browser without JavaScript: everything can be read, ordered and followed to its end."""

from __future__ import annotations

import time

import pytest

from tests.journeys.conftest import Visit
from tests.journeys.visitor import PATIENCE, Visitor

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]


def look_again_until(visitor: Visitor, text: str) -> int:
    """Follow “Look again” until the page says ``text``; return how often that was needed."""
    end, times = time.monotonic() + PATIENCE / 1000, 0
    while text not in visitor.page.locator("main").inner_text():
        assert time.monotonic() < end, f"{visitor.page.url} never said {text!r}"
        time.sleep(0.5)
        visitor.follow(visitor.link("Look again"))
        times += 1
    return times


@pytest.mark.usefixtures("full_shelves")
def test_shelves_and_datasets_can_be_read(visit: Visit) -> None:
    visitor = visit(script=False)
    visitor.go("/")
    visitor.follow(visitor.link("Inspection reports: picture, note and measurements"))
    page = visitor.page
    assert page.locator("#data tbody tr").count() > 0
    assert page.locator("#data thead svg").count() > 0
    statistics = page.get_by_role("region", name="Statistics of parts by column")
    assert not statistics.is_visible()
    page.get_by_text("Dictionary and statistics").first.click()
    assert statistics.is_visible()
    visitor.open_tab("Files")
    digest = page.locator("#files details").first
    digest.locator("summary").click()
    assert digest.inner_text()


def test_an_order_can_be_placed_and_followed(visit: Visit) -> None:
    visitor = visit(script=False)
    visitor.sign_up("fenna")
    visitor.follow(visitor.link("Generators", within="banner"))
    visitor.follow(visitor.link("Card transactions with labelled fraud"))
    visitor.follow(visitor.link("Set up an order"))
    visitor.page.get_by_label("Units").fill("0")
    visitor.press("Get a quote and a free probe", refused=True)
    assert "greater than or equal to 1" in visitor.page.locator("main").inner_text()
    visitor.page.get_by_label("Units").fill("400")
    visitor.press("Get a quote and a free probe")
    look_again_until(visitor, "Order for €0.00")
    look_again_until(visitor, "free probe, ")
    visitor.press("Order for €0.00")
    assert look_again_until(visitor, "It is in your library") > 0
    visitor.follow(visitor.link("library", within="main"))
    assert visitor.page.locator("tbody tr").count() == 1
