"""From a table of people to a report on what was made of it: what was understood, what was demanded, what came out."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from tests.journeys.conftest import Visit
from tests.journeys.test_orders import ask, choose
from tests.journeys.visitor import PATIENCE, Visitor

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]


def applicants(path: Path) -> Path:
    """Who asked for a loan and got it: older and richer people more often."""
    chance = random.Random(21)
    lines = ["age,sex,income,city,approved"]
    for _ in range(1500):
        age, sex = chance.randint(18, 80), chance.choice(["female", "male"])
        income = chance.lognormvariate(9 + age / 160, 0.4)
        approved = "yes" if chance.random() < min(0.9, income / 30_000) else "no"
        lines.append(f"{age},{sex},{income:.0f},{chance.choice(['Ulm', 'Bonn', 'Kiel', 'Jena'])},{approved}")
    path.write_text("\n".join(lines))
    return path


def understand(visitor: Visitor, source: Path) -> None:
    """Send the table; say what is meant where the file does not."""
    page = visitor.page
    choose(visitor, "Your table, made anew")
    page.get_by_label("File").set_input_files(source)
    visitor.press("Upload the file")
    page.get_by_role("region", name=f"What was understood of {source.name}").wait_for(timeout=PATIENCE)
    page.get_by_label("Unit of age").fill("years")
    page.get_by_label("Target").select_option("approved")
    page.get_by_role("group", name="Sensitive columns").get_by_label("sex").check()
    visitor.look()


def read_the_report(visitor: Visitor) -> None:
    """Every question is answered, each figure beside its yardstick, and a program reads the same."""
    page = visitor.page
    visitor.follow(page.locator(".note.ok").get_by_role("link").first)
    visitor.open_tab("Quality report")
    short = page.get_by_role("region", name="In short").inner_text()
    for question in ("Likeness", "Usefulness", "Privacy", "Fairness"):
        assert question in short
        assert page.get_by_role("region", name=question, exact=True).count() == 1
    assert "withheld rows" in page.get_by_role("region", name="Likeness", exact=True).inner_text()
    assert "approved" in page.get_by_role("region", name="Usefulness", exact=True).inner_text()
    assert page.get_by_role("region", name="By sex, scrolls sideways", exact=True).get_by_role("row").count() == 3
    assert page.get_by_role("heading", name="Not tested").count() == 1
    twin = page.request.get(visitor.site + str(visitor.link("As JSON").get_attribute("href")))
    assert twin.json()["schema"] == "lookalike/quality/1"


def test_a_buyer_chooses_what_matters_orders_and_reads_the_report(visit: Visit, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.page
    visitor.sign_up("lena")
    source = applicants(tmp_path / "applicants.csv")
    understand(visitor, source)
    page.get_by_label("Likeness, at least %").fill("60")
    page.get_by_label("Nearer to a learnt row, at most %").fill("80")
    ask(visitor, 2_000)
    assert "at least 60 %" in page.locator("main").inner_text()
    visitor.press("Order for €0.00")
    page.get_by_role("heading", name="Delivered").wait_for(timeout=PATIENCE)
    read_the_report(visitor)

    understand(visitor, source)
    page.get_by_label("Likeness, at least %").fill("100")
    ask(visitor, 500)
    visitor.press("Order for €0.00")
    page.get_by_text(re.compile("below the 100 % that you ask for")).first.wait_for(timeout=PATIENCE)
    told = page.locator("main").inner_text()
    assert "declined" in told.lower() and "nothing" in told.lower()
    visitor.follow(visitor.link("Library", within="banner"))
    assert page.get_by_role("row", name="Your table, made anew").count() == 1
