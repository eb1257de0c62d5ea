"""What was planted in simulated data is looked for in the version: after publishing, by its answer key alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.test import Client

from catalog import attachments, publishing
from catalog.models import Version
from generation.runs import answers, registry
from marketplace.work.models import Piece
from tests.factories import a_listing, an_account
from tests.generation.made import a_run, the_dice, work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

FRAUD = {"transactions": 12_000, "card_testing": 0.1, "account_takeover": 0.1}


def made(generator: str = "card-transactions", *, units: int = 400, parameters: dict[str, Any] = FRAUD) -> Version:
    run = a_run(registry.register(generator, an_account("house")), units=units, parameters=parameters)
    work_off()
    run.refresh_from_db()
    assert run.state == "ready", run.fault_message
    return Version.objects.get(run=run.id)


def look_now() -> None:
    """Let the time pass after which answers are looked for."""
    Piece.objects.filter(kind=answers.ANSWERS).update(due_at=Now())
    work_off()


def test_a_version_is_judged_by_its_answer_key_once_it_is_published_and_again_the_same() -> None:
    version = made()
    assert not version.attachments.filter(kind="quality").exists()
    look_now()
    document = attachments.load(version.attachments.get(kind="quality"))
    table = document["tables"]["default"]
    (found,) = table["answer_key"]["planted"]
    key = attachments.load(version.attachments.get(kind="answer-key"))
    assert all(cause["as_planted"] for cause in found["causes"])
    assert {one["cause"]: one["found"] for one in found["causes"]} == {
        name: pattern["transactions"] for name, pattern in key["patterns"].items()
    }
    assert found["counted"] == {"rows": 12_000, "whole": True}
    assert found["boosted"]["value"] > found["boosted"]["yardsticks"]["shuffled"] + 0.2
    assert table["likeness"] is None and table["privacy"] is None
    assert not table["answer_key"]["findings"]
    says_nothing_else(version)
    first = version.attachments.get(kind="quality").sha256
    with transaction.atomic():
        answers.ask(version)
    look_now()
    assert version.attachments.get(kind="quality").sha256 == first


def says_nothing_else(version: Version) -> None:
    """The report tells rates and scores, and nothing else of the key."""
    quality, key = (version.attachments.get(kind=kind) for kind in ("quality", "answer-key"))
    told, kept = attachments.read(quality).decode(), attachments.load(key)
    assert str(kept["tested_merchants"][0]) not in told
    assert kept["patterns"]["card_testing"]["how"] not in told
    assert "columns_that_tell" not in told


def test_of_a_bounded_part_models_learn_and_everything_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_ROWS", 3_000)
    version = made()
    look_now()
    table = attachments.load(version.attachments.get(kind="quality"))["tables"]["default"]
    assert 2_000 <= table["rows"]["made"] <= 3_000 + version.files.count()
    assert table["answer_key"]["planted"][0]["counted"]["rows"] == 12_000
    assert all(cause["as_planted"] for cause in table["answer_key"]["planted"][0]["causes"])


def test_without_an_answer_key_nothing_is_looked_for() -> None:
    run = a_run(the_dice(), units=100)
    work_off()
    assert Version.objects.filter(run=run.id).exists()
    assert not Piece.objects.filter(kind=answers.ANSWERS).exists()


def test_what_was_withdrawn_meanwhile_is_left_alone() -> None:
    version = made()
    publishing.withdraw(version, "It leaks.")
    look_now()
    assert not version.attachments.filter(kind="quality").exists()
    assert not Piece.objects.filter(kind=answers.ANSWERS, state="failed").exists()


def test_visits_tell_of_two_tables_and_the_page_shows_both(client: Client) -> None:
    version = made("clinic-visits", units=600, parameters={})
    publishing.put_on_shelf(a_listing(version.dataset).listing)
    look_now()
    dataset = version.dataset
    page = client.get(f"/datasets/{dataset.account.slug}/{dataset.name}/quality").content.decode()
    assert "What was planted of patients" in page and "What was planted of visits" in page
    assert "about 16.5" in page
    assert "learnt from and" not in page and "withheld rows in its place" not in page
    head = client.get(f"/datasets/{dataset.account.slug}/{dataset.name}").content.decode()
    assert f"/datasets/{dataset.account.slug}/{dataset.name}/quality" in head
