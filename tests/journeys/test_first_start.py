"""The shelves on first start, before the other journeys: only the first to come sees this."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import FILLING, SHELVES, Visit

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]


def test_the_shelves_fill_before_ones_eyes(visit: Visit) -> None:
    visitor = visit()
    visitor.go("/")
    page = visitor.page
    rows = page.locator(".hits > li")
    assert rows.count() == SHELVES
    announced = rows.filter(has=page.locator("progress"))
    announced.first.wait_for()
    title = announced.first.get_by_role("heading").inner_text()
    # From here on the page is left to itself.
    shelf = rows.filter(has_text=title)
    shelf.locator("progress").wait_for(state="detached", timeout=FILLING)
    shelf.locator(".size").wait_for(timeout=FILLING)
    rows.locator(".size").nth(SHELVES - 1).wait_for(timeout=FILLING)
    assert announced.count() == 0
    for row in rows.all():
        assert "rows" in row.locator(".size").inner_text()
        assert "free" in row.locator(".price").inner_text()
        thumbnail = row.locator(".thumb")
        if thumbnail.locator("img").count():
            visitor.see_pictures(thumbnail.locator("img"))
        else:
            assert thumbnail.locator("svg").count() > 0
    visitor.look()
