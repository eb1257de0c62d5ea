"""Publishing: numbers, manifests, shelves, and who may have what."""

from __future__ import annotations

import hashlib
import json
import random

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from uuid_utils.compat import uuid7

from catalog import licensing, manifests, publishing
from catalog.manifests import MadeFile
from catalog.models import Delivery, Licence, Version
from marketplace.work.models import Piece
from tests.factories import a_dataset, a_layout, a_listing, a_person, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]


def test_the_digest_of_the_manifest_names_the_version() -> None:
    version = a_version(a_dataset(an_account()))
    body = bytes(version.manifest.body)
    assert hashlib.sha256(body).hexdigest() == version.digest
    assert [file["path"] for file in json.loads(body)["files"]] == [
        "data/train-00000-of-00002.parquet",
        "data/train-00001-of-00002.parquet",
    ]


def test_a_manifest_does_not_depend_on_the_order_of_its_files() -> None:
    files = [MadeFile(f"data/{n}.parquet", "default", "train", False, n, n, f"{n:064x}") for n in range(20)]
    digest = manifests.build(layout=a_layout(), recipe={"units": 1}, files=files).digest
    random.shuffle(files)
    assert manifests.build(layout=a_layout(), recipe={"units": 1}, files=files).digest == digest


def test_a_manifest_needs_files_and_each_path_once() -> None:
    file = MadeFile("data/a.parquet", "default", "train", False, 1, 1, "0" * 64)
    for files in ([], [file, file]):
        with pytest.raises(ValueError, match="each path once"):
            manifests.build(layout=a_layout(), recipe={"units": 1}, files=files)


def test_a_run_is_published_once_however_often_it_is_asked() -> None:
    dataset, run = a_dataset(an_account()), uuid7()
    assert a_version(dataset, run=run) == a_version(dataset, run=run)
    assert Version.objects.count() == 1


def test_new_columns_make_a_major_version_and_new_rows_a_minor_one() -> None:
    dataset = a_dataset(an_account())
    numbers = [a_version(dataset).number, a_version(dataset).number, a_version(dataset, columns=("a", "b")).number]
    assert numbers == ["1.0.0", "1.1.0", "2.0.0"]


def test_publishing_asks_for_a_preview() -> None:
    version = a_version(a_dataset(an_account()))
    assert Piece.objects.filter(kind="catalog.preview", subject=version.id).exists()


def test_the_owner_may_have_what_it_made_and_a_stranger_may_not() -> None:
    owner, stranger = an_account("owner"), an_account("stranger")
    version = a_version(a_dataset(owner))
    assert licensing.may_have(owner, version)
    assert not licensing.may_have(stranger, version)
    assert not licensing.may_have(None, version)
    assert not licensing.may_look(stranger, version)


def test_what_is_made_for_an_order_is_nobodys_until_it_is_delivered() -> None:
    owner = an_account()
    version = a_version(a_dataset(owner), licensed_to_owner=False)
    assert not licensing.may_have(owner, version)


def test_a_free_offer_gives_one_licence_and_later_versions() -> None:
    seller, buyer = an_account("seller"), an_account("buyer")
    dataset = a_dataset(seller)
    offer = a_listing(dataset)
    first = a_version(dataset)
    publishing.put_on_shelf(dataset.listing)
    licence = licensing.acquire(buyer, offer)
    assert licensing.acquire(buyer, offer) == licence
    assert (licence.cause_kind, licence.cause_id) == (Licence.Cause.FREE, offer.id)
    later = a_version(dataset)
    assert licensing.may_have(buyer, first)
    assert licensing.may_have(buyer, later)


def test_a_licence_to_a_later_version_does_not_reach_back() -> None:
    seller, buyer = an_account("seller"), an_account("buyer")
    dataset = a_dataset(seller)
    offer = a_listing(dataset)
    first = a_version(dataset)
    a_version(dataset)
    publishing.put_on_shelf(dataset.listing)
    licensing.acquire(buyer, offer)
    assert not licensing.may_have(buyer, first)


def test_an_offer_with_a_price_is_not_taken_for_nothing() -> None:
    dataset = a_dataset(an_account("seller"))
    offer = a_listing(dataset, price=100)
    a_version(dataset)
    publishing.put_on_shelf(dataset.listing)
    with pytest.raises(licensing.PaymentNeeded):
        licensing.acquire(an_account("buyer"), offer)


def test_nothing_is_offered_before_it_is_on_the_shelf_or_after_it_is_yanked() -> None:
    dataset = a_dataset(an_account("seller"))
    offer = a_listing(dataset)
    with pytest.raises(licensing.NotOffered):
        licensing.acquire(an_account("early"), offer)
    version = a_version(dataset)
    publishing.put_on_shelf(dataset.listing)
    holder = an_account("holder")
    licensing.acquire(holder, offer)
    publishing.yank(version, "A column is mislabelled.")
    with pytest.raises(licensing.NotOffered):
        licensing.acquire(an_account("late"), offer)
    version = Version.objects.get(id=version.id)
    assert licensing.may_have(holder, version)


def test_yanking_needs_a_reason() -> None:
    version = a_version(a_dataset(an_account()))
    with pytest.raises(ValueError, match="say why"):
        publishing.yank(version, "  ")


def test_the_shelf_says_when_a_version_was_yanked() -> None:
    version = a_version(a_dataset(an_account()))
    before = version.shelf.changed_at
    publishing.yank(version, "A column is mislabelled.")
    version.shelf.refresh_from_db()
    assert version.shelf.changed_at > before


def test_a_licence_holder_downloads_by_a_signed_link_and_it_is_recorded(client: Client) -> None:
    user, account = a_person()
    version = a_version(a_dataset(account))
    client.force_login(user)
    address = f"/datasets/ann/numbers/versions/1.0.0/files/{version.files.last().path}"
    answer = client.get(address)
    assert answer.status_code == 302
    assert "X-Amz-Signature" in answer["Location"]
    assert Delivery.objects.get().path in address


def test_a_stranger_gets_the_free_sample_of_a_listed_version_and_nothing_else(client: Client) -> None:
    dataset = a_dataset(an_account("seller"))
    a_listing(dataset)
    a_version(dataset)
    publishing.put_on_shelf(dataset.listing)
    base = "/datasets/seller/numbers/versions/1.0.0"
    assert client.get(f"{base}/files/data/train-00000-of-00002.parquet").status_code == 302
    refused = client.get(f"{base}/files/data/train-00001-of-00002.parquet")
    assert refused.status_code == 403
    assert "X-Amz" not in refused.content.decode()
    assert client.get(f"{base}/seed.json").status_code == 403
    assert client.get(f"{base}/manifest.json").status_code == 200


@pytest.mark.parametrize(
    "path", ["", "/manifest.json", "/SHA256SUMS", "/seed.json", "/files/data/train-00000-of-00002.parquet"]
)
def test_a_private_dataset_is_not_there_for_others(client: Client, path: str) -> None:
    a_version(a_dataset(an_account("owner")))
    client.force_login(a_person()[0])
    assert client.get(f"/datasets/owner/numbers/versions/1.0.0{path}").status_code == 404


def test_the_shelves_take_as_many_queries_for_a_long_history_as_for_a_short_one(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    house = an_account()
    for number in range(4):
        dataset = a_dataset(house, f"numbers-{number}")
        for _ in range(3):
            newest = a_version(dataset)
        publishing.put_on_shelf(a_listing(dataset).listing)
    with django_assert_max_num_queries(8):
        page = client.get("/").content.decode()
    assert page.count(f"version {newest.number}") == 4
