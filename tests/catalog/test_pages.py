"""What the page of a dataset shows, to whom, as its versions and its listing move."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pyarrow as pa
import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from uuid_utils.compat import uuid7

from catalog import again, attachments, licensing, previews, publishing
from catalog.models import Dataset, Listing, ShelfState, Version
from catalog.pages import Cell, cell
from generation.quality.profile import TableProfile, finish
from marketplace.accounts.models import Account
from marketplace.work.models import Piece
from tests.factories import a_dataset, a_licence, a_listing, a_person, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]

ADDRESS = "/datasets/seller/numbers"


@pytest.fixture
def dataset() -> Dataset:
    return a_dataset(an_account("seller"))


def on_shelf(dataset: Dataset) -> None:
    publishing.put_on_shelf(a_listing(dataset).listing)


def signed_in(client: Client) -> Account:
    user, account = a_person()
    client.force_login(user)
    return account


def shown(client: Client, address: str = ADDRESS) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_yanking_the_newest_version_leaves_the_one_before_on_the_page(client: Client, dataset: Dataset) -> None:
    a_version(dataset)
    newest = a_version(dataset)
    on_shelf(dataset)
    assert "Numbers 1.1.0" in shown(client)
    publishing.yank(newest, "A column is mislabelled.")
    assert "Numbers 1.0.0" in shown(client)
    assert client.get(f"{ADDRESS}/versions/1.1.0").status_code == 404


def test_whoever_has_a_yanked_version_sees_it_when_nothing_else_is_there(client: Client, dataset: Dataset) -> None:
    version = a_version(dataset)
    on_shelf(dataset)
    licensing.acquire(signed_in(client), dataset.listing.offers.get())
    publishing.yank(version, "A column is mislabelled.")
    assert "A column is mislabelled." in shown(client)
    assert Client().get(ADDRESS).status_code == 404


def test_a_licence_shows_the_newest_version_that_it_covers_once_the_listing_is_closed(
    client: Client, dataset: Dataset
) -> None:
    account = signed_in(client)
    first = a_version(dataset)
    a_licence(account, first)
    a_version(dataset)
    assert "Numbers 1.0.0" in shown(client)
    a_licence(account, first, later_versions=True)
    assert "Numbers 1.1.0" in shown(client)


def test_an_account_holds_exactly_the_versions_that_it_may_have(dataset: Dataset) -> None:
    holder = an_account("holder")
    versions = [a_version(dataset), a_version(dataset), a_version(dataset, columns=("a", "b")), a_version(dataset)]
    a_licence(holder, versions[0])
    a_licence(holder, versions[2], later_versions=True)
    held = licensing.held(holder, dataset).newest_first()
    assert [version.number for version in held] == ["3.0.0", "2.0.0", "1.0.0"]
    assert set(held) == {version for version in versions if licensing.may_have(holder, version)}
    assert not licensing.held(None, dataset).exists()


def test_a_dataset_whose_first_version_is_made_and_not_shelved_yet_is_announced(
    client: Client, dataset: Dataset
) -> None:
    listing = a_listing(dataset).listing
    run = uuid7()
    publishing.announce(listing, run)
    assert "Being made now" in shown(client)
    a_version(dataset, run=run)
    page = shown(client)
    assert "Being made now" in page and f"/runs/{run}/progress" in page
    assert client.get(f"{ADDRESS}/versions/1.0.0").status_code == 404
    assert client.get(f"{ADDRESS}/versions/7.0.0").status_code == 404
    publishing.put_on_shelf(Listing.objects.get(dataset=dataset))
    assert "Numbers 1.0.0" in shown(client)


def with_statistics(version: Version) -> None:
    rows = pa.table({"number": pa.array(range(20), pa.int64())})
    profile = TableProfile(rows.schema)
    profile.add(rows)
    body = json.dumps({"tables": {"default": finish(profile.partial())}}).encode()
    attachments.put(version, attachments.store("statistics", body))


def fail_the_preview(version: Version) -> None:
    Piece.objects.filter(kind="catalog.preview", subject=version.id).update(state=Piece.State.FAILED)


def test_statistics_are_shown_before_the_first_rows_are(client: Client, dataset: Dataset) -> None:
    with_statistics(a_version(dataset))
    on_shelf(dataset)
    page = shown(client)
    assert "The first rows are being read" in page
    assert "Dictionary and statistics of 1 columns" in page
    assert "<svg" in page.partition("table-default")[2].partition("Licence and facts")[0]


def test_a_page_whose_first_rows_could_not_be_read_says_so_and_does_not_ask_to_wait(
    client: Client, dataset: Dataset
) -> None:
    version = a_version(dataset)
    with_statistics(version)
    on_shelf(dataset)
    fail_the_preview(version)
    page = shown(client)
    assert "being read" not in page
    assert "The first rows could not be read" in page
    assert "Dictionary and statistics of 1 columns" in page


def test_without_any_document_the_page_still_tells_columns_and_rows(client: Client, dataset: Dataset) -> None:
    fail_the_preview(a_version(dataset))
    on_shelf(dataset)
    page = shown(client)
    assert "this version, 20 rows" in page
    assert "Dictionary of 1 columns" in page
    assert "None" not in page


def test_the_rows_that_are_told_are_those_of_all_files_and_not_of_the_preview(client: Client, dataset: Dataset) -> None:
    previews.make(a_version(dataset))
    on_shelf(dataset)
    page = shown(client)
    assert "Rows 0 to 9 of 10 in the free sample; 20 in all with a licence." in page
    assert "could not be read" not in page


def test_the_list_of_versions_links_those_that_open(client: Client, dataset: Dataset) -> None:
    account = signed_in(client)
    versions = [a_version(dataset) for _ in range(4)]
    a_licence(account, versions[1])
    on_shelf(dataset)
    for version in versions[:3]:
        publishing.yank(version, "A column is mislabelled.")
    ShelfState.objects.filter(version=versions[2]).update(state=ShelfState.State.WITHDRAWN)
    for visitor, linked in ((client, {"1.1.0"}), (Client(), set())):
        page = shown(visitor, f"{ADDRESS}/versions")
        found = set(re.findall(rf'href="{ADDRESS}/versions/([0-9.]+)"', page))
        assert found == linked
        assert all(visitor.get(f"{ADDRESS}/versions/{number}").status_code == 200 for number in found)
        assert "1.2.0" in page and "withdrawn" in page


def test_the_library_does_not_link_what_was_withdrawn(client: Client, dataset: Dataset) -> None:
    version = a_version(dataset)
    a_licence(signed_in(client), version)
    assert f"{ADDRESS}/versions/1.0.0" in shown(client, "/library")
    ShelfState.objects.filter(version=version).update(state=ShelfState.State.WITHDRAWN)
    page = shown(client, "/library")
    assert f"{ADDRESS}/versions/1.0.0" not in page
    assert "withdrawn" in page


TABS = ("statistics", "provenance", "load", "files", "versions")


@pytest.mark.parametrize(
    "number",
    [
        "1.0.0%0A",
        "%201.0.0",
        "01.0.0",
        "+1.0.0",
        "1.0_0.0",
        "%D9%A1.0.0",
        "1.0",
        "1.0.0.0",
        "-1.0.0",
        "9" * 20 + ".0.0",
    ],
)
def test_a_version_has_one_address(client: Client, dataset: Dataset, number: str) -> None:
    a_version(dataset)
    on_shelf(dataset)
    for address in (
        f"{ADDRESS}/versions/{{}}",
        f"{ADDRESS}/versions/{{}}/files",
        f"/api/v1{ADDRESS}/versions/{{}}/rows",
    ):
        assert client.get(address.format("1.0.0")).status_code == 200
        assert client.get(address.format(number)).status_code == 404


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_is_a_page_of_the_newest_version_and_of_each_one(client: Client, dataset: Dataset, tab: str) -> None:
    for version in (a_version(dataset), a_version(dataset)):
        with_statistics(version)
        previews.make(version)
    on_shelf(dataset)
    for address, number in ((ADDRESS, "1.1.0"), (f"{ADDRESS}/versions/1.0.0", "1.0.0")):
        page = shown(client, f"{address}/{tab}")
        assert f"Numbers {number}" in page
        assert re.findall(r'<a href="([^"]+)" aria-current="page"', page)[-1] == f"{address}/{tab}"
        assert f'href="{address}"' in page


@pytest.mark.parametrize("tab", TABS)
def test_no_tab_of_a_private_dataset_is_there_for_a_stranger(client: Client, dataset: Dataset, tab: str) -> None:
    a_version(dataset)
    for address in (f"{ADDRESS}/{tab}", f"{ADDRESS}/versions/1.0.0/{tab}", f"/datasets/seller/nothing/{tab}"):
        assert client.get(address).status_code == 404


def test_the_provenance_has_the_command_that_makes_the_rows_again(client: Client, dataset: Dataset) -> None:
    version = a_version(dataset)
    on_shelf(dataset)
    assert "lookalike run numbers --units 20" in shown(client, f"{ADDRESS}/provenance")
    version.recipe["parameters"] = {"days": 3, "first": "it's", "codes": ["a", "b"], "none": None}
    assert shlex.split(again.command(version).replace("\\\n", ""))[9:] == [
        *("--split", "train=1.0", "--param", 'codes=["a", "b"]', "--param", "days=3"),
        *("--param", 'first="it\'s"', "--param", "none=null"),
    ]
    version.recipe["source"] = {"kind": "upload", "rows": 3}
    assert again.command(version) == ""


def test_the_page_asks_for_little_and_each_time_whether_there_is_a_licence(
    client: Client, dataset: Dataset, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    previews.make(a_version(dataset))
    on_shelf(dataset)
    shown(client)
    with django_assert_max_num_queries(7):
        assert "in all with a licence" in shown(client)
    licence = licensing.acquire(signed_in(client), dataset.listing.offers.get())
    shown(client)  # that rows are shown under a licence is written down once
    with django_assert_max_num_queries(12):
        assert "in all with a licence" not in shown(client)
    licensing.revoke(licensing.Cause(licence.cause_kind, licence.cause_id), "refunded")
    assert "in all with a licence" in shown(client)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([], "none"),
        (["age", "income"], "age, income"),
        ([1.5, 2], "1.5, 2"),
        (["x" * 200], "1 item"),
        ([[1], [2]], "2 items"),
        (list(range(1000)), "1000 items"),
    ],
)
def test_a_list_in_a_sheet_shows_what_is_in_it_while_it_is_short(value: list[Any], text: str) -> None:
    assert cell(value, "list<item: string>") == Cell(text, False, False)
