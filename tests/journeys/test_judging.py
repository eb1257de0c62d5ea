"""A buyer searches, judges pictures and rows, compares, takes a licence and downloads, mostly by keyboard."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.journeys.conftest import Visit
from tests.journeys.stack import Stack
from tests.journeys.visitor import PATIENCE, Visitor

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys"), pytest.mark.usefixtures("full_shelves")]


def find_pictures_of_defects(visitor: Visitor) -> None:
    """Search with a word and two facets, misspelt at first."""
    page = visitor.page
    visitor.go("/search?q=defcets")
    assert "nearest spelling" in page.locator("main").inner_text()
    visitor.go("/")
    page.get_by_role("searchbox", name="Search datasets").fill("defects")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=defects*")
    page.locator("#modality-image").check()
    page.wait_for_url("**modality=image*", timeout=PATIENCE)
    page.locator("#domain-vision").check()
    page.wait_for_url("**domain=vision*", timeout=PATIENCE)
    assert page.get_by_role("list", name="Filters in use").get_by_role("link").count() == 3
    kinds = page.locator(".hits .what").all_inner_texts()
    assert kinds and all("Pictures" in kind for kind in kinds)
    page.reload()  # all of it is in the address
    visitor.look()
    assert page.locator("#domain-vision").is_checked()


def look_at_pictures_by_keyboard(visitor: Visitor) -> None:
    """Switch what is drawn over the pictures, open one, and go on to the next."""
    page = visitor.page
    visitor.see_pictures(page.locator(".contact img"))
    boxes, areas = page.get_by_label("boxes"), page.get_by_label("areas")
    drawn = page.locator(".contact .ov-box").first
    assert boxes.is_checked() and drawn.is_visible()
    boxes.focus()
    page.keyboard.press("Space")
    assert not drawn.is_visible()
    areas.focus()
    page.keyboard.press("Space")
    assert page.locator(".contact .ov-mask").first.is_visible()
    first = page.get_by_role("list", name="Pictures").get_by_role("link").first
    first.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    visitor.look()
    one = page.url
    following = page.get_by_role("navigation", name="Rows").get_by_role("link", name="Next")
    following.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    visitor.look()
    assert page.url != one
    assert page.get_by_role("region", name=re.compile("Values of row")).get_by_role("row").count() > 3


def have_a_stranger_check_the_licence(holder: Visitor, stranger: Visitor, title: str) -> None:
    """The holder downloads certificate and document; somebody without an account pastes what they were sent."""
    holder.follow(holder.link("Library", within="banner"))
    holder.follow(holder.page.get_by_role("row", name=title).get_by_role("link", name="Research"))
    saved: list[bytes] = []
    for words in ("Download the certificate", "Download it as PDF"):
        with holder.page.expect_download() as started:
            holder.link(words).click()
        saved.append(Path(started.value.path()).read_bytes())
    assert saved[1].startswith(b"%PDF-")
    stranger.go("/licences/verify")
    stranger.page.get_by_label("Certificate, or id of a licence").fill(saved[0].decode())
    stranger.press("Check this licence")
    shown = stranger.page.locator("main").inner_text()
    assert "This licence is in force" in shown
    assert "The certificate is genuine" in shown


def test_a_buyer_finds_judges_licenses_and_downloads_pictures(visit: Visit, stack: Stack, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.page
    find_pictures_of_defects(visitor)
    visitor.follow(page.locator(".hits h2 a").filter(has_text="raking light").first)
    title = page.get_by_role("heading", level=1).inner_text()
    look_at_pictures_by_keyboard(visitor)
    visitor.open_tab("Pictures")
    visitor.follow(visitor.link("Sign in to get it"))
    visitor.sign_in(stack.login(staff=False))
    page.get_by_label("Research").check()
    visitor.press("Get the licence for")
    visitor.follow(visitor.link("Library", within="banner"))
    visitor.follow(page.get_by_role("row", name=title).get_by_role("link", name=title))
    files = visitor.download(tmp_path)
    assert files and all(len(pd.read_parquet(file)) for file in files)
    have_a_stranger_check_the_licence(visitor, visit(), title)


def test_rows_are_sorted_paged_and_searched_and_a_row_has_an_address(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    visitor.go("/datasets/fennel-data/grocery-baskets")
    table = page.locator("section[id^=table-]").first
    visitor.follow(table.get_by_role("link", name="Next", exact=True))
    second = page.locator("section[id^=table-]").first.locator("tbody tr").first.locator("th").inner_text()
    assert int(second) > 0
    visitor.go("/datasets/fennel-data/grocery-baskets")
    head = page.locator("section[id^=table-]").first.locator("thead a").last
    name = head.inner_text()
    visitor.follow(head)
    ordered = page.locator("section[id^=table-]").first.locator("th[aria-sort]")
    assert ordered.get_attribute("aria-sort") in {"ascending", "descending"}
    assert name in ordered.inner_text()
    visitor.go("/datasets/fennel-data/grocery-baskets")
    row = page.locator("section[id^=table-]").first.locator("tbody th a").nth(3)
    number = row.inner_text()
    visitor.follow(row)
    assert f"Row {number}" in page.locator("h2").first.inner_text()


def test_datasets_are_compared_side_by_side(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    visitor.go("/search?domain=health")
    for box in page.get_by_role("form", name="Datasets to compare").get_by_role("checkbox").all()[:2]:
        box.check()
    visitor.press("Compare the chosen")
    assert page.get_by_role("region", name="Comparison").locator("thead th").count() == 2
    assert "not measured" in page.locator("main").inner_text()


def wait_for_the_report(visitor: Visitor, dataset: str) -> None:
    """What was planted is looked for a while after the data is there."""
    for _ in range(PATIENCE // 2_000):
        if visitor.page.request.get(f"{visitor.site}{dataset}/quality.json").ok:
            return
        visitor.page.wait_for_timeout(2_000)
    raise AssertionError(f"{dataset} was not judged")


def test_simulated_data_says_what_was_planted_and_what_a_plain_model_finds_of_it(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    dataset = "/datasets/fennel-data/account-takeover"
    wait_for_the_report(visitor, dataset)
    visitor.go(dataset)
    visitor.open_tab("Quality report")
    assert "as often as the answer key says" in page.get_by_role("region", name="In short").inner_text()
    causes = page.get_by_role("region", name="By fraud_pattern, scrolls sideways", exact=True)
    line = causes.get_by_role("row").filter(has_text="account_takeover").get_by_role("cell").all_inner_texts()
    assert line[0] == line[1] != "0"  # as many as the key says
    assert float(line[2]) > 0.7
    twin = page.request.get(visitor.site + str(visitor.link("As JSON").get_attribute("href"))).json()
    assert twin["tables"]["default"]["answer_key"]["planted"][0]["column"] == "fraud_pattern"


def test_the_lines_to_copy_fetch_the_file_that_the_page_names(visit: Visit) -> None:
    visitor = visit()
    visitor.go("/datasets/fennel-data/hospital-visits/files")
    row = visitor.page.locator("#files tbody tr").filter(has_text="free sample").first
    digest = row.locator("details").text_content() or ""
    with visitor.page.expect_download() as started:
        row.get_by_role("link").click()
    assert hashlib.sha256(Path(started.value.path()).read_bytes()).hexdigest() in digest
    visitor.open_tab("Load it")
    assert "HF_ENDPOINT" in visitor.page.locator("main").inner_text()
