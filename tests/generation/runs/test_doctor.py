"""The doctor on runs: each test breaks one thing in the database and looks who tells."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.functions import Now

from catalog.models import Licence, Version
from generation.runs import doctor, probes, selling, sources
from generation.runs.models import Making, Probe, Run, Source
from marketplace.doctor import CheckFunction
from marketplace.work.models import Piece
from tests.factories import a_dataset, a_licence, a_version, an_account
from tests.generation.made import a_run, the_dice

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]


def said(check: CheckFunction) -> list[str]:
    return [fault.subject for fault in check()]


def ready(name: str) -> Run:
    """A run that is ready, and its version."""
    generator = the_dice()
    run = a_run(generator, a_dataset(generator.generator.account, name))
    a_version(run.dataset, run=run.id)
    Run.objects.filter(id=run.id).update(state=Run.State.READY, ended_at=Now())
    return run


def test_a_licence_whose_run_made_another_version_is_found() -> None:
    first, second = ready("first"), ready("second")
    assert said(doctor.made_licences_have_their_run) == []
    licence = Licence.objects.get(cause_id=first.id)
    Licence.objects.filter(id=licence.id).update(cause_id=second.id)
    assert said(doctor.made_licences_have_their_run) == [f"licence {licence.id}"]


def test_a_licence_for_making_what_another_account_made_is_found() -> None:
    run = ready("first")
    version = Version.objects.get(run=run.id)
    licence = a_licence(an_account(), version, cause=("made", run.id))
    assert said(doctor.made_licences_have_their_run) == [f"licence {licence.id}"]


def test_a_licence_for_a_run_that_is_not_ready_is_found() -> None:
    run = ready("first")
    Run.objects.filter(id=run.id).update(state=Run.State.FAILED)
    assert len(said(doctor.made_licences_have_their_run)) == 1


def test_an_upload_that_nobody_will_read_is_found() -> None:
    source = sources.receive(an_account(), SimpleUploadedFile("people.csv", b"age,town\n1,Ulm\n"))
    Source.objects.update(uploaded_at=Now() - timedelta(hours=1))
    assert said(doctor.uploads_are_read) == []
    Piece.objects.filter(subject=source.id).update(state=Piece.State.FAILED)
    assert said(doctor.uploads_are_read) == [f"source {source.id}"]


def test_a_probe_that_nobody_will_make_is_found() -> None:
    generator = the_dice()
    probe = probes.ask(an_account(), generator, {}, 100, None)
    Probe.objects.update(created_at=Now() - timedelta(hours=1))
    assert said(doctor.probes_are_made) == []
    Piece.objects.filter(subject=probe.id).delete()
    assert said(doctor.probes_are_made) == [f"probe {probe.id}"]


def test_what_a_seller_asked_for_and_nobody_will_check_is_found() -> None:
    generator = the_dice()
    making = selling.ask(an_account("seller"), generator, parameters={}, units=10, splits=[], name="throws")
    Making.objects.update(created_at=Now() - timedelta(hours=1))
    assert said(doctor.makings_are_checked) == []
    Piece.objects.all().delete()
    assert said(doctor.makings_are_checked) == [f"making {making.id}"]
