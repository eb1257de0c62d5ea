"""What runs can check of "Always true" on a living system."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from catalog.models import Licence, Version
from generation.runs import lifecycle, probes, selling, sources
from generation.runs.drift import checks
from generation.runs.models import DriftCheck, Making, Probe, Run, Source
from marketplace.doctor import Fault, check
from marketplace.work.models import Piece, coming

_PATIENCE = timedelta(minutes=1)
#: An upload is deleted right after its comparison; where the object store is away for a while, a little later.
_DELETED_WITHIN = timedelta(hours=1)


@check(promise=3)
def made_licences_have_their_run() -> Iterator[Fault]:
    """A licence with the cause ``made`` names a ready run of its account that made the licensed version."""
    made = Licence.objects.filter(cause_kind=Licence.Cause.MADE)
    run = Run.objects.filter(id=OuterRef("cause_id"), account=OuterRef("account"), state=Run.State.READY)
    for licence in made.filter(~Exists(run.filter(id=OuterRef("version__run")))).iterator():
        message = f"its cause, run {licence.cause_id}, is not a ready run of its account that made this version."
        yield Fault(f"licence {licence.id}", message)


@check(promise=1)
def kept_rows_are_not_kept_twice() -> Iterator[Fault]:
    """The state of an ended run, in which rows of an upload lie, is gone, or there is work that will delete it."""
    keeping = Run.objects.filter(generator__description__keeps_rows=True, state__in=Run.ENDED)
    for run in keeping.filter(~coming(lifecycle.FORGET_STATE), state_files__isnull=False).distinct().iterator():
        yield Fault(f"run {run.id}", "its state holds rows of an upload, and no work is left that would delete it.")


@check(promise=7)
def runs_under_way_have_work() -> Iterator[Fault]:
    """A run that has not ended has a piece of work that will move it on."""
    moving = coming(lifecycle.PREPARE, lifecycle.ASSEMBLE, lifecycle.JUDGE, lifecycle.ASSESS)
    stuck = Run.objects.under_way().filter(~moving, created_at__lt=Now() - _PATIENCE)
    for run in stuck.exclude(state=Run.State.GENERATING).iterator():
        yield Fault(f"run {run.id}", f"it is {run.state} and no work is left that would end it.")
    for run in stuck.filter(state=Run.State.GENERATING).iterator():
        shards = run.shards.values_list("id", flat=True)
        if not Piece.objects.unfinished().filter(kind=lifecycle.SHARD, subject__in=shards).exists():
            yield Fault(f"run {run.id}", "it is being made and no shard is left to make.")


@check(promise=7)
def ready_runs_have_their_version() -> Iterator[Fault]:
    """Exactly one version a run: a ready run without one lost its data."""
    version = Version.objects.filter(run=OuterRef("id"))
    for run in Run.objects.filter(~Exists(version), state=Run.State.READY).iterator():
        yield Fault(f"run {run.id}", "it is ready and there is no version of it.")


@check(promise=7)
def uploads_are_read() -> Iterator[Fault]:
    """An upload that is to be read has work that will read it."""
    uploaded = Source.objects.filter(~coming(sources.PARSE), state=Source.State.UPLOADED)
    for source in uploaded.filter(uploaded_at__lt=Now() - _PATIENCE).iterator():
        yield Fault(f"source {source.id}", "it is to be read and no work is left that would read it.")


@check(promise=7)
def probes_are_made() -> Iterator[Fault]:
    """A probe that was asked for has work that will make it."""
    asked = Probe.objects.filter(~coming(probes.PROBE), state=Probe.State.ASKED)
    for probe in asked.filter(created_at__lt=Now() - _PATIENCE).iterator():
        yield Fault(f"probe {probe.id}", "it was asked for and no work is left that would make it.")


@check(promise=7)
def makings_are_checked() -> Iterator[Fault]:
    """What a seller asked to be made has work that will check it."""
    asked = Making.objects.filter(~coming(selling.CHECK), state=Making.State.ASKED)
    for making in asked.filter(created_at__lt=Now() - _PATIENCE).iterator():
        yield Fault(f"making {making.id}", "it was asked for and no work is left that would check it.")


@check(promise=7)
def drift_checks_are_made() -> Iterator[Fault]:
    """A table that is to be compared with a version has work that will compare it."""
    asked = DriftCheck.objects.filter(~coming(checks.COMPARE), state=DriftCheck.State.ASKED)
    for drift_check in asked.filter(asked_at__lt=Now() - _PATIENCE).iterator():
        yield Fault(f"drift check {drift_check.id}", "it is to be made and no work is left that would make it.")


@check(promise=1)
def compared_uploads_are_deleted() -> Iterator[Fault]:
    """No upload outlives its comparison, and none is there for longer than a day."""
    kept = DriftCheck.objects.exclude(key="")
    for drift_check in kept.filter(ended_at__lt=Now() - _DELETED_WITHIN).iterator():
        yield Fault(f"drift check {drift_check.id}", "it has ended, and its upload is not deleted.")
    old = kept.filter(ended_at=None, asked_at__lt=Now() - checks.KEPT_AT_MOST - _DELETED_WITHIN)
    for drift_check in old.iterator():
        yield Fault(f"drift check {drift_check.id}", "its upload is there for more than a day.")
