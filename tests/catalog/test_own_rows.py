"""A version that holds rows of its owner's upload never leaves its owner: every door is tried."""

from __future__ import annotations

from collections.abc import Callable

import pgtrigger
import pytest
from django.db import Error, transaction
from django.test import Client
from uuid_utils.compat import uuid7

from catalog import doctor, keeping, licensing, publishing
from catalog.models import Dataset, Licence, Listing, Version
from marketplace.accounts.models import Account
from tests.catalog.test_strangers import ADDRESSES, NOISE, SAMPLE, address, asked
from tests.catalog.test_strangers import strangers as strangers
from tests.factories import a_dataset, a_licence, a_listing, a_person, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]

STAYS = "never leave the owner"


@pytest.fixture
def own() -> Version:
    return a_version(a_dataset(an_account("hospital"), "patients"), kept=True)


def refused(step: Callable[[], object]) -> None:
    with pytest.raises(Error, match=STAYS), transaction.atomic():
        step()


def test_it_is_never_listed_in_whatever_state(own: Version) -> None:
    for state in Listing.State.values:
        refused(lambda state=state: Listing.objects.create(dataset=own.dataset, modality="tabular", state=state))
    assert not Listing.objects.exists()
    assert not licensing.is_public(own)
    assert not licensing.shown(own.dataset).exists()


def test_no_listing_of_another_dataset_is_turned_to_it(own: Version) -> None:
    other = a_dataset(own.dataset.account, "other")
    a_version(other)
    listing = a_listing(other).listing
    publishing.put_on_shelf(listing)
    refused(lambda: Listing.objects.filter(id=listing.id).update(dataset=own.dataset))


def test_it_comes_into_no_dataset_that_is_listed_or_that_others_hold() -> None:
    listed, held = a_dataset(an_account("seller"), "listed"), a_dataset(an_account("lender"), "held")
    a_version(listed)
    a_listing(listed)
    with pytest.raises(licensing.OwnRows):
        a_version(listed, kept=True)
    a_licence(an_account("buyer"), a_version(held))
    refused(lambda: a_version(held, kept=True))
    assert not Version.objects.keeping_rows().exists()


def test_no_other_account_gets_a_licence(own: Version) -> None:
    other = an_account("buyer")
    with pytest.raises(licensing.OwnRows, match="its owner's own upload"):
        a_licence(other, own)
    licence = a_licence(own.dataset.account, own)
    refused(lambda: Licence.objects.filter(id=licence.id).update(account=other))
    kind = {"cause_kind": Licence.Cause.ORDER, "cause_id": uuid7(), "terms": licence.terms}
    refused(lambda: Licence.objects.create(account=other, dataset=own.dataset, version=own, **kind))
    mine = a_version(a_dataset(other))
    refused(lambda: Licence.objects.create(account=other, dataset=own.dataset, version=mine, **kind))
    assert not licensing.may_have(other, own)


def test_its_dataset_is_not_given_to_another_account(own: Version) -> None:
    other = an_account("buyer")
    refused(lambda: Dataset.objects.filter(id=own.dataset_id).update(account=other))
    Dataset.objects.filter(id=own.dataset_id).update(title="Our patients")


@pytest.mark.parametrize("method", ["get", "post"])
def test_every_address_of_it_answers_others_as_if_there_were_nothing(
    method: str, strangers: dict[str, dict[str, object]]
) -> None:
    owner, _ = a_person("owner")
    version = a_version(a_dataset(owner.memberships.get().account, "heron-a"), kept=True)
    told: list[str] = []
    for route in ADDRESSES:
        for who, how in strangers.items():
            there = asked(how, method, address(route, "owner", "heron-a", SAMPLE))
            nowhere = asked(how, method, address(route, "owner", "heron-b", SAMPLE))
            hidden, nothing = NOISE.sub("", there[1]).replace("heron-a", "heron-b"), NOISE.sub("", nowhere[1])
            if (there[0], hidden) != (nowhere[0], nothing) or there[0] < 300:
                told.append(f"{method} {route} as {who}: {there[0]} where nothing is {nowhere[0]}")
    assert not told, "\n".join(told)
    assert Version.objects.readable().get() == version


def test_nobody_but_its_owner_has_it_destroyed_and_other_versions_are_not_destroyed_so(client: Client) -> None:
    owner, account = a_person("owner")
    kept, other = a_version(a_dataset(account, "kept"), kept=True), a_version(a_dataset(account, "other"))
    stranger, _ = a_person("stranger")
    client.force_login(stranger)
    assert client.post("/datasets/owner/kept/versions/1.0.0/destroy", {"number": "1.0.0"}).status_code == 404
    client.force_login(owner)
    assert client.post("/datasets/owner/other/versions/1.0.0/destroy", {"number": "1.0.0"}).status_code == 404
    assert set(Version.objects.readable()) == {kept, other}
    with pytest.raises(ValueError, match="holds no rows of an upload"):
        keeping.destroy(other)
    assert client.post("/datasets/owner/kept/versions/1.0.0/destroy", {"number": "1.0.0"}).status_code == 302
    assert set(Version.objects.readable()) == {other}


def test_its_owner_reads_it_like_any_other(client: Client) -> None:
    owner, account = a_person("owner")
    a_version(a_dataset(account, "kept"), kept=True)
    client.force_login(owner)
    assert Account.objects.get(slug="owner") == account
    assert client.get("/datasets/owner/kept").status_code == 200
    assert client.get(f"/datasets/owner/kept/versions/1.0.0/files/{SAMPLE}").status_code in (200, 302)


def test_the_doctor_finds_what_left_its_owner_past_the_database(own: Version) -> None:
    assert list(doctor.own_rows_stay_with_their_owner()) == []
    with pgtrigger.ignore("catalog.Listing:never_of_own_rows"):
        a_listing(own.dataset)
    assert [fault.subject for fault in doctor.own_rows_stay_with_their_owner()] == [f"version {own.id}"]
