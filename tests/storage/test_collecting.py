"""Collecting blobs: what nobody refers to goes after a day, what anybody refers to stays, and so does what is young."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Collection, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from catalog.models import Attachment, File, PreviewPicture, ShelfState, Version
from generation.runs.models import Probe, Run, Shard
from marketplace import storage
from marketplace.storage import blobs, collecting, references
from marketplace.storage.client import client
from marketplace.storage.models import Collection as Pass
from marketplace.work.celery_tasks import perform
from marketplace.work.models import Piece
from tests.factories import a_dataset, a_version, an_account
from tests.generation.made import a_run, the_dice, work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_store")]

NONE = timedelta(0)


@pytest.fixture
def empty_store(s3_bucket: None) -> None:
    """No blob lies there from other tests."""
    for digest in list(collecting.digests()):
        client().delete_object(Bucket=settings.S3_BUCKET, Key=storage.blob_key(digest))


def a_blob() -> storage.Blob:
    return storage.put_bytes(uuid4().bytes, "application/json")


def there() -> set[str]:
    return set(collecting.digests())


def collect_all(grace: timedelta = NONE) -> set[str]:
    """Go over the whole store as if ``grace`` were over; what was deleted."""
    found = [blob for page in collecting.pages(grace=grace) for blob in collecting.unreferenced(page)]
    return {blob.sha256 for blob in found if collecting.collect(blob, grace=grace)}


def referred(version: Version) -> set[str]:
    """All blobs that a version names."""
    found = {version.digest}
    for model in (File, Attachment, PreviewPicture):
        found |= set(model.objects.filter(version=version).values_list("sha256", flat=True))
    return found


def test_what_nobody_refers_to_goes_and_what_a_version_names_stays() -> None:
    version = a_version(a_dataset(an_account()))
    work_off()
    lonely = {a_blob().sha256 for _ in range(3)}
    assert there() == referred(version) | lonely
    assert collect_all() == lonely
    assert there() == referred(version)
    assert list(storage.verify_blobs(referred(version))) == []


def test_what_is_younger_than_the_grace_stays() -> None:
    a_blob()
    assert collect_all(blobs.GRACE) == set()
    call_command("collect_blobs")
    assert len(there()) == 1


def test_nothing_of_a_run_goes_at_any_of_its_steps() -> None:
    """The blobs of a running run, noted but not published yet, are referred to without any grace."""
    run = a_run(the_dice(), units=400)
    steps = 0
    while (piece := Piece.objects.claimable().order_by("created_at").first()) is not None:
        perform(str(piece.id))
        shards = Shard.objects.filter(run=run, files__isnull=False)
        noted = {file["sha256"] for shard in shards for file in shard.files or []}
        run.refresh_from_db()
        noted |= {finding["blob"]["sha256"] for finding in run.assembled}
        assert noted.isdisjoint(collect_all())
        assert noted <= there()
        steps += 1
    assert steps > 5
    assert run.state == Run.State.READY
    version = Version.objects.get(run=run.id)
    assert collect_all() == set()
    assert referred(version) == there()


def test_a_failed_run_keeps_its_blobs_for_a_day_and_no_longer() -> None:
    run = a_run(the_dice(), units=400)
    work_off()
    other = a_run(run.generator, run.dataset, units=400)
    blob = a_blob()
    Run.objects.filter(id=other.id).update(state=Run.State.FAILED, ended_at=timezone.now() - timedelta(hours=23))
    Shard.objects.create(
        run=other,
        **dict.fromkeys(("position", "number", "first_block", "first_unit"), 0),
        **dict.fromkeys(("of", "blocks", "units"), 1),
        split="train",
        files=[{"sha256": blob.sha256, "table": "default", "rows": 1, "bytes": blob.size}],
    )
    assert collect_all() == set()
    Run.objects.filter(id=other.id).update(ended_at=timezone.now() - timedelta(hours=25))
    assert collect_all() == {blob.sha256}


def test_pictures_of_a_probe_stay() -> None:
    shown, nested, lonely = a_blob(), a_blob(), a_blob()
    dice = the_dice()
    cell = {"picture": shown.sha256, "media": "image/png"}
    Probe.objects.create(
        account=dice.generator.account,
        generator=dice,
        parameters={},
        units=8,
        state="ready",
        preview={"tables": [{"rows": [[1, cell], [[{"picture": nested.sha256}]]]}], "picture": None},
    )
    Probe.objects.create(account=dice.generator.account, generator=dice, parameters={}, units=8)
    assert collect_all() == {lonely.sha256}


def test_files_of_a_withdrawn_version_go_unless_another_holds_them() -> None:
    dataset = a_dataset(an_account())
    version = a_version(dataset)
    other = a_version(dataset, columns=("number", "square"))
    work_off()
    ShelfState.objects.filter(version=version).update(state=ShelfState.State.WITHDRAWN)
    gone = collect_all()
    assert {file.sha256 for file in version.files.all()} <= gone
    assert gone.isdisjoint(referred(other))
    assert referred(other) <= there()


def test_a_blob_that_somebody_refers_to_by_now_is_not_deleted() -> None:
    version = a_version(a_dataset(an_account()))
    blob = a_blob()
    [listed] = list(collecting.pages(grace=NONE))
    assert blob in collecting.unreferenced(listed)
    Attachment.objects.create(
        version=version, kind="late", code_version="1", media_type="text/plain", sha256=blob.sha256, bytes=blob.size
    )
    assert not collecting.collect(blob, grace=NONE)
    assert blob.sha256 in there()


def test_old_bytes_that_are_stored_again_become_young(monkeypatch: pytest.MonkeyPatch) -> None:
    body = uuid4().bytes
    first = storage.put_bytes(body, "application/json")
    client().put_object(Bucket=settings.S3_BUCKET, Key=first.key, Body=bytes(len(body)))  # to see who wrote last
    storage.put_bytes(body, "application/json")
    assert [fault.sha256 for fault in storage.verify_blobs([first.sha256])] == [first.sha256]
    monkeypatch.setattr(blobs, "GRACE", NONE)
    storage.put_bytes(body, "application/json")
    assert storage.read_blob(first.sha256) == body


def test_old_bytes_are_not_collected_while_they_are_stored_again(monkeypatch: pytest.MonkeyPatch) -> None:
    blob = a_blob()
    with transaction.atomic(), blobs.locked(blob.sha256, shared=True):
        ended = threading.Event()

        def sweep() -> None:
            collecting.collect(blob, grace=NONE)
            ended.set()
            connection.close()

        sweeper = threading.Thread(target=sweep)
        sweeper.start()
        assert not ended.wait(0.5)
        assert blob.sha256 in there()
    sweeper.join(240)
    assert blob.sha256 not in there()


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_referred_to_by_whom_exactly_the_rest_goes(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """References are drawn at random, over several parts and pages of three names."""
    dice = random.Random(seed)
    stored = [a_blob().sha256 for _ in range(dice.randrange(20))]
    parts = [{digest for digest in stored if dice.random() < share} for share in (0.2, 0.3, 0.1)]
    monkeypatch.setattr(references, "_parts", [_part(held) for held in parts])
    monkeypatch.setattr(collecting.page, "__kwdefaults__", {"grace": blobs.GRACE, "size": 3})
    held = set.union(*parts)
    assert collect_all() == set(stored) - held
    assert there() == held


def _part(held: set[str]) -> references.Refers:
    def refers(digests: Collection[str]) -> Iterator[str]:
        return (digest for digest in digests if digest in held)

    return refers


def test_nothing_is_collected_when_nobody_has_said_to_what_they_refer(monkeypatch: pytest.MonkeyPatch) -> None:
    blob = a_blob()
    monkeypatch.setattr(references, "_parts", [])
    with pytest.raises(RuntimeError, match="no part has said"):
        collecting.collect(blob, grace=NONE)
    assert there() == {blob.sha256}


def test_private_objects_and_foreign_names_are_left_alone() -> None:
    private = storage.private_key("seeds", uuid4(), "seed.json")
    storage.put_private_bytes(private, b"{}", "application/json")
    foreign = f"{blobs.PREFIX}readme.txt"
    client().put_object(Bucket=settings.S3_BUCKET, Key=foreign, Body=b"what is this")
    assert collect_all() == set()
    assert storage.read(private) == b"{}" and storage.read(foreign)
    client().delete_object(Bucket=settings.S3_BUCKET, Key=foreign)


def test_a_pass_begins_once_a_day_and_goes_from_page_to_page(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = {a_blob().sha256 for _ in range(7)}
    monkeypatch.setattr(collecting.page, "__kwdefaults__", {"grace": NONE, "size": 3})
    monkeypatch.setattr(collecting.collect, "__kwdefaults__", {"grace": NONE})
    collecting.begin_when_due()
    collecting.begin_when_due()
    work_off()
    done = Pass.objects.get()
    assert done.ended_at is not None
    assert (done.looked_at, done.collected, done.bytes) == (7, 7, 7 * 16)
    assert Piece.objects.filter(kind=collecting.COLLECT, state=Piece.State.DONE).count() == 3
    assert there().isdisjoint(stored)
    Pass.objects.update(started_at=timezone.now() - timedelta(hours=25))
    collecting.begin_when_due()
    assert Pass.objects.filter(ended_at=None).count() == 1


def test_the_command_only_says_what_would_go_when_it_is_run_dry(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    version = a_version(a_dataset(an_account()))
    work_off()
    lonely = a_blob()
    for function in (collecting.pages, collecting.collect):
        monkeypatch.setattr(function, "__kwdefaults__", {"grace": NONE})
    count = len(referred(version)) + 1
    call_command("collect_blobs", "--dry-run")
    told = capsys.readouterr().out.splitlines()
    assert told == [f"{lonely.sha256}  16 bytes", f"{count} blobs looked at; 1 would be deleted, 16 bytes."]
    assert lonely.sha256 in there()
    call_command("collect_blobs")
    assert capsys.readouterr().out.endswith("1 deleted, 16 bytes.\n")
    assert there() == referred(version)


def test_a_changed_byte_is_named_by_verify_blobs_and_by_the_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    version = a_version(a_dataset(an_account()))
    work_off()
    call_command("verify_blobs")
    assert f"{len(referred(version))} blobs read, 0 faults." in capsys.readouterr().out
    file = version.files.order_by("path")[0]
    key = storage.blob_key(file.sha256)
    body = bytearray(storage.read(key))
    body[len(body) // 2] ^= 1
    client().put_object(Bucket=settings.S3_BUCKET, Key=key, Body=bytes(body))
    for command in (["verify_blobs"], ["verify_blobs", "--sample", "1000"], ["doctor", "--promise", "2"]):
        with pytest.raises(CommandError):
            call_command(*command)
        assert file.sha256 in capsys.readouterr().out, command


def test_a_sample_is_as_large_as_asked_and_no_blob_is_read_twice() -> None:
    stored = {a_blob().sha256 for _ in range(12)}
    drawn = list(collecting.sample(4))
    assert len(drawn) == len(set(drawn)) == 4 and set(drawn) <= stored


def test_every_module_that_stores_blobs_is_one_whose_references_are_known() -> None:
    """Whoever adds a module here sees to it that ``references`` of its part names what it stores."""
    root = Path(__file__).parents[2]
    stores = {
        path.relative_to(root).as_posix()
        for part in ("marketplace", "catalog", "generation", "billing")
        for path in (root / part).rglob("*.py")
        if re.search(r"storage\.put_(blob|bytes)\(", path.read_text())
    }
    assert stores == {
        "catalog/attachments.py",  # Attachment; until it is attached, Run.assembled
        "catalog/previews.py",  # PreviewPicture
        "generation/runs/assembling.py",  # Version.digest
        "generation/runs/making.py",  # Shard.files
        "generation/runs/probes.py",  # Probe.preview
    }
