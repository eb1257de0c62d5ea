"""What is made from a source is judged before it is published: by a child, from a bounded part, always the same."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog import attachments
from catalog.models import Version
from generation.runs import judging, lifecycle, registry, sources, workplace
from generation.runs.models import Run, Source
from marketplace.accounts.models import Account
from marketplace.work import leases
from marketplace.work.celery_tasks import perform
from marketplace.work.models import Piece
from tests.factories import an_account
from tests.generation.made import a_run, the_dice, work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

COPYIST = "tests.generation.copyist:copyist"


def people(rows: int = 600) -> bytes:
    chance = random.Random(5)
    lines = ["age,city,salary,member"]
    for _ in range(rows):
        age = chance.randint(18, 80)
        city = chance.choice(["Ulm", "Bonn", "Kiel"])
        lines.append(f"{age},{city},{chance.lognormvariate(8 + age / 80, 0.4):.2f},{chance.choice(['true', 'false'])}")
    return "\n".join(lines).encode()


def a_source(account: Account, body: bytes | None = None) -> Source:
    source = sources.receive(account, SimpleUploadedFile("people.csv", body or people()))
    work_off()
    source.refresh_from_db()
    assert source.state == "understood"
    return source


def a_fitted_run(reference: str = "tabular", *, units: int = 2000, **options: Any) -> Run:
    house = an_account("house")
    return a_run(registry.register(reference, house), source=a_source(house), units=units, **options)


def report_of(run: Run) -> dict[str, Any]:
    version = Version.objects.get(run=run.id)
    found: dict[str, Any] = attachments.load(version.attachments.get(kind="quality"))
    return found


def test_what_was_learnt_from_a_source_is_judged_and_the_provenance_names_the_report() -> None:
    run = a_fitted_run(parameters={"target": "member", "sensitive": ["city"]})
    work_off()
    run.refresh_from_db()
    assert run.state == "ready", run.fault_message
    table = report_of(run)["tables"]["default"]
    assert table["usefulness"]["target"] == "member"
    assert "no sensitive column was named" not in table["verdict"]["fairness"]
    facts = run.source.facts["tables"]["default"] if run.source and run.source.facts else {}
    assert table["rows"]["holdout"] == facts["holdout_rows"]
    assert table["rows"]["fitted"] == facts["rows"] - facts["holdout_rows"]
    assert table["rows"]["made"] == 2000
    assert set(table["verdict"]) >= {"likeness"}
    version = Version.objects.get(run=run.id)
    quality = version.attachments.get(kind="quality")
    attestation = attachments.load(version.attachments.get(kind="attestation"))
    statement = json.loads(base64.b64decode(attestation["payload"]))
    named = statement["predicate"]["runDetails"]["byproducts"]
    assert {"name": "quality.json", "digest": {"sha256": quality.sha256}} in named
    assert "Judging: likeness…" in set(run.events.values_list("text", flat=True))


def test_without_a_source_there_is_nothing_to_judge() -> None:
    run = a_run(the_dice(), units=100)
    work_off()
    assert not Version.objects.get(run=run.id).attachments.filter(kind="quality").exists()
    assert not Piece.objects.filter(kind=lifecycle.JUDGE).exists()


def test_a_copy_of_the_source_is_refused_and_nothing_is_published() -> None:
    run = a_fitted_run(COPYIST, units=500)
    work_off()
    run.refresh_from_db()
    assert (run.state, run.fault_owner) == ("failed", "seller")
    assert run.fault_message
    assert not Version.objects.exists()


def until_judging(run: Run) -> Piece:
    """Do all work of a run up to the piece that judges it."""
    while not (piece := Piece.objects.filter(kind=lifecycle.JUDGE, subject=run.id).first()):
        perform(str(Piece.objects.claimable().order_by("created_at")[0].id))
    return piece


def test_judging_that_died_is_done_again_and_finds_the_same() -> None:
    run = a_fitted_run()
    piece = until_judging(run)
    lease = leases.claim(piece.id)
    assert lease is not None
    first = judging.report(Run.objects.select_related("source").get(id=run.id), lease)
    Piece.objects.filter(id=piece.id).update(leased_until=piece.created_at)  # it died here
    work_off()
    run.refresh_from_db()
    assert run.state == "ready"
    assert report_of(run) == json.loads(json.dumps(first))
    assert Piece.objects.get(id=piece.id).attempts == 2


def test_a_run_that_is_cancelled_while_it_is_judged_publishes_nothing() -> None:
    run = a_fitted_run()
    piece = until_judging(run)
    lifecycle.cancel(run.id)
    work_off()
    assert Piece.objects.get(id=piece.id).state == "cancelled"
    assert not Version.objects.exists()


def test_of_many_rows_a_bounded_part_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "rows_judged", lambda columns: 300)
    run = a_fitted_run()
    work_off()
    made = report_of(run)["tables"]["default"]["rows"]["made"]
    assert 200 <= made <= 300 + run.shards.count()


def test_the_judge_sees_what_was_withheld_and_fitting_does_not() -> None:
    source = a_source(an_account("house"))
    with workplace.source_folder(source) as folder:
        assert folder is not None
        assert not (folder / "holdout").exists()
    with workplace.source_folder(source, holdout=True) as folder:
        assert folder is not None
        assert (folder / "holdout" / "default.parquet").exists()
