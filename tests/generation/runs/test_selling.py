"""A seller has a dataset made by way of the pages: set up, checked, made, described, offered, published, made anew."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from catalog import difference, moderation
from catalog.models import Dataset, Listing, Review, ShelfState
from generation.runs import registry, selling
from generation.runs.models import GeneratorVersion, Making, Run
from marketplace.accounts.models import Account, Membership, Role, User
from marketplace.mail.models import Message
from marketplace.work.models import Piece
from tests.factories import a_dataset, a_licence, a_person, a_version, an_account
from tests.generation.made import a_run, the_dice, work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

NEW = "/sell/new/house/dice"
TOLD = {
    "name": "throws",
    "title": "Throws",
    "summary": "One throw a row.",
    "domain": "other",
    "units": "2000",
    "test_share": "20",
}
PAGE = "/sell/datasets/throws"


@pytest.fixture
def account(client: Client) -> Account:
    user, account = a_person("ann")
    client.force_login(user)
    return account


@pytest.fixture
def dice() -> GeneratorVersion:
    return the_dice()


def ask(client: Client, address: str = NEW, **fields: Any) -> Making:
    """Send the form and have it checked, and made if it can be."""
    told = TOLD if address == NEW else {"units": "2000", "test_share": "20"}
    answer = client.post(address, {**told, "settings.sides": "6", **fields})
    assert answer.status_code == 302, answer.content.decode()
    work_off()
    return Making.objects.get(id=answer["Location"].rpartition("/")[2])


def press(client: Client, verb: str, **fields: str) -> str:
    """Press a button of the dataset's page and return what it says then."""
    answer = client.post(f"{PAGE}/{verb}", fields, follow=True)
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()


def offer(client: Client) -> None:
    assert client.post("/datasets/ann/throws/offers", {"kind": "research", "later_versions": "on"}).status_code == 302


