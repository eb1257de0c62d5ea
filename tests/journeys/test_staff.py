"""The administration."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import Visit
from tests.journeys.stack import Stack

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]


def test_staff_open_the_administration_and_every_list_in_it(visit: Visit, stack: Stack) -> None:
    visitor = visit()
    visitor.go("/accounts/login/")
    visitor.sign_in(stack.login(staff=True))
    visitor.follow(visitor.link("Account", within="banner"))
    visitor.follow(visitor.link("Administration"))
    lists = [link.get_attribute("href") for link in visitor.page.locator("th[scope=row] a").all()]
    assert len(lists) > 10
    for address in lists:
        visitor.go(str(address))


def test_buyers_do_not_get_into_the_administration(visit: Visit, stack: Stack) -> None:
    visitor = visit()
    visitor.go("/accounts/login/")
    visitor.sign_in(stack.login(staff=False))
    assert visitor.link("Account", within="banner").is_visible()
    assert visitor.refused("/staff/").status == 403
    assert "Site administration" not in visitor.page.locator("body").inner_text()
