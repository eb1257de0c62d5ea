"""What is on the shelves, to a stranger and to a buyer."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from tests.journeys.conftest import Visit
from tests.journeys.stack import Stack

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys"), pytest.mark.usefixtures("full_shelves")]


def test_a_stranger_sees_the_data_and_downloads_the_free_sample_only(visit: Visit, tmp_path: Path) -> None:
    visitor = visit()
    visitor.go("/")
    visitor.follow(visitor.link("Card payments with labelled fraud"))
    page = visitor.page
    assert page.locator("#data tbody").first.locator("tr").count() == 50
    page.get_by_text("Dictionary and statistics").click()
    amount = page.get_by_role("region", name="Statistics of default").get_by_role("row", name="amount_eur")
    assert all(amount.locator("td").nth(place).inner_text() for place in (2, 3, 4, 5, 6))
    visitor.look()

    visitor.open_tab("Files")
    files = page.locator("#files tbody tr")
    sample = files.filter(has_text="free sample")
    assert 0 < sample.count() < files.count()
    free = sample.first.get_by_role("link")
    with page.expect_download() as started:
        free.click()
    started.value.save_as(tmp_path / "sample.parquet")
    assert hashlib.sha256((tmp_path / "sample.parquet").read_bytes()).hexdigest() in sample.first.inner_html()
    assert len(pd.read_parquet(tmp_path / "sample.parquet")) > 0

    address, path = free.get_attribute("href") or "", free.inner_text()
    bound = next(row for row in files.all() if "free sample" not in row.inner_text())
    other = bound.locator("th").inner_text()
    refused = visitor.refused(address.replace(path, other))
    assert refused.status == 403
    assert (
        f"A licence to fennel-data/card-transactions is needed to download {other}."
        in page.locator("main").inner_text()
    )
    visitor.follow(visitor.link("See the licence and its price"))
    assert "Sign in to get it" in page.get_by_role("form", name="Licence").inner_text()


def test_a_buyer_takes_the_free_licence_and_downloads_everything(visit: Visit, stack: Stack, tmp_path: Path) -> None:
    visitor = visit()
    visitor.go("/")
    visitor.follow(visitor.link("Surface defects on brushed metal"))
    visitor.follow(visitor.link("Sign in to get it"))
    visitor.sign_in(stack.login(staff=False))
    assert visitor.page.get_by_role("heading", level=1).inner_text() == "Surface defects on brushed metal"
    visitor.page.get_by_label("Research").check()
    visitor.press("Get the licence for")
    assert "The licence is " in visitor.page.get_by_role("status").first.inner_text()

    visitor.follow(visitor.link("Library", within="banner"))
    row = visitor.page.get_by_role("row", name="Surface defects on brushed metal")
    assert "in force" in row.inner_text() and "1,000" in row.inner_text()
    visitor.follow(row.get_by_role("link").first)
    visitor.see_pictures(visitor.page.locator(".contact img"))
    files = visitor.download(tmp_path)
    assert sum(len(pd.read_parquet(file, columns=["picture_id"])) for file in files) == 1_000
