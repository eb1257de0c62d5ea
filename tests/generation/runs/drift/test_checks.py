"""A holder's own table is compared and gone, whatever comes in between; of that there is a receipt to be checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from catalog.models import Version
from generation.runs import doctor, workplace
from generation.runs.drift import checks, receipts
from generation.runs.models import DriftCheck
from marketplace import storage
from marketplace.accounts.models import Account
from marketplace.keys import jws, keyring
from marketplace.keys.models import Purpose
from marketplace.storage.client import StorageError
from marketplace.work import leases
from marketplace.work.celery_tasks import perform
from marketplace.work.models import Piece
from tests.factories import a_dataset, an_account
from tests.generation.runs.drift.made import as_csv, as_sketch, asked, dearer, drawn, kept, published
from tests.workers import work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]


@pytest.fixture
def version() -> Version:
    return published(a_dataset(an_account("seller")), drawn(1))


@pytest.fixture
def holder() -> Account:
    return an_account("holder")


def sent(account: Account, version: Version, body: bytes, target: str = "", **options: Any) -> DriftCheck:
    about = asked(version, target)
    return checks.receive(account, about, name="people.csv", size=len(body), chunks=[body], **options)


def verified(check: DriftCheck) -> dict[str, Any]:
    return jws.verify(check.receipt, keyring.jwks(), type=receipts.TYPE, purpose=Purpose.DELETION)


def test_a_column_that_moved_is_found_a_model_warned_of_and_the_upload_deleted_with_a_receipt(
    holder: Account, version: Version
) -> None:
    body = as_csv(dearer(drawn(2)))
    check = sent(holder, version, body, "income")
    assert kept() == {check.key}
    work_off()
    check.refresh_from_db()
    assert check.state == DriftCheck.State.READY, check.fault_message
    found = check.report["tables"]["default"]
    assert [one["column"] for one in found["columns"] if one["moved"] == "much"] == ["income"]
    assert found["model"]["fails"] and "fails there" in found["verdict"]["model"]
    assert found["together"]["interval"][0] > 0.55
    assert found["only"] == {"before": [], "after": []}
    assert kept() == set() and check.key == ""
    told = verified(check)
    assert told["object"] == {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    assert told["deleted_at"] >= told["received_at"] and told["jti"] == str(check.id)


def test_a_table_of_the_same_population_moved_nowhere(holder: Account, version: Version) -> None:
    check = sent(holder, version, as_csv(drawn(3)), "income")
    work_off()
    check.refresh_from_db()
    found = check.report["tables"]["default"]
    assert {one["moved"] for one in found["columns"]} == {"no"}
    assert found["verdict"]["columns"].endswith("none moved.")
    assert not found["model"]["fails"]
    assert found["together"]["interval"][0] <= 0.52


def test_no_row_of_the_upload_is_in_what_is_kept_of_it(holder: Account, version: Version) -> None:
    table = drawn(4)
    incomes = table.column("income").to_pylist()
    incomes[0] = 9_999_999.0
    towns = table.column("town").to_pylist()
    towns[:5] = ["Ys"] * 5
    table = table.set_column(table.column_names.index("income"), "income", [incomes])
    table = table.set_column(table.column_names.index("town"), "town", [towns])
    check = sent(holder, version, as_csv(table))
    work_off()
    check.refresh_from_db()
    said = json.dumps(check.report)
    assert check.state == "ready" and "9999999" not in said and "Ys" not in said


def test_a_file_that_cannot_be_read_is_refused_with_all_that_is_wrong_and_deleted(
    holder: Account, version: Version
) -> None:
    check = sent(holder, version, b"age,age\n1,2\n")
    work_off()
    check.refresh_from_db()
    assert check.state == DriftCheck.State.REFUSED and check.problems and check.report is None
    assert kept() == set() and verified(check)["object"]["bytes"] == 12


def test_after_a_failure_the_upload_is_deleted_and_the_reason_told(
    holder: Account, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "_LEAST_MEMORY_MIB", 0)
    monkeypatch.setattr(checks, "_BYTES_A_CELL", 0)
    check = sent(holder, version, as_csv(drawn(5)))
    work_off()
    check.refresh_from_db()
    assert (check.state, check.fault_owner) == ("failed", "platform") and check.fault_message
    assert kept() == set() and verified(check)


def test_a_worker_that_is_killed_again_and_again_leaves_no_upload(holder: Account, version: Version) -> None:
    check = sent(holder, version, as_csv(drawn(6)))
    piece = Piece.objects.get(kind=checks.COMPARE, subject=check.id)
    for _ in range(3):
        assert leases.claim(piece.id) is not None
        Piece.objects.filter(id=piece.id).update(leased_until=Now() - timedelta(seconds=1))
    work_off()
    check.refresh_from_db()
    assert (check.state, check.fault_owner) == ("failed", "platform")
    assert kept() == set() and verified(check)


def test_a_worker_that_is_killed_once_is_followed_by_another(holder: Account, version: Version) -> None:
    check = sent(holder, version, as_csv(drawn(7)))
    piece = Piece.objects.get(kind=checks.COMPARE, subject=check.id)
    leases.claim(piece.id)
    Piece.objects.filter(id=piece.id).update(leased_until=Now() - timedelta(seconds=1))
    work_off()
    check.refresh_from_db()
    assert check.state == "ready" and kept() == set() and check.receipt


def test_an_upload_whose_process_died_as_it_was_stored_is_deleted_in_time(
    holder: Account, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = storage.put_private_stream

    def die(key: str, chunks: Iterable[bytes], size: int) -> None:
        store(key, chunks, size)
        raise SystemExit

    monkeypatch.setattr(storage, "put_private_stream", die)
    with pytest.raises(SystemExit):
        sent(holder, version, as_csv(drawn(8)))
    checks.tidy()
    assert len(kept()) == 1
    DriftCheck.objects.update(asked_at=F("asked_at") - timedelta(hours=2))
    checks.tidy()
    work_off()
    check = DriftCheck.objects.get()
    assert check.state == "failed" and kept() == set() and verified(check)["object"]["sha256"] is None


def test_an_upload_that_the_store_took_without_saying_so_is_deleted(
    holder: Account, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = storage.put_private_stream

    def lose_the_answer(key: str, chunks: Iterable[bytes], size: int) -> None:
        store(key, chunks, size)
        raise StorageError(key)

    monkeypatch.setattr(storage, "put_private_stream", lose_the_answer)
    with pytest.raises(StorageError):
        sent(holder, version, as_csv(drawn(9)))
    work_off()
    assert kept() == set() and DriftCheck.objects.get().receipt


def test_a_deletion_that_nobody_did_is_found_by_the_sweep_and_told_by_the_doctor(
    holder: Account, version: Version
) -> None:
    check = sent(holder, version, as_csv(drawn(10)))
    checks.end(check.id, DriftCheck.State.FAILED, fault_owner="platform", fault_message="It failed.")
    Piece.objects.all().delete()
    assert list(doctor.compared_uploads_are_deleted()) == []
    DriftCheck.objects.update(ended_at=F("ended_at") - timedelta(hours=2))
    assert [fault.subject for fault in doctor.compared_uploads_are_deleted()] == [f"drift check {check.id}"]
    checks.tidy()
    work_off()
    assert list(doctor.compared_uploads_are_deleted()) == [] and kept() == set()


def test_an_upload_that_waited_for_a_day_is_deleted_unread(holder: Account, version: Version) -> None:
    check = sent(holder, version, as_csv(drawn(11)))
    DriftCheck.objects.update(asked_at=F("asked_at") - timedelta(days=2))
    assert len(list(doctor.compared_uploads_are_deleted())) == 1
    Piece.objects.filter(kind=checks.COMPARE).delete()
    assert len(list(doctor.drift_checks_are_made())) == 1
    checks.tidy()
    work_off()
    check.refresh_from_db()
    assert check.state == "failed" and kept() == set() and check.receipt


def test_what_is_stored_after_its_end_is_deleted_too(
    holder: Account, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = storage.put_private_stream

    def take_long(key: str, chunks: Iterable[bytes], size: int) -> None:
        DriftCheck.objects.update(asked_at=F("asked_at") - timedelta(hours=2))
        checks.tidy()
        work_off()
        store(key, chunks, size)

    monkeypatch.setattr(storage, "put_private_stream", take_long)
    check = sent(holder, version, as_csv(drawn(12)))
    assert kept() == {check.key}
    work_off()
    check.refresh_from_db()
    assert kept() == set() and check.key == "" and verified(check)["object"]["sha256"]


def test_the_store_that_keeps_what_it_said_it_deleted_gives_no_receipt(
    holder: Account, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = sent(holder, version, b"age,age\n1,2\n")
    monkeypatch.setattr(storage, "delete_private", lambda key: None)
    piece = Piece.objects.get(kind=checks.COMPARE)
    perform(str(piece.id))
    perform(str(Piece.objects.get(kind=checks.DELETE).id))
    check.refresh_from_db()
    assert check.receipt == "" and check.key and check.deleted_at is None


def test_nothing_of_an_upload_stays_on_the_workers_disk(holder: Account, version: Version, settings: Any) -> None:
    sent(holder, version, as_csv(drawn(13)))
    work_off()
    workplace.clear_scratch()
    assert list(settings.SCRATCH_DIR.glob("check-*")) == []


def test_a_sketch_is_compared_with_the_statistics_and_not_kept(holder: Account, version: Version) -> None:
    check = checks.describe(holder, asked(version), name="sketch.json", text=as_sketch(dearer(drawn(14))))
    work_off()
    check.refresh_from_db()
    assert check.state == "ready", check.fault_message
    found = check.report["tables"]["default"]
    assert [one["column"] for one in found["columns"] if one["moved"] == "much"] == ["income"]
    assert found["model"] is None and "meets other inputs in the other: income." in found["verdict"]["model"]
    assert check.sketch is None and check.receipt == "" and kept() == set()
    same = checks.describe(holder, asked(version), name="sketch.json", text=as_sketch(drawn(15)))
    work_off()
    same.refresh_from_db()
    assert {one["moved"] for one in same.report["tables"]["default"]["columns"]} == {"no"}


def test_everything_wrong_with_what_is_asked_is_said_at_once_and_nothing_kept(
    holder: Account, version: Version
) -> None:
    with pytest.raises(checks.CheckRefused) as refused:
        checks.receive(holder, checks.Asked(version, "nowhere"), name="x", size=0, chunks=[])
    assert [fault.field for fault in refused.value.faults] == ["table", "file"]
    with pytest.raises(checks.CheckRefused) as refused:
        checks.describe(holder, asked(version, "nothing"), name="x", text=b'{"schema": "else"}')
    assert [fault.field for fault in refused.value.faults] == ["target", "sketch.schema"]
    assert not DriftCheck.objects.exists() and not Piece.objects.filter(kind=checks.COMPARE).exists()


def test_an_account_has_three_under_way_and_so_many_a_day(
    holder: Account, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(checks.MOST_UNDER_WAY):
        checks.describe(holder, asked(version), name="x", text=as_sketch(drawn(16)))
    with pytest.raises(checks.TooMany, match="under way"):
        checks.describe(holder, asked(version), name="x", text=as_sketch(drawn(16)))
    checks.describe(an_account("another"), asked(version), name="x", text=as_sketch(drawn(16)))
    DriftCheck.objects.update(state=DriftCheck.State.FAILED)
    monkeypatch.setattr(checks, "MOST_A_DAY", checks.MOST_UNDER_WAY)
    with pytest.raises(checks.TooMany, match="within a day"):
        checks.describe(holder, asked(version), name="x", text=as_sketch(drawn(16)))


def test_a_report_that_is_forgotten_leaves_the_receipt_alone(holder: Account, version: Version) -> None:
    check = sent(holder, version, as_csv(drawn(17)))
    checks.forget(check)
    work_off()
    check.refresh_from_db()
    assert (check.state, check.report, check.name) == ("gone", None, "")
    assert kept() == set() and verified(check)
    assert not Piece.objects.unfinished().filter(subject=check.id).exists()