def shown(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_dataset_is_set_up_made_looked_at_offered_and_published(
    client: Client, account: Account, dice: GeneratorVersion
) -> None:
    Account.objects.filter(id=account.id).update(demo=True)
    assert "No datasets to sell yet" in shown(client, "/sell")
    assert NEW in shown(client, "/sell/new")
    making = ask(client)
    assert (making.state, making.problems) == ("begun", [])
    assert client.get(f"/sell/makings/{making.id}")["Location"] == PAGE
    page = shown(client, PAGE)
    assert "1.0.0" in page and "2,000" in page and "nobody can license it" in page
    assert "Numbers" not in shown(client, "/sell") and "throws" in shown(client, "/sell")
    assert client.get("/datasets/ann/throws").status_code == 200
    assert Client().get("/datasets/ann/throws").status_code == 404
    assert "No licence is offered yet" in press(client, "publish")
    assert Client().get("/datasets/ann/throws").status_code == 404
    offer(client)
    assert "It is on the shelf." in press(client, "publish")
    assert Client().get("/datasets/ann/throws").status_code == 200
    run = Run.objects.get()
    assert run.splits == [{"name": "train", "share": 0.8}, {"name": "test", "share": 0.2}]
    assert run.licensed_to_owner


def test_a_second_version_begins_with_the_settings_of_the_first_and_their_difference_is_shown(
    client: Client, account: Account, dice: GeneratorVersion
) -> None:
    ask(client, **{"settings.sides": "7"})
    form = shown(client, f"{PAGE}/version")
    assert re.search(r'name="settings.sides"[^>]*value="7"', form) and re.search(r'name="units"[^>]*value="2000"', form)
    assert re.search(r'name="test_share"[^>]*value="20"', form) and 'name="name"' not in form
    making = ask(client, f"{PAGE}/version", **{"settings.sides": "12"})
    assert making.dataset is not None
    newest = making.dataset.versions.newest_first()[0]
    assert newest.number == "1.1.0"
    found = difference.shown(newest)
    assert found is not None
    assert found["parameters"] == [{"name": "sides", "before": 7, "after": 12}]
    assert 0.3 < found["tables"][0]["columns"][0]["drift"]["value"] < 0.6
    page = shown(client, "/datasets/ann/throws/versions/1.1.0/versions")
    assert "What changed from 1.0.0 to 1.1.0" in page and "7 → 12" in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "A b"}, "Use a–z, 0–9 and the hyphen."),
        ({"name": "admin"}, "is kept for the site itself"),
        ({"name": "taken"}, "You have a dataset called “taken”"),
        ({"title": ""}, "This field is required"),
        ({"units": "0"}, "greater than or equal to 1"),
        ({"settings.sides": "1000"}, "100"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_made(
    client: Client, account: Account, dice: GeneratorVersion, fields: dict[str, str], words: str
) -> None:
    a_dataset(account, "taken")
    answer = client.post(NEW, {**TOLD, "settings.sides": "6", **fields})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert words in page and "wrong" in page
    assert not Making.objects.exists() and not Run.objects.exists()


def test_all_that_is_wrong_is_told_at_once(client: Client, account: Account, dice: GeneratorVersion) -> None:
    page = client.post(NEW, {"name": "A", "units": "-1", "settings.sides": "x"}).content.decode()
    for place in ("id_name", "id_title", "id_summary", "id_units", "settings.sides"):
        assert re.search(rf'href="#[^"]*{re.escape(place.replace("settings.", ""))}', page), place


def test_what_the_generator_refuses_is_told_at_its_field_with_what_was_typed(client: Client, account: Account) -> None:
    registry.register("card-transactions", an_account("house"))
    address = "/sell/new/house/card-transactions"
    fields = re.findall(r'<input[^>]*name="(settings\.[^"]*)"[^>]*value="([^"]*)"', shown(client, address))
    wrong = {"settings.bust_out": "0.9", "settings.unusual_travel": "0.8"}
    answer = client.post(address, {**TOLD, **dict(fields), **wrong})
    assert answer.status_code == 302, answer.content.decode()
    assert "The generator is asked" in shown(client, answer["Location"])
    work_off()
    page = shown(client, answer["Location"])
    assert "Nothing is being made." in page
    assert page.count("a customer suffers one pattern at most") >= 4  # in the summary and at each field
    assert re.search(r'name="settings.bust_out"[^>]*value="0.9"', page) and 'value="throws"' in page
    assert not Dataset.objects.exists() and not Run.objects.exists()


def test_splits_that_cannot_be_filled_are_told_at_the_field(
    client: Client, account: Account, dice: GeneratorVersion
) -> None:
    making = ask(client, units="1")
    page = shown(client, f"/sell/makings/{making.id}")
    assert page.count("too few for 2 splits") == 2 and re.search(r'name="units"[^>]*value="1"', page)


def test_a_name_that_was_taken_meanwhile_is_told_at_the_field(
    client: Client, account: Account, dice: GeneratorVersion
) -> None:
    client.post(NEW, {**TOLD, "settings.sides": "6"})
    a_dataset(account, "throws")
    work_off()
    making = Making.objects.get()
    assert making.state == "refused"
    page = shown(client, f"/sell/makings/{making.id}")
    assert page.count("You have a dataset called “throws”.") == 2  # in the summary and at the field
    assert re.search(r'name="settings.sides"[^>]*value="6"', page)


def test_only_so_many_runs_of_an_account_are_under_way(
    client: Client, account: Account, dice: GeneratorVersion
) -> None:
    for number in range(selling.MOST_UNDER_WAY):
        a_run(dice, a_dataset(account, f"one-{number}"))
    Piece.objects.filter(kind="runs.prepare").update(state=Piece.State.WAITING, after=account.id)
    making = ask(client)
    assert making.state == "refused" and "under way already" in shown(client, f"/sell/makings/{making.id}")


def test_two_versions_of_a_dataset_are_not_made_at_once(
    client: Client, account: Account, dice: GeneratorVersion
) -> None:
    ask(client)
    a_run(dice, Dataset.objects.get())
    Piece.objects.filter(kind="runs.prepare", state="due").update(state=Piece.State.WAITING, after=account.id)
    assert ask(client, f"{PAGE}/version").state == "refused"
    page = shown(client, PAGE)
    assert "Planned" in page and "Make a new version" not in page
    press(client, "cancel")
    assert "The last run was cancelled" in shown(client, PAGE)


def test_the_first_listing_of_an_account_waits_for_staff_and_comes_to_the_shelf_when_they_approve(
    client: Client, account: Account, dice: GeneratorVersion
) -> None:
    ask(client)
    offer(client)
    assert "Staff look at it first" in press(client, "publish")
    assert Client().get("/datasets/ann/throws").status_code == 404
    assert "waiting for staff" in shown(client, PAGE)
    assert "waiting for staff" in shown(client, "/sell")
    moderation.refuse(Review.objects.get(), User.objects.create_superuser("boss@example.com"), "Say what a row is.")
    page = shown(client, PAGE)
    assert "Say what a row is." in page and "Appeal, once" in page
    assert "Staff refused this listing" in press(client, "publish")
    press(client, "appeal", reason="A row is a throw.")
    page = shown(client, PAGE)
    assert "A row is a throw." in page and "Appeal, once" not in page
    moderation.approve(Review.objects.get(), User.objects.get(email="boss@example.com"))
    assert Client().get("/datasets/ann/throws").status_code == 200


def test_a_version_that_misses_what_its_seller_demands_is_not_published_and_says_what_failed_and_by_how_much(
    client: Client, account: Account, dice: GeneratorVersion
) -> None:
    making = ask(client, **{"bounds-duplicates": "12.5", "bounds-missing": "0"})
    assert making.thresholds == [{"measure": "duplicates", "bound": 0.125}, {"measure": "missing", "bound": 0.0}]
    assert making.run is not None and making.dataset is not None
    assert (making.run.state, making.run.fault_owner) == ("failed", "seller")
    told = making.run.fault_message
    assert "It is not published. Duplicate rows" in told and "above the 12.5 % that you allow" in told
    assert "Missing" not in told, "what was kept is not complained of"
    assert told.split(" Dup")[0] in shown(client, PAGE)
    assert not making.dataset.versions.exists()
    form = shown(client, f"{PAGE}/version")
    assert re.search(r'name="bounds-duplicates"[^>]*value="12.5"', form), "a new version begins with the same demands"
    kept = ask(client, f"{PAGE}/version", **{"bounds-missing": "0"})
    assert kept.dataset is not None and kept.dataset.versions.count() == 1


def test_the_seller_is_told_by_mail_how_a_run_ended(client: Client, account: Account, dice: GeneratorVersion) -> None:
    client.post(NEW, {**TOLD, "settings.sides": "6"})
    work_off()
    assert not Message.objects.exists()  # it was sent by then
    assert Piece.objects.filter(kind=selling.TELL, state="done").count() == 1
    assert Piece.objects.filter(kind="mail.send", state="done").count() == 1


def test_title_summary_and_card_are_edited_and_the_card_is_previewed_without_being_saved(
    client: Client, account: Account, dice: GeneratorVersion
) -> None:
    ask(client)
    said = {
        "title": "Fair throws",
        "summary": "A throw a row.",
        "domain": "retail",
        "card": "# Use\n\n<script>x</script>**Teaching**",
    }
    page = client.post(f"{PAGE}/edit", {**said, "preview": "1"}).content.decode()
    assert "<strong>Teaching</strong>" in page and "<script>x" not in page
    fragment = client.post(f"{PAGE}/edit", {**said, "preview": "1"}, headers={"HX-Request": "true"}).content.decode()
    assert "<strong>Teaching</strong>" in fragment and "<html" not in fragment
    assert Listing.objects.get().card == ""
    assert client.post(f"{PAGE}/edit", said).status_code == 302
    page = shown(client, "/datasets/ann/throws")
    assert Listing.objects.get().domain == "retail"
    assert "Fair throws" in page and "<strong>Teaching</strong>" in page
    assert client.post(f"{PAGE}/edit", {**said, "title": ""}).status_code == 422


def test_a_title_is_one_line_without_hidden_characters(
    client: Client, account: Account, dice: GeneratorVersion
) -> None:
    ask(client)
    said = {"summary": "A throw a row.", "domain": "retail", "card": ""}
    assert client.post(f"{PAGE}/edit", {**said, "title": " Fair\r\nthrows\u2029of \t dice "}).status_code == 302
    assert Dataset.objects.get().title == "Fair throws of dice"
    refused = client.post(f"{PAGE}/edit", {**said, "title": "Fair\x1b[2Jthrows"})
    assert refused.status_code == 422 and "hidden character" in refused.content.decode()
    assert Dataset.objects.get().title == "Fair throws of dice"


def test_a_version_is_yanked_with_a_reason_and_a_listing_is_closed_and_published_again(
    client: Client, account: Account, dice: GeneratorVersion
) -> None:
    Account.objects.filter(id=account.id).update(demo=True)
    ask(client)
    offer(client)
    press(client, "publish")
    assert client.post(f"{PAGE}/yank/1.0.0", {"1.0.0-reason": " "}).status_code == 422
    assert client.post(f"{PAGE}/yank/7.0.0", {"7.0.0-reason": "x"}).status_code == 404
    press(client, "close")
    assert Client().get("/datasets/ann/throws").status_code == 404
    press(client, "publish")
    assert Client().get("/datasets/ann/throws").status_code == 200
    client.post(f"{PAGE}/yank/1.0.0", {"1.0.0-reason": "The sides are numbered wrongly."})
    assert ShelfState.objects.get().state == "yanked"
    assert "The sides are numbered wrongly." in shown(client, PAGE)


@pytest.mark.parametrize("path", ["", "/edit", "/version", "/state"])
def test_datasets_of_others_and_of_orders_are_not_there(client: Client, account: Account, path: str) -> None:
    other = a_dataset(an_account("other"), "theirs")
    Listing.objects.create(dataset=other, summary="", modality="tabular")
    ordered = a_dataset(account, "ordered")
    a_licence(account, a_version(ordered, licensed_to_owner=False))
    for name in ("theirs", "ordered", "nothing"):
        assert client.get(f"/sell/datasets/{name}{path}").status_code == 404
        for verb in ("publish", "close", "appeal", "cancel", "yank/1.0.0"):
            assert client.post(f"/sell/datasets/{name}/{verb}").status_code == 404


def test_selling_is_for_members_who_work_for_the_account(client: Client, dice: GeneratorVersion) -> None:
    assert client.get("/sell")["Location"].startswith("/accounts/login/")
    user, _ = a_person("ann")
    Membership.objects.filter(user=user).update(role=Role.BILLING)
    client.force_login(user)
    assert client.get("/sell").status_code == 403
    assert client.post(NEW, TOLD).status_code == 403


def test_a_generator_that_needs_an_upload_makes_orders_only(client: Client, account: Account) -> None:
    registry.register("tabular", an_account("house"))
    assert "tabular" not in shown(client, "/sell/new")
    assert client.get("/sell/new/house/tabular").status_code == 404


def test_the_list_takes_as_many_queries_for_many_datasets_as_for_few(client: Client, account: Account) -> None:
    for number in range(5):
        dataset = a_dataset(account, f"numbers-{number}")
        listing = Listing.objects.create(dataset=dataset, summary="", modality="tabular")
        Review.objects.create(listing=listing)
        a_version(dataset)
    assert shown(client, "/sell").count("1.0.0") == 5


def test_staff_have_a_version_made_again_and_see_how_it_came_out(
    client: Client, account: Account, dice: GeneratorVersion
) -> None:
    making = ask(client)
    assert making.dataset is not None
    address = f"/replays/{making.dataset.versions.get().id}"
    assert client.get(address).status_code == client.post(address).status_code == 404
    client.force_login(User.objects.create_superuser("boss@example.com"))
    assert "Make it again and compare" in shown(client, address)
    assert client.post(address)["Location"] == address
    assert "Being made again" in shown(client, address)
    work_off()
    fragment = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "Made again" in fragment and "<html" not in fragment
    client.force_login(User.objects.get(email="ann@example.com"))
    page = shown(client, "/datasets/ann/throws/provenance")
    assert "Made again under the same runtime" in page and address not in page
