"""From a person's first visit to files on their disk: ordered, watched, delivered, downloaded, opened."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.data.tables import diabetes, write_csv
from tests.journeys.conftest import Visit
from tests.journeys.stack import Stack
from tests.journeys.visitor import PATIENCE, Visitor

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]

PROBED_PICTURES = 8


def choose(visitor: Visitor, generator: str) -> None:
    """Find a generator and go to its order form, or to the upload before it."""
    visitor.follow(visitor.link("Generators", within="banner"))
    visitor.follow(visitor.link(generator))
    visitor.follow(visitor.page.locator(".buy").get_by_role("link"))


def ask(visitor: Visitor, units: int, price: str = "€0.00") -> None:
    """Fill in the form; wait for quote and probe."""
    visitor.page.get_by_label("Units").fill(str(units))
    visitor.press("Get a quote and a free probe")
    offer = visitor.page.get_by_role("region", name="Quote")
    offer.wait_for(timeout=PATIENCE)
    assert f"{units:,}" in offer.inner_text() and price in offer.inner_text()
    visitor.page.get_by_text("free probe, ").first.wait_for(timeout=PATIENCE)
    visitor.look()


def order(visitor: Visitor, units: int) -> None:
    """Agree, then watch: the page changes by itself, and it stays the same page all the time."""
    visitor.press("Order for €0.00")
    watch(visitor, units)


def watch(visitor: Visitor, units: int) -> None:
    """Watch an order being made, from its first steps."""
    page = visitor.page
    page.evaluate("window.stayed = true")
    step, count = page.locator("[aria-current=step]"), page.locator(".figure-big b")
    expect(step).to_have_text(re.compile("^Making"), timeout=PATIENCE)
    page.get_by_role("heading", name="Delivered").wait_for(timeout=PATIENCE)
    expect(count).to_have_text(f"{units:,}")
    assert step.count() == 0
    assert page.evaluate("window.stayed")
    visitor.look()


def see_dataset(visitor: Visitor) -> None:
    """Go from the order to its dataset; look at rows and statistics."""
    visitor.follow(visitor.page.locator(".note.ok").get_by_role("link").first)
    page = visitor.page
    assert page.get_by_text("private", exact=True).count() == 1
    for table in page.locator("#data section").all():
        assert table.locator("tbody").first.locator("tr").count() > 0
        table.get_by_text("Dictionary and statistics").click()
    assert page.locator("#data thead svg").count() > 0
    visitor.look()


def opened(files: list[Path]) -> pd.DataFrame:
    """All files of a table, in order, as pandas reads them."""
    return pd.concat([pd.read_parquet(file) for file in sorted(files)], ignore_index=True)


def with_gaps(table: pa.Table) -> pa.Table:
    """The table without one in twenty of its body mass indices: real tables have holes."""
    known = pa.array(np.arange(len(table)) % 20 != 0)
    place = table.column_names.index("bmi")
    return table.set_column(place, "bmi", pa.compute.if_else(known, table["bmi"], None))


def test_a_real_table_comes_back_as_50_000_made_rows(visit: Visit, tmp_path: Path) -> None:
    source = write_csv(with_gaps(diabetes()), tmp_path / "patients.csv")
    visitor = visit()
    visitor.sign_up("mara")
    choose(visitor, "Your table, made anew")
    visitor.page.get_by_label("File").set_input_files(source)
    visitor.press("Upload the file")

    understood = visitor.page.get_by_role("region", name="What was understood of patients.csv")
    understood.wait_for(timeout=PATIENCE)
    visitor.look()
    told = {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts()[:2]
        for row in understood.locator("tbody tr").all()
    }
    assert told["age"] == ["number", "int64"]
    assert told["sex"] == ["category", "string"]
    assert told["bmi"] == ["number", "double"]

    ask(visitor, 50_000)
    probe = visitor.page.get_by_role("region", name="First rows of default, scrolls sideways")
    assert probe.locator("tbody tr").count() == 100
    order(visitor, 50_000)
    see_dataset(visitor)

    made = opened(visitor.download(tmp_path))
    given = pd.read_csv(source)
    assert len(made) == 50_000
    assert made.dtypes.to_dict() == given.dtypes.to_dict()
    assert list(made.columns) == list(given.columns)
    assert set(made["sex"]) == set(given["sex"])
    assert 0.03 < made["bmi"].isna().mean() < 0.07
    assert made["age"].between(given["age"].min(), given["age"].max()).all()

    visitor.follow(visitor.link("Library", within="banner"))
    assert "50,000" in visitor.page.get_by_role("row", name="Your table, made anew").inner_text()
    visitor.follow(visitor.link("Orders", within="banner"))
    assert "delivered" in visitor.page.locator("tbody tr").inner_text()


def picture(cell: Mapping[str, Any]) -> Image.Image:
    """A cell of a picture column, decoded."""
    found = Image.open(io.BytesIO(cell["bytes"]))
    found.load()
    return found


def test_pictures_of_defects_are_made_to_order(visit: Visit, tmp_path: Path) -> None:
    visitor = visit()
    visitor.sign_up("jona")
    choose(visitor, "Surface defects on brushed metal")
    visitor.page.get_by_label("Size").select_option("128")
    ask(visitor, 40)
    assert visitor.see_pictures(visitor.page.locator(".contact img")) == PROBED_PICTURES
    order(visitor, 40)
    see_dataset(visitor)
    assert visitor.see_pictures(visitor.page.locator(".contact img")) > 0

    made = opened(visitor.download(tmp_path))
    assert len(made) == 40
    for row in made.itertuples():
        assert picture(row.image).size == picture(row.mask).size == (128, 128)
        assert len(row.objects) == row.defects
        labelled = {value for value in np.unique(np.asarray(picture(row.mask))) if value}
        assert bool(labelled) == (row.defects > 0)


def test_inspection_reports_are_made_to_order_and_their_keys_hold(visit: Visit, tmp_path: Path) -> None:
    visitor = visit()
    visitor.sign_up("timo")
    choose(visitor, "Inspection reports of metal parts")
    visitor.page.get_by_label("Size").select_option("128")
    ask(visitor, 30)
    assert visitor.see_pictures(visitor.page.locator(".contact img")) > 0
    order(visitor, 30)
    see_dataset(visitor)
    assert visitor.see_pictures(visitor.page.locator(".contact img")) > 0

    files = visitor.download(tmp_path)
    parts = opened([file for file in files if "-parts-" in file.name])
    measurements = opened([file for file in files if "-measurements-" in file.name])
    assert len(parts) == 30
    assert parts["part_id"].is_unique
    assert set(measurements["part_id"]) == set(parts["part_id"])
    assert not measurements.duplicated(["part_id", "sequence"]).any()
    for part in parts.itertuples():
        assert picture(part.image).size == (128, 128)
        assert part.note


def test_an_order_with_a_price_is_held_on_a_page_and_charged_when_it_is_delivered(visit: Visit, tmp_path: Path) -> None:
    visitor = visit()
    visitor.sign_up("nils")
    visitor.follow(visitor.link("Generators", within="banner"))
    visitor.follow(visitor.link("Baskets of a chain of stores"))
    page = visitor.page
    page.get_by_text("€1.00 for every 1,000 units, in proportion.").wait_for()
    visitor.follow(visitor.link("The tariff"))
    visitor.follow(visitor.link("Set up an order"))
    page.get_by_label("Duplicate rows, at most %").fill("50")
    ask(visitor, 3_000, "€8.00")

    visitor.press("Order for €8.00")
    assert "/orders/" not in page.url
    payment_page = page.url
    page.go_back()
    visitor.follow(page.get_by_role("button", name=re.compile("^(Order for €8.00|Go to the payment page)$")))
    assert page.url == payment_page
    page.get_by_label("E-mail").fill("nils@example.org")
    page.get_by_label("Card number").fill("4242424242424242")
    visitor.follow(page.get_by_role("button", name=re.compile("^Pay")))
    page.get_by_role("heading", name="Delivered").wait_for(timeout=PATIENCE)
    visitor.look()
    money = page.get_by_role("region", name="Price").inner_text()
    assert "€5.00" in money and "€3.00" in money and "€8.00" in money and "Charged" in money
    see_dataset(visitor)
    assert len(opened([file for file in visitor.download(tmp_path) if "baskets" in file.name])) == 3_000


def test_the_owner_of_a_generator_is_told_all_that_is_wrong_with_its_tariff(visit: Visit, stack: Stack) -> None:
    visitor = visit()
    visitor.go("/accounts/login/")
    visitor.sign_in(stack.login(staff=True))
    visitor.go("/orders/tariffs/house/clinic-visits")
    page = visitor.page
    assert page.get_by_label("Base, EUR").input_value() == "9"
    page.get_by_label("Base, EUR").fill("-1")
    page.get_by_label("This value").first.fill("a barn")
    visitor.press("Set this tariff", refused=True)
    told = page.locator("main").inner_text()
    assert "greater than or equal to 0" in told and "1 surcharge needs a change" in told and "a barn" in told
