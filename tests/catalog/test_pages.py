"""What the page of a dataset shows, to whom, as its versions and its listing move."""

from __future__ import annotations

import pytest
from django.test import Client
from uuid_utils.compat import uuid7

from catalog import licensing, publishing
from catalog.models import Dataset, Listing
from marketplace.accounts.models import Account
from tests.factories import a_dataset, a_listing, a_person, a_version, an_account

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
    licensing.grant(account, first, cause=licensing.Cause("order", uuid7()), terms="Yours.")
    a_version(dataset)
    assert "Numbers 1.0.0" in shown(client)
    licensing.grant(account, first, cause=licensing.Cause("order", uuid7()), terms="Later too.", later_versions=True)
    assert "Numbers 1.1.0" in shown(client)


def test_an_account_holds_exactly_the_versions_that_it_may_have(dataset: Dataset) -> None:
    holder = an_account("holder")
    versions = [a_version(dataset), a_version(dataset), a_version(dataset, columns=("a", "b")), a_version(dataset)]
    licensing.grant(holder, versions[0], cause=licensing.Cause("order", uuid7()), terms="")
    licensing.grant(holder, versions[2], cause=licensing.Cause("order", uuid7()), terms="", later_versions=True)
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
