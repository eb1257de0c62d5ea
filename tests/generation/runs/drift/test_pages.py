"""The pages of a comparison: who may open them, what they ask, what they say while it is made and after."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog import publishing
from catalog.models import Version
from generation.runs.drift import checks
from generation.runs.models import DriftCheck
from marketplace.accounts.models import Account
from tests.factories import a_dataset, a_licence, a_listing, a_person, an_account
from tests.generation.runs.drift.made import as_csv, as_sketch, asked, dearer, drawn, kept, published
from tests.workers import work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

PAGE = "/datasets/seller/numbers/versions/1.0.0/drift"


@pytest.fixture
def version() -> Version:
    return published(a_dataset(an_account("seller")), drawn(1))


@pytest.fixture
def holder(client: Client, version: Version) -> Account:
    user, account = a_person()
    a_licence(account, version)
    client.force_login(user)
    return account


def a_file(body: bytes, name: str = "people.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, body)


def test_a_holder_sends_a_table_watches_reads_the_report_and_keeps_the_receipt(client: Client, holder: Account) -> None:
    assert "Compare with your table" in client.get("/datasets/seller/numbers/versions/1.0.0/versions").content.decode()
    assert client.get(PAGE).status_code == 200
    sent = {"table-table": "default", "table-target": "income", "table-file": a_file(as_csv(dearer(drawn(2))))}
    answer = client.post(PAGE, sent | {"receive": ""})
    check = DriftCheck.objects.get()
    assert answer.headers["Location"] == f"/drift-checks/{check.id}"
    waiting = client.get(answer.headers["Location"]).content.decode()
    assert "being compared" in waiting and "every 2s" in waiting
    assert "HX-Refresh" not in client.get(f"/drift-checks/{check.id}/state").headers
    work_off()
    assert client.get(f"/drift-checks/{check.id}/state").headers["HX-Refresh"] == "true"
    page = client.get(f"/drift-checks/{check.id}").content.decode()
    assert "1 of 7 columns moved much: income." in page and "fails there" in page
    assert "was deleted" in page and "every 2s" not in page
    check.refresh_from_db()
    assert client.get(f"/drift-checks/{check.id}/receipt.jwt").content.decode() == check.receipt
    assert client.get(f"/drift-checks/{check.id}/report.json").json()["schema"] == "lookalike/drift/1"
    assert "people.csv" in client.get(PAGE).content.decode()
    client.post(f"/drift-checks/{check.id}/forget")
    assert "The report was deleted." in client.get(f"/drift-checks/{check.id}").content.decode()
    assert client.get(f"/drift-checks/{check.id}/report.json").status_code == 404
    assert client.get(f"/drift-checks/{check.id}/receipt.jwt").status_code == 200


def test_a_sketch_is_pasted_or_sent_as_a_file(client: Client, holder: Account) -> None:
    text = as_sketch(dearer(drawn(3)))
    pasted = client.post(PAGE, {"sketch-table": "default", "sketch-sketch": text.decode(), "describe": ""})
    sent = client.post(
        PAGE, {"sketch-table": "default", "sketch-sketch_file": a_file(text, "sketch.json"), "describe": ""}
    )
    work_off()
    for answer in (pasted, sent):
        page = client.get(answer.headers["Location"]).content.decode()
        assert "1 of 7 columns moved much: income." in page and "No row was sent" in page


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_kept(client: Client, holder: Account) -> None:
    answer = client.post(PAGE, {"table-table": "default", "table-target": "nothing", "receive": ""})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "2 entries need a change" in page
    sketch = json.loads(as_sketch(drawn(4)))
    sketch["rows"] = 7
    sketch["columns"][0]["levels"][0][1] = 3
    answer = client.post(PAGE, {"sketch-table": "default", "sketch-sketch": json.dumps(sketch), "describe": ""})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "columns.0.levels: A level has fewer than 10 rows" in page and "the table has 7." in page
    answer = client.post(PAGE, {"sketch-table": "default", "describe": ""})
    assert answer.status_code == 422 and "one of the two" in answer.content.decode()
    assert not DriftCheck.objects.exists() and kept() == set()


def test_strangers_find_nothing_and_lookers_are_told_of_the_licence(client: Client, version: Version) -> None:
    user, _ = a_person("stranger")
    signed_in = Client()
    signed_in.force_login(user)
    check = checks.describe(an_account("holder"), asked(version), name="x", text=as_sketch(drawn(5)))
    for visitor in (client, signed_in):
        assert visitor.get(PAGE).status_code == 404
        assert visitor.post(PAGE, {"receive": ""}).status_code == 404
    for what in ("", "/state", "/report.json", "/receipt.jwt"):
        assert signed_in.get(f"/drift-checks/{check.id}{what}").status_code == 404
    assert signed_in.post(f"/drift-checks/{check.id}/forget").status_code == 404
    publishing.put_on_shelf(a_listing(version.dataset).listing)
    assert client.get(PAGE).headers["Location"].startswith("/accounts/login/")
    refused = signed_in.get(PAGE)
    assert refused.status_code == 403 and "A licence is needed" in refused.content.decode()
    assert "Compare with your table" not in signed_in.get(PAGE.replace("/drift", "/versions")).content.decode()


def test_the_owner_of_the_dataset_may_compare_without_a_licence(client: Client) -> None:
    user, account = a_person("owner")
    dataset = a_dataset(account)
    version = published(dataset, drawn(6))
    version.licences.all()
    publishing.put_on_shelf(a_listing(dataset).listing)
    client.force_login(user)
    assert client.get("/datasets/owner/numbers/versions/1.0.0/drift").status_code == 200
