"""One stack and one browser for all journeys; a person with a browser context of their own for each.

Both live as long as the tests of this folder: while Playwright runs, Django's database may not be used in this process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.chromium import chromium
from tests.journeys import stack as stacks
from tests.journeys.visitor import WIDE, Visitor

Visit = Callable[..., Visitor]
#: How many datasets are on the demo shelves.
SHELVES = 14
#: How long they may take to fill, in milliseconds, beside whatever else the machine does.
FILLING = 900_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the journey that sees the shelves fill before the others of this folder: only the first to come sees it."""
    here = Path(__file__).parent
    places = [place for place, item in enumerate(items) if item.path.parent == here]
    ours = sorted((items[place] for place in places), key=lambda item: item.path.name != "test_first_start.py")
    for place, item in zip(places, ours, strict=True):
        items[place] = item


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The Chromium that was found, started."""
    arguments = ["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="package")
def stack(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[stacks.Stack]:
    """The whole product, started from nothing; the browser is there first, to see the shelves fill."""
    with stacks.running(tmp_path_factory.mktemp("journeys")) as running:
        yield running


@pytest.fixture
def visit(browser: Browser, stack: stacks.Stack) -> Iterator[Visit]:
    """Let somebody visit the site; ``script=False`` for a browser without JavaScript."""
    visitors: list[Visitor] = []
    earlier = Counter(stack.troubles())

    def arrive(*, script: bool = True) -> Visitor:
        context = browser.new_context(java_script_enabled=script, accept_downloads=True, viewport=WIDE)  # type: ignore[arg-type]
        visitors.append(Visitor(context, stack.site, script))
        return visitors[-1]

    yield arrive
    for visitor in visitors:
        visitor.context.close()
    for visitor in visitors:
        visitor.check()
    troubles = Counter(stack.troubles()) - earlier
    assert not troubles, "\n".join(troubles)


@pytest.fixture
def full_shelves(visit: Visit) -> None:
    """Wait until all demo datasets are on the shelves."""
    visitor = visit()
    visitor.go("/")
    visitor.page.locator(".hits .size").nth(SHELVES - 1).wait_for(timeout=FILLING)
