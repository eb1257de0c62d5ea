"""A run from planned to ready, what is published, and how it ends otherwise."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.core.management import call_command
from django.db import Error, IntegrityError, connection, transaction
from django.db.models.functions import Now

from catalog import licensing
from catalog.models import Version
from generation.runs import lifecycle, preparing, registry, replays, workplace
from generation.runs.models import GeneratorVersion, Run, Shard
from marketplace import storage
from marketplace.doctor import checks
from marketplace.keys import dsse, keyring
from marketplace.work.celery_tasks import perform
from marketplace.work.faults import LeaseLost
from marketplace.work.leases import Lease, claim
from marketplace.work.models import Piece
from tests.factories import a_dataset, an_account
from tests.generation.made import REFERENCE, a_run, the_dice, work_off
from tests.workers import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]


@pytest.fixture
def ready(tmp_path: Path) -> Run:
    run = a_run(
        the_dice(), splits=[{"name": "train", "share": 0.8}, {"name": "test", "share": 0.2}], parameters={"sides": 10}
    )
    work_off()
    run.refresh_from_db()
    assert (run.state, run.fault_message) == ("ready", "")
    return run


def test_a_planned_run_becomes_a_version_with_all_its_rows(ready: Run, tmp_path: Path) -> None:
    version = Version.objects.get(run=ready.id)
    assert version.rows == 5000
    rows = {"train": 0, "test": 0}
    for file in version.files.all():
        storage.download(storage.blob_key(file.sha256), tmp_path / file.sha256)
        table = pq.read_table(tmp_path / file.sha256)
        assert hashlib.sha256((tmp_path / file.sha256).read_bytes()).hexdigest() == file.sha256
        assert max(table["throw"].to_pylist()) <= 10
        rows[file.split] += table.num_rows
    assert rows == {"train": 4000, "test": 1000}


def test_the_first_file_of_each_split_is_the_small_free_sample(ready: Run) -> None:
    version = Version.objects.get(run=ready.id)
    samples = list(version.files.filter(sample=True).order_by("split"))
    assert [(file.split, file.rows) for file in samples] == [("test", 50), ("train", 50)]


def test_the_envelope_is_signed_over_the_manifest_and_every_file(ready: Run) -> None:
    version = Version.objects.get(run=ready.id)
    envelope = json.loads(storage.read_blob(version.attachments.get(kind="attestation").sha256))
    statement = dsse.verify_envelope(envelope, keyring.jwks(), "provenance")
    subjects = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
    assert subjects.pop("manifest.json") == version.digest
    assert subjects == dict(version.files.values_list("path", "sha256"))
    assert statement["predicate"]["buildDefinition"]["externalParameters"]["parameters"] == {"sides": 10}
    assert "metadata" not in statement["predicate"]["runDetails"]


def test_the_disclosed_seed_and_salt_open_the_commitment(ready: Run) -> None:
    version = Version.objects.get(run=ready.id)
    disclosed = json.loads(storage.read(version.disclosure.key))
    sealed = b"lookalike/seed/v1\0" + bytes.fromhex(disclosed["salt"]) + bytes.fromhex(disclosed["seed"])
    assert "sha256:" + hashlib.sha256(sealed).hexdigest() == version.recipe["seedCommitment"]
    assert disclosed["manifest"] == version.digest
    assert disclosed["seed"] not in bytes(version.manifest.body).decode()


def test_every_file_and_the_recipe_carry_the_mark_of_synthetic_origin(ready: Run, tmp_path: Path) -> None:
    version = Version.objects.get(run=ready.id)
    file = version.files.first()
    storage.download(storage.blob_key(file.sha256), tmp_path / "file.parquet")
    mark = json.loads(pq.read_schema(tmp_path / "file.parquet").metadata[b"lookalike"])
    assert mark["digitalSourceType"].endswith("/algorithmicMedia")
    assert mark["generator"] == "house/dice"


def test_statistics_are_of_all_rows_and_the_preview_of_the_sample(ready: Run) -> None:
    version = Version.objects.get(run=ready.id)
    statistics = json.loads(storage.read_blob(version.attachments.get(kind="statistics").sha256))
    assert statistics["tables"]["default"]["rows"] == 5000
    preview = json.loads(storage.read_blob(version.attachments.get(kind="preview").sha256))
    assert [column["name"] for column in preview["tables"][0]["columns"]] == ["throw", "name"]
    assert len(preview["tables"][0]["rows"]) == 50


def test_the_doctor_finds_nothing_wrong(ready: Run) -> None:
    assert [fault for check in checks() for fault in check.function()] == []


def test_the_doctor_finds_statistics_that_are_not_true_of_the_files(ready: Run) -> None:
    version = Version.objects.get(run=ready.id)
    attachment = version.attachments.get(kind="statistics")
    wrong = json.loads(storage.read_blob(attachment.sha256))
    wrong["tables"]["default"]["columns"][0]["maximum"] = 11
    attachment.sha256 = storage.put_bytes(json.dumps(wrong).encode(), "application/json").sha256
    attachment.save()
    faults = [fault for check in checks() if check.promise == 5 for fault in check.function()]
    assert any("throw" in fault.message for fault in faults)


def test_a_replay_makes_every_file_again_with_the_same_digest(ready: Run) -> None:
    done = replays.replay(Version.objects.get(run=ready.id))
    assert done.same_runtime
    assert {file.outcome for file in done.files} == {"same digest"}
    envelope = json.loads(storage.read_blob(done.version.attachments.get(kind="replay").sha256))
    assert "same digest" in json.loads(base64.b64decode(envelope["payload"]))["predicate"]["words"]


def test_a_replay_under_another_seed_says_that_it_differs(ready: Run) -> None:
    Run.objects.filter(id=ready.id).update(seed=b"another seed 16b")
    done = replays.replay(Version.objects.get(run=ready.id))
    assert not done.agrees


def test_two_runs_of_one_recipe_have_different_seeds() -> None:
    generator = the_dice()
    dataset = a_dataset(generator.generator.account)
    first, second = a_run(generator, dataset), a_run(generator, dataset)
    assert bytes(first.seed) != bytes(second.seed)
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.filter(id=second.id).update(seed=first.seed)


def test_the_owner_has_a_licence_made_by_the_run(ready: Run) -> None:
    version = Version.objects.get(run=ready.id)
    licence = licensing.licence_for(version.dataset.account, version)
    assert licence is not None
    assert (licence.cause_kind, licence.cause_id) == ("made", ready.id)


def test_a_bad_parameter_fails_the_run_with_the_buyer_at_fault() -> None:
    run = a_run(the_dice(), parameters={"sides": 1000})
    work_off()
    run.refresh_from_db()
    assert (run.state, run.fault_owner) == ("failed", "buyer")
    assert "sides" in run.fault_message


def test_a_cancelled_run_makes_nothing_more() -> None:
    run = a_run(the_dice())
    assert lifecycle.cancel(run.id)
    assert not lifecycle.cancel(run.id)
    work_off()
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert not Version.objects.filter(run=run.id).exists()
    assert not Piece.objects.unfinished().filter(subject=run.id).exists()


def test_a_run_that_is_cancelled_halfway_takes_its_shards_back() -> None:
    run = a_run(the_dice())
    perform(str(Piece.objects.get(subject=run.id).id))
    shards = list(Shard.objects.filter(run=run).values_list("id", flat=True))
    assert shards
    lifecycle.cancel(run.id)
    assert not Piece.objects.unfinished().filter(subject__in=shards).exists()


def test_registering_the_same_code_twice_is_one_version_and_it_never_changes() -> None:
    version = the_dice()
    assert registry.register(REFERENCE, version.generator.account) == version
    with pytest.raises(Error, match="pgtrigger"), transaction.atomic():
        GeneratorVersion.objects.filter(id=version.id).update(digest="0" * 64)


def test_changed_code_under_the_same_version_is_refused() -> None:
    account = the_dice().generator.account
    generator = account.generators.get(name="dice")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE runs_generatorversion SET digest = %s WHERE generator_id = %s", ["2" * 64, generator.id])
        cursor.execute("SET LOCAL session_replication_role = origin")
    with pytest.raises(registry.DigestChanged, match="new version"):
        registry.register(REFERENCE, account)


def test_the_command_registers_and_says_the_digest(capsys: pytest.CaptureFixture[str]) -> None:
    version = the_dice()
    call_command("register_generator", REFERENCE)
    assert version.digest in capsys.readouterr().out


def test_a_cancel_while_the_last_shard_is_noted_neither_deadlocks_nor_loses(ready: Run) -> None:
    """Both want the run and a piece of it; whoever comes first, the other waits and then sees what happened."""
    run = a_run(the_dice(), a_dataset(ready.account, "cancelled"), units=300)
    do_due(1)
    lease = claim(Piece.objects.filter(kind=lifecycle.SHARD, state=Piece.State.DUE)[0].id)
    assert lease is not None
    begun, ended = threading.Event(), threading.Event()

    def cancel() -> None:
        begun.wait(240)
        lifecycle.cancel(run.id)
        connection.close()
        ended.set()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with contextlib.suppress(LeaseLost), lease.finishing():
        Run.objects.select_for_update(no_key=True).get(id=run.id)
        begun.set()
        assert not ended.wait(0.5), "the cancel waits for the run"
    canceller.join(240)
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert not Piece.objects.unfinished().filter(kind=lifecycle.SHARD).exists()


def test_two_attempts_at_preparing_never_mix_their_states_and_the_loser_is_forgotten() -> None:
    cards = registry.register("card-transactions", the_dice().generator.account)
    run = a_run(cards, units=100, parameters={"transactions": 1000})
    piece = Piece.objects.get(kind=lifecycle.PREPARE, subject=run.id)
    slow = claim(piece.id)
    assert slow is not None
    Run.objects.filter(id=run.id).update(state=Run.State.PREPARING)
    locked = threading.Event()

    def overtake() -> None:
        """Hold the run until the slow attempt waits for it, and let its lease lapse meanwhile."""
        with transaction.atomic(), connection.cursor() as cursor:
            Run.objects.select_for_update(no_key=True).get(id=run.id)
            locked.set()
            until(lambda: _waits_for_a_lock(cursor), seconds=240, what="the slow attempt's wait")
            _let_lapse(piece)
            assert claim(piece.id) is not None
        connection.close()

    overtaker = threading.Thread(target=overtake)
    overtaker.start()
    locked.wait(240)
    preparing_slowly = threading.Thread(target=_lose, args=(slow,))
    preparing_slowly.start()
    overtaker.join()
    preparing_slowly.join()
    # The runner of that thread ended with it.
    workplace.discard_runner()
    _let_lapse(piece)
    perform(str(piece.id))
    work_off()
    run.refresh_from_db()
    assert (run.state, run.fault_message) == ("ready", "")
    lost = list(run.state_files.exclude(attempt=run.prepared).values_list("key", flat=True))
    assert lost
    Piece.objects.filter(kind=lifecycle.FORGET_STATE).update(due_at=Now())
    work_off()
    assert {file.attempt for file in run.state_files.all()} == {run.prepared}
    for key in lost:
        with pytest.raises(storage.ObjectMissing):
            storage.read(key)


def test_state_of_a_run_that_is_cancelled_is_deleted() -> None:
    cards = registry.register("card-transactions", the_dice().generator.account)
    run = a_run(cards, units=100, parameters={"transactions": 1000})
    do_due(1)
    keys = list(run.state_files.values_list("key", flat=True))
    assert keys
    lifecycle.cancel(run.id)
    Piece.objects.filter(kind=lifecycle.FORGET_STATE).update(due_at=Now())
    work_off()
    assert not run.state_files.exists()
    for key in keys:
        with pytest.raises(storage.ObjectMissing):
            storage.read(key)


def test_no_generator_of_another_account_runs_unconfined() -> None:
    with pytest.raises(registry.NotConfined, match="run confined"):
        registry.register(REFERENCE, an_account("acme"))
    assert not GeneratorVersion.objects.exists()


def _let_lapse(piece: Piece) -> None:
    Piece.objects.filter(id=piece.id).update(leased_until=Now() - timedelta(seconds=1))


def _lose(lease: Lease) -> None:
    with pytest.raises(LeaseLost):
        preparing.prepare(lease)
    connection.close()


def _waits_for_a_lock(cursor: Any) -> bool:
    cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return bool(cursor.fetchone()[0])


def do_due(limit: int) -> None:
    """Do so many due pieces."""
    for piece in Piece.objects.claimable().order_by("created_at")[:limit]:
        perform(str(piece.id))
