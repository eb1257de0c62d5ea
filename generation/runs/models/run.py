"""A run makes data from a recipe; it knows no buyer and no price. Its shards are what workers make."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.models import Dataset
from generation.runs.models.generator import GeneratorVersion, Runtime
from generation.runs.models.source import Source
from marketplace.accounts.models import Account


class RunQuerySet(models.QuerySet["Run"]):
    def under_way(self) -> RunQuerySet:
        """Runs that have not ended."""
        return self.exclude(state__in=Run.ENDED)


class Run(models.Model):
    """planned → preparing → generating → assembling → assessing → ready | failed | cancelled.

    ``seed`` and ``salt`` are secret until licensed; what anybody may know is the commitment. ``splits`` is what was
    asked ([{"name", "share"}]), ``thresholds`` what must be kept for it to be published ([{"measure", "bound"}]);
    ``plan`` and ``layout`` are what came of it, ``assembled`` the documents that assembling stored
    (``catalog.attachments.Finding`` as JSON); these three are empty until then.
    """

    class State(models.TextChoices):
        PLANNED = "planned", "planned"
        PREPARING = "preparing", "preparing"
        GENERATING = "generating", "making"
        ASSEMBLING = "assembling", "assembling"
        ASSESSING = "assessing", "assessing"
        READY = "ready", "ready"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    ENDED: ClassVar = (State.READY, State.FAILED, State.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="runs")
    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="runs")
    generator = models.ForeignKey(GeneratorVersion, models.PROTECT, related_name="runs")
    parameters = models.JSONField()
    units = models.PositiveBigIntegerField()
    splits = models.JSONField()
    thresholds = models.JSONField(default=list)
    source = models.ForeignKey(Source, models.PROTECT, null=True, related_name="runs")
    licensed_to_owner = models.BooleanField()
    seed = models.BinaryField(max_length=16, unique=True)
    salt = models.BinaryField(max_length=32)
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    prepared = models.UUIDField(null=True, help_text="The attempt at preparing whose state the shards use.")
    layout = models.JSONField(default=dict)
    plan = models.JSONField(default=dict)
    runtime = models.ForeignKey(Runtime, models.PROTECT, null=True, related_name="runs")
    assembled = models.JSONField(default=list)
    fault_owner = models.CharField(max_length=8, blank=True)
    fault_message = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    generating_at = models.DateTimeField(null=True)
    generated_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(units__gt=0), name="run_has_units"),
            models.CheckConstraint(
                condition=models.Q(state__in=["ready", "failed", "cancelled"], ended_at__isnull=False)
                | (~models.Q(state__in=["ready", "failed", "cancelled"]) & models.Q(ended_at__isnull=True)),
                name="ended_run_has_end",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["created_at"],
                condition=~models.Q(state__in=["ready", "failed", "cancelled"]),
                name="run_under_way",
            )
        ]

    def __str__(self) -> str:
        return f"{self.generator} for {self.dataset}"

    @property
    def ended(self) -> bool:
        """Is there nothing left to do?"""
        return self.state in self.ENDED

    @property
    def being_judged(self) -> bool:
        """Is what was made still to be set beside what it was learnt from?"""
        judged = any(finding["kind"] == "quality" for finding in self.assembled)
        return self.state == self.State.ASSESSING and self.source_id is not None and not judged

    @property
    def state_in_use(self) -> models.QuerySet[StateFile]:
        """The files of the state that its shards are made from, by name."""
        files = self.state_files.order_by("name")
        return files.none() if self.prepared is None else files.filter(attempt=self.prepared)


class Shard(models.Model):
    """Whole blocks of one split: one Parquet file a table. It is made when ``files`` is there."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(Run, models.CASCADE, related_name="shards")
    position = models.PositiveIntegerField()
    split = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    of = models.PositiveIntegerField()
    first_block = models.PositiveBigIntegerField()
    blocks = models.PositiveBigIntegerField()
    first_unit = models.PositiveBigIntegerField()
    units = models.PositiveBigIntegerField()
    units_done = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    files = models.JSONField(null=True)
    statistics = models.JSONField(null=True)
    bytes = models.PositiveBigIntegerField(default=0)
    cpu_seconds = models.FloatField(default=0)
    made_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "position"], name="one_shard_a_position")]

    def __str__(self) -> str:
        return f"{self.split} {self.number} of {self.of}"


class StateFile(models.Model):
    """Fitted or shared state of a run: a private blob of the account, kept until its owner deletes it.

    ``attempt`` is the token of the lease under which it was made: two attempts at preparing never share an object. The
    row is there before the object is, so that no object is without one.
    """

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, models.CASCADE, related_name="state_files")
    attempt = models.UUIDField()
    name = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "attempt", "name"], name="one_state_file_a_name")
        ]

    def __str__(self) -> str:
        return self.name


class RunEvent(models.Model):
    """A line of a run's log, for whoever watches it."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, models.CASCADE, related_name="events")
    at = models.DateTimeField(db_default=Now())
    text = models.CharField(max_length=400)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["run", "-at"], name="run_event_by_run")]

    def __str__(self) -> str:
        return self.text
