"""A holder asks whether a table of theirs looks like what was delivered, and keeps the receipt of its deletion."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.journeys.conftest import Visit
from tests.journeys.test_judged import applicants
from tests.journeys.test_orders import ask, choose
from tests.journeys.visitor import PATIENCE, Visitor

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]


def richer(source: Path, path: Path) -> Path:
    """The same people, each with three times the income."""
    head, *rows = source.read_text().splitlines()
    place = head.split(",").index("income")
    lines = [row.split(",") for row in rows]
    raised = [",".join([*line[:place], str(int(line[place]) * 3), *line[place + 1 :]]) for line in lines]
    path.write_text("\n".join([head, *raised]))
    return path


def compare(visitor: Visitor, table: Path) -> str:
    """Send a table, watch until it is compared and deleted, and return what the page says."""
    page = visitor.page
    page.get_by_label("Your table", exact=True).set_input_files(table)
    page.get_by_label("Target").select_option("approved")
    visitor.press("Send the table and compare")
    page.get_by_text("was deleted").wait_for(timeout=PATIENCE)
    visitor.look()
    return page.locator("main").inner_text()


def test_a_holder_compares_tables_with_a_version_and_keeps_the_receipt(visit: Visit, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.page
    visitor.sign_up("ida")
    source = applicants(tmp_path / "applicants.csv")
    choose(visitor, "Your table, made anew")
    page.get_by_label("File").set_input_files(source)
    visitor.press("Upload the file")
    page.get_by_role("region", name="What was understood of applicants.csv").wait_for(timeout=PATIENCE)
    ask(visitor, 2_000)
    visitor.press("Order for €0.00")
    page.get_by_role("heading", name="Delivered").wait_for(timeout=PATIENCE)
    visitor.follow(page.locator(".note.ok").get_by_role("link").first)
    visitor.open_tab("Versions")
    visitor.follow(visitor.link("Compare with your table"))

    told = compare(visitor, richer(source, tmp_path / "richer.csv"))
    assert re.search(r"1 of 7 columns moved much: income\.", told)
    assert page.locator(".compare figure").count() == 7
    with page.expect_download() as receipt:
        visitor.link("Signed receipt").click()
    assert Path(receipt.value.path()).read_text().count(".") == 2

    visitor.follow(visitor.link("Your own table"))
    assert page.get_by_role("row", name="richer.csv").count() == 1
    assert "moved much" not in compare(visitor, source)
    visitor.press("Delete this report")
    assert "The report was deleted." in page.locator("main").inner_text()
