"""A version is compared with the one before by their statistics, and who may look at both reads how far it moved."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog import publishing, withdrawing
from catalog.models import Attachment, Dataset
from generation.runs.drift import versions
from marketplace.work.models import Piece
from tests.factories import a_dataset, a_licence, a_listing, a_person, a_version, an_account
from tests.generation.runs.drift.made import dearer, drawn, published
from tests.workers import work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

PAGE = "/datasets/seller/numbers/versions/1.1.0/versions"
CALL = "/api/v1/datasets/seller/numbers/versions/1.1.0/drift"


@pytest.fixture
def dataset() -> Dataset:
    return a_dataset(an_account("seller"))


def test_the_page_and_the_call_tell_what_moved_and_draw_both(client: Client, dataset: Dataset) -> None:
    published(dataset, drawn(1, 3000))
    published(dataset, dearer(drawn(2, 3000)))
    publishing.put_on_shelf(a_listing(dataset).listing)
    work_off()
    page = client.get(PAGE).content.decode()
    assert "Drift from 1.0.0 to 1.1.0" in page
    assert "1 of 7 columns moved much: income." in page
    assert page.count("<figure>") == 7 and "of rows lie elsewhere than in the reference" in page
    told = client.get(CALL).json()
    assert told["against"]["number"] == "1.0.0"
    assert told == client.get("/datasets/seller/numbers/versions/1.1.0/documents/drift.json").json()
    assert "Drift from" not in client.get("/datasets/seller/numbers/versions/1.0.0/versions").content.decode()
    assert client.get(CALL.replace("1.1.0", "1.0.0")).headers["Content-Type"] == "application/problem+json"


def test_versions_of_the_same_population_did_not_move(client: Client, dataset: Dataset) -> None:
    published(dataset, drawn(3, 3000))
    published(dataset, drawn(4, 3000))
    publishing.put_on_shelf(a_listing(dataset).listing)
    work_off()
    assert "Of 7 columns none moved." in client.get(PAGE).content.decode()


def test_who_may_not_look_at_the_earlier_version_reads_nothing_of_it(client: Client, dataset: Dataset) -> None:
    published(dataset, drawn(5))
    later = published(dataset, drawn(6))
    work_off()
    user, account = a_person()
    a_licence(account, later)
    client.force_login(user)
    page = client.get(PAGE)
    assert page.status_code == 200 and "Drift from" not in page.content.decode()
    for address in (CALL, "/datasets/seller/numbers/versions/1.1.0/documents/drift.json"):
        assert client.get(address).status_code == 404
    assert Client().get(CALL).status_code == 404


def test_without_statistics_nothing_is_compared(dataset: Dataset) -> None:
    a_version(dataset)
    second = a_version(dataset)
    work_off()
    assert not Attachment.objects.filter(version=second, kind="drift").exists()
    assert Piece.objects.get(kind=versions.DRIFT, subject=second.id).state == Piece.State.DONE


def test_what_tells_of_a_version_that_is_withdrawn_is_computed_anew(dataset: Dataset) -> None:
    published(dataset, drawn(7))
    second = published(dataset, drawn(8))
    third = published(dataset, dearer(drawn(9)))
    work_off()
    before = Attachment.objects.get(version=third, kind="drift")
    withdrawing.withdraw(second, reason="A leak.")
    work_off()
    after = Attachment.objects.get(version=third, kind="drift")
    assert after.sha256 != before.sha256
