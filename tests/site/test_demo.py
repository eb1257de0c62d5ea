"""What is on the demo shelves: enough of each kind, which its generator can make, with a card that keeps to facts."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import call_command

from catalog.models import Listing
from generation.generators.tabular.clinic_visits.diagnoses import DIAGNOSES
from generation.orders import tariffs
from generation.orders.models import Tariff
from generation.orders.tariffs import Surcharge
from generation.runner import JobSpec, Runner
from generation.runs.models import Run
from marketplace.accounts.models import Account, Membership
from marketplace.site.demo import CARDS, HOUSE_GENERATORS, SELLERS, SHELVES, TARIFFS
from marketplace.work.models import Piece

SECTIONS = ("How it was made", "Columns worth knowing", "Intended use", "Known gaps")


def test_there_are_a_dozen_listings_and_more_of_five_domains_by_two_sellers() -> None:
    assert len({(shelf.seller, shelf.name) for shelf in SHELVES}) == len(SHELVES) >= 12
    assert {shelf.seller for shelf in SHELVES} == set(SELLERS) and len(SELLERS) == 2
    domains = Counter(shelf.domain for shelf in SHELVES)
    assert set(domains) == {"finance", "health", "retail", "manufacturing", "vision"} and min(domains.values()) >= 2
    assert {shelf.generator for shelf in SHELVES} == set(HOUSE_GENERATORS) - {"tabular", "augmented"}


def test_every_listing_has_a_card_of_its_own_with_what_it_is_for_and_what_it_lacks() -> None:
    assert {path.stem for path in CARDS.glob("*.md")} == {shelf.name for shelf in SHELVES}
    assert len({shelf.card for shelf in SHELVES}) == len(SHELVES)
    for shelf in SHELVES:
        assert re.findall(r"^# (.+)$", shelf.card, re.M) == list(SECTIONS), shelf.name
        assert 800 < len(shelf.card) < 4000, shelf.name
        assert len(shelf.title) < 60 and len(shelf.summary) < 130 and shelf.summary.endswith("."), shelf.name


def test_cards_count_what_they_speak_of_rightly() -> None:
    cards = {shelf.name: shelf.card for shelf in SHELVES}
    assert f"a short list of {len(DIAGNOSES)} that" in cards["primary-care-visits"]


@pytest.mark.parametrize("generator", sorted({shelf.generator for shelf in SHELVES}))
def test_every_listing_asks_what_its_generator_gives_and_shows_the_columns_its_card_names(
    generator: str, tmp_path: Path
) -> None:
    with Runner(generator, scratch=tmp_path) as runner:
        for shelf in SHELVES:
            if shelf.generator != generator:
                continue
            checked = runner.check(JobSpec(generator, shelf.parameters, shelf.units, "00" * 16))
            assert not checked.problems, shelf.name
            assert checked.layout is not None
            columns = {column["name"] for table in checked.layout["tables"] for column in table["schema"]}
            columns |= {table["name"] for table in checked.layout["tables"]}
            columns |= {"severity"}  # of each of the objects too
            section = shelf.card.partition("# Columns worth knowing")[2].partition("# Intended use")[0]
            named = {word for item in re.findall(r"^- (.+?)(?:: |$)", section, re.M) for word in words(item)}
            assert named and named <= columns, (shelf.name, named - columns)


def words(item: str) -> set[str]:
    """The last part of each name in code: ``objects.severity`` names severity."""
    return {name.rpartition(".")[2] for name in re.findall(r"`([a-z_.]+)`", item)} - {"admitted", "return"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("s3_bucket")
def test_the_command_announces_them_all_for_two_organisations_that_are_marked_as_demo(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("demo", "--without-shelves")
    assert len(json.loads(capsys.readouterr().out)["logins"]) == 3
    assert not Listing.objects.exists()
    call_command("demo")
    capsys.readouterr()
    assert Listing.objects.filter(state=Listing.State.ANNOUNCED).count() == len(SHELVES)
    for slug, name in SELLERS.items():
        account = Account.objects.get(slug=slug)
        assert (account.name, account.kind, account.demo) == (name, Account.Kind.ORGANISATION, True)
        assert Membership.objects.get(account=account).user.email == "seller@demo.example"
    asked = Run.objects.order_by("id").values_list("dataset__name", flat=True)
    assert list(asked) == [shelf.name for shelf in SHELVES]
    call_command("demo")
    assert {
        tariff.generator.name: tariff.number for tariff in Tariff.objects.select_related("generator")
    } == dict.fromkeys(TARIFFS, 1)
    assert Run.objects.count() == len(SHELVES)
    assert Piece.objects.filter(kind="site.shelve").count() == len(SHELVES)


@pytest.mark.parametrize("name", TARIFFS)
def test_surcharges_of_the_demo_are_for_settings_that_the_generator_has(name: str, tmp_path: Path) -> None:
    with Runner(name, scratch=tmp_path) as runner:
        known = runner.describe().parameters_schema["properties"]
    for held in TARIFFS[name].get("surcharges", []):
        assert Surcharge.from_json(held).parameter in known
    assert max(TARIFFS[name]["base"], TARIFFS[name].get("minimum", 0)) >= tariffs.LEAST
