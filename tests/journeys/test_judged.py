"""From a table of people to a report on what was made of it: what was found and demanded, what came out and cost."""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.conftest import Visit
from tests.journeys.stack import Stack
from tests.journeys.test_buying import pay, world_of
from tests.journeys.test_orders import ask, choose, opened
from tests.journeys.visitor import PATIENCE, Visitor

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]


def applicants(path: Path) -> Path:
    """Who asked for a loan and got it: older and richer people more often. What is left is income less rent."""
    chance = random.Random(21)
    lines = ["age,sex,income,rent,remaining,city,approved"]
    for _ in range(1500):
        age, sex = chance.randint(18, 80), chance.choice(["female", "male"])
        income = round(chance.lognormvariate(9 + age / 160, 0.4))
        rent = round(income * chance.uniform(0.1, 0.6))
        approved = "yes" if chance.random() < min(0.9, income / 30_000) else "no"
        city = chance.choice(["Ulm", "Bonn", "Kiel", "Jena"])
        lines.append(f"{age},{sex},{income},{rent},{income - rent},{city},{approved}")
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


def confirm_what_was_found(visitor: Visitor, source: Path) -> None:
    """Read which columns follow from which; keep it, and change a share."""
    page = visitor.page
    found = page.get_by_role("region", name=f"What was understood of {source.name}").inner_text()
    assert "What follows from what" in found and "remaining" in found
    offered = page.get_by_role("group", name="Relations not to keep").get_by_role("checkbox")
    assert offered.count() >= 1 and not any(box.is_checked() for box in offered.all())
    page.get_by_label("Conditions", exact=True).fill("sex = female: 70 %")


def see_what_was_asked_for(visitor: Visitor, folder: Path) -> None:
    """The rows on the disk keep what was found and have the share that was asked for."""
    made = opened(visitor.download(folder))
    assert len(made) == 2_000
    assert (made["income"] == made["rent"] + made["remaining"]).all()
    assert 0.66 < (made["sex"] == "female").mean() < 0.74


def test_a_buyer_confirms_chooses_demands_probes_orders_and_reads_the_report(visit: Visit, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.page
    visitor.sign_up("lena")
    source = applicants(tmp_path / "applicants.csv")
    understand(visitor, source)
    confirm_what_was_found(visitor, source)
    page.get_by_label("Likeness, at least %").fill("60")
    page.get_by_label("Nearer to a learnt row, at most %").fill("80")
    ask(visitor, 2_000)
    assert "at least 60 %" in page.locator("main").inner_text()
    probe = page.get_by_role("region", name="First rows of default, scrolls sideways")
    assert probe.locator("tbody tr").count() == 100
    visitor.press("Order for €0.00")
    page.get_by_role("heading", name="Delivered").wait_for(timeout=PATIENCE)
    read_the_report(visitor)
    see_what_was_asked_for(visitor, tmp_path)


@contextlib.contextmanager
def costing(visitor: Visitor, stack: Stack, *, base: str, per_thousand: str) -> Iterator[None]:
    """The house asks for money for a while."""
    visitor.go("/accounts/login/")
    visitor.sign_in(stack.login(staff=True))

    def ask_for(base: str, per_thousand: str) -> None:
        visitor.go("/orders/tariffs/house/tabular")
        visitor.page.get_by_label("Base, EUR").fill(base)
        visitor.page.get_by_label("Amount for units, EUR").fill(per_thousand)
        visitor.page.get_by_label("For so many units").fill("1000")
        visitor.press("Set this tariff")

    ask_for(base, per_thousand)
    try:
        yield
    finally:
        ask_for("0", "0")


def test_an_order_that_misses_what_was_demanded_says_by_how_much_and_charges_nothing(
    visit: Visit, stack: Stack, tmp_path: Path
) -> None:
    visitor, stripe = visit(), world_of(stack)
    page = visitor.page
    visitor.sign_up("edda")
    with costing(visit(), stack, base="11.50", per_thousand="1"):
        understand(visitor, applicants(tmp_path / "applicants.csv"))
        page.get_by_label("Likeness, at least %").fill("100")
        ask(visitor, 500, "€12.00")
        before = {charge.id for charge in stripe.client.v1.charges.list().auto_paging_iter()}
        visitor.press("Order for €12.00")
        pay(visitor, "4242424242424242")
        page.get_by_text(re.compile("below the 100 % that you ask for")).first.wait_for(timeout=PATIENCE)
        visitor.look()
    told = page.locator("main").inner_text()
    assert "This order was declined. Nothing was charged." in told
    assert re.search(r"Likeness.* \d+(\.\d+)? %.*below the 100 % that you ask for", told)
    charges = [charge for charge in stripe.client.v1.charges.list().auto_paging_iter() if charge.id not in before]
    assert charges and not any(charge.amount_captured for charge in charges)
    visitor.follow(visitor.link("Library", within="banner"))
    assert page.get_by_role("row", name="Your table, made anew").count() == 0
