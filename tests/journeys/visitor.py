"""Somebody at a browser who reads every page with the console open, once on a wide screen and once on a narrow one."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Frame, Locator, Page, Response

from tests.journeys.stack import Login

WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 360, "height": 900}
#: How long anything that workers do may take on a busy machine, in milliseconds.
PATIENCE = 600_000

#: How often a page may be loaded anew, by itself, while it is looked at.
_LOADS = 5
#: Within so many milliseconds one hears that a page went on.
_HEARD = 2_000
_AXE = Axe()
_DJANGOS_OWN = "/staff/"  # the administration is Django's, with its colours
_SEEN_BY_AXE: set[str] = set()
#: What the browser says of a script whose page went away.
_TORN = "Execution context was destroyed"
#: What tells addresses of one kind of page apart: ids, digests, versions.
_SINGLE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32,}|\d+(\.\d+)*")


@dataclass
class Visitor:
    """A person with a browser of their own. Whatever the console complains about fails the page it happened on."""

    context: BrowserContext
    site: str
    #: Does the browser run scripts? axe is one, and would wait for ever where none runs.
    script: bool = True
    page: Page = field(init=False)
    _loads: int = 0
    _said: list[tuple[str, str]] = field(default_factory=list)
    _expected: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.on("console", self._hear)
        self.page.on("framenavigated", self._count)
        self.page.on("pageerror", lambda error: self._said.append((self.page.url, str(error))))

    @property
    def complaints(self) -> list[str]:
        """What the console said, but for refusals that were meant."""
        return [f"{where}: {words}" for where, words in self._said if where not in self._expected]

    def go(self, path: str) -> None:
        """Open a page by its address, and look at it."""
        response = self.page.goto(self.site + path)
        assert response is not None and response.ok, f"{path}: {response and response.status}"
        self.look()

    def refused(self, path: str) -> Response:
        """Open an address that must not be answered well; the console may say so."""
        response = self.page.goto(self.site + path)
        assert response is not None and not response.ok
        self._expected.add(response.url)
        self.look()
        return response

    def follow(self, control: Locator) -> None:
        """Click something that leads to another page, and look at that."""
        with self.page.expect_navigation():
            control.click()
        self.look()

    def link(self, name: str, *, within: str | None = None, exact: bool = True) -> Locator:
        """A link by its words; ``within`` a landmark."""
        place = self.page.get_by_role(within) if within else self.page  # type: ignore[arg-type]
        return place.get_by_role("link", name=name, exact=exact).first

    def press(self, name: str, *, refused: bool = False) -> None:
        """Press a button that leads to another page, and look at that; ``refused`` when the form is shown again."""
        if refused:
            self.expect_refusal()
        self.follow(self.page.get_by_role("button", name=name))

    def expect_refusal(self) -> None:
        """Let the console say that what the form of this page sends is refused."""
        self._expected.add(self.page.url)

    def look(self) -> None:
        """See that the page shown is whole: nothing in the console, one heading, nothing wider than a small screen.

        A page that waits for something goes on by itself when that has come: then what it goes to is looked at.
        """
        for _ in range(_LOADS):
            self.page.wait_for_load_state()
            loads = self._loads
            try:
                self._see_that_it_is_whole()
                break
            except (AssertionError, Error) as error:
                self.page.wait_for_timeout(_HEARD)
                if self._loads == loads and _TORN not in str(error):
                    raise
        else:
            raise AssertionError(f"{self.page.url} is loaded over and over")
        self.check()

    def check(self) -> None:
        """Fail with what the console said since this was last asked."""
        complaints, self._said = self.complaints, []
        assert not complaints, "\n".join(complaints)

    def see_pictures(self, pictures: Locator) -> int:
        """Look at every picture; each must really be one. Return how many there are."""
        widths = pictures.evaluate_all(
            """async images => {
              for (const image of images) { image.scrollIntoView(); await image.decode(); }
              return images.map(image => image.naturalWidth);
            }"""
        )
        assert widths and all(width > 0 for width in widths), widths
        return len(widths)

    def sign_up(self, name: str) -> None:
        """Become somebody with an account called ``name``."""
        self.go("/")
        self.follow(self.link("Sign in", within="banner"))
        self.follow(self.link("Sign up"))
        self.page.get_by_label("Email").fill(f"{name}@example.org")
        self.page.get_by_label("Account name").fill(name)
        self.page.get_by_label("Password").fill("a heron on the weir")
        self.press("Sign up")
        self.follow(self.link("Account", within="banner"))
        assert name in self.page.locator("main").inner_text()

    def sign_in(self, login: Login) -> None:
        """Fill in the page for signing in, which is shown."""
        self.page.get_by_label("Email").fill(login.email)
        self.page.get_by_label("Password").fill(login.password)
        self.follow(self.page.get_by_role("button", name="Sign in", exact=True))

    def open_tab(self, words: str) -> None:
        """Go to one of the pages of the dataset that is shown."""
        self.follow(self.page.get_by_role("navigation", name="This dataset").get_by_role("link", name=words))

    def download(self, folder: Path) -> list[Path]:
        """Download every file of the dataset shown by its link; each must have the digest that the page says."""
        files: list[Path] = []
        self.open_tab("Files")
        for row in self.page.locator("#files tbody tr").all():
            with self.page.expect_download() as started:
                row.get_by_role("link").click()
            target = folder / started.value.suggested_filename
            started.value.save_as(target)
            digest = row.locator("details").text_content() or ""
            assert hashlib.sha256(target.read_bytes()).hexdigest() in digest, target.name
            files.append(target)
        return files

    def _see_that_it_is_whole(self) -> None:
        assert self.page.locator("h1").count() == 1, self.page.url
        for screen in (NARROW, WIDE):
            self.page.set_viewport_size(screen)  # type: ignore[arg-type]
            wide = self.page.evaluate("document.scrollingElement.scrollWidth")
            assert wide <= screen["width"], f"{self.page.url} is {wide} px wide on a screen of {screen['width']}"
        self._see_that_everybody_can_use_it()

    def _see_that_everybody_can_use_it(self) -> None:
        """Have axe-core look at a page of each address once: narrow and dark, wide and light."""
        address = _SINGLE.sub("*", urlsplit(self.page.url).path)
        if not self.script or address.startswith(_DJANGOS_OWN) or address in _SEEN_BY_AXE:
            return
        found: list[str] = []
        try:
            for screen, scheme in ((NARROW, "dark"), (WIDE, "light")):
                self.page.set_viewport_size(screen)  # type: ignore[arg-type]
                self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
                for violation in _AXE.run(self.page).response["violations"]:
                    if violation["impact"] in {"serious", "critical"}:
                        places = [place["html"][:200] for place in violation["nodes"][:3]]
                        found.append(f"{scheme}, {screen['width']} px: {violation['help']}: {places}")
        finally:
            self.page.emulate_media(color_scheme="null", reduced_motion="null")
        assert not found, "\n".join([self.page.url, *found])
        _SEEN_BY_AXE.add(address)

    def _count(self, frame: Frame) -> None:
        self._loads += frame == self.page.main_frame

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._said.append((message.location["url"] or self.page.url, message.text))
