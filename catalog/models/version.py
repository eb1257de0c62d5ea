"""One immutable state of a dataset: the version, its files, its manifest; and beside them what may change."""

from __future__ import annotations

import re
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.models.dataset import Dataset
from catalog.models.immutable import complete, immutable
from catalog.models.keeping import KEPT, never_where_others_are

_PART = "(0|[1-9][0-9]{0,8})"
_NUMBER = re.compile(rf"{_PART}\.{_PART}\.{_PART}")


class VersionQuerySet(models.QuerySet["Version"]):
    def readable(self) -> VersionQuerySet:
        """Versions whose bytes still exist."""
        return self.exclude(shelf__state=ShelfState.State.WITHDRAWN)

    def on_shelf(self) -> VersionQuerySet:
        """Versions that new buyers may have."""
        return self.filter(shelf__state=ShelfState.State.ON_SHELF)

    def numbered(self, number: str) -> VersionQuerySet:
        """The versions called ``number``, in the one way that it is written (``1.2.0``); none for any other text."""
        found = _NUMBER.fullmatch(number)
        if found is None:
            return self.none()
        major, minor, patch = map(int, found.groups())
        return self.filter(major=major, minor=minor, patch=patch)

    def since(self, version: Version) -> VersionQuerySet:
        """``version`` and the later ones of its dataset."""
        later = models.Q(major__gt=version.major) | models.Q(major=version.major, minor__gt=version.minor)
        later |= models.Q(major=version.major, minor=version.minor, patch__gte=version.patch)
        return self.filter(later, dataset_id=version.dataset_id)

    def newest_first(self) -> VersionQuerySet:
        """By version number, the highest first."""
        return self.order_by("-major", "-minor", "-patch")

    def keeping_rows(self) -> VersionQuerySet:
        """Versions that hold rows of their owner's upload."""
        return self.filter(KEPT)

    def newest_of_each_dataset(self) -> VersionQuerySet:
        """One version a dataset, that with the highest number."""
        return self.order_by("dataset_id", "-major", "-minor", "-patch").distinct("dataset_id")


class Version(models.Model):
    """One state of a dataset, named by the digest of its manifest. The database refuses to change it.

    ``run`` is the run that made it (no foreign key: the catalogue does not know runs); ``recipe`` and ``layout`` are
    the JSON snapshots that the manifest holds too. ``measures`` are the figures of its quality report that shelves show
    (``catalog.quality.measures``); empty where nothing was learnt from a source.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="versions")
    major = models.PositiveIntegerField()
    minor = models.PositiveIntegerField()
    patch = models.PositiveIntegerField()
    run = models.UUIDField(unique=True)
    digest = models.CharField(max_length=64, db_index=True)
    recipe = models.JSONField()
    layout = models.JSONField()
    measures = models.JSONField(default=dict)
    units = models.PositiveBigIntegerField()
    rows = models.PositiveBigIntegerField()
    bytes = models.PositiveBigIntegerField()
    published_at = models.DateTimeField(db_default=Now())

    objects = VersionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dataset", "major", "minor", "patch"], name="one_version_a_number"),
            models.CheckConstraint(condition=models.Q(digest__regex=r"^[0-9a-f]{64}$"), name="version_digest_form"),
        ]
        indexes: ClassVar = [models.Index(fields=["dataset"], condition=KEPT, name="version_keeping_rows")]
        triggers: ClassVar = [*immutable(), never_where_others_are()]

    def __str__(self) -> str:
        return f"{self.dataset} {self.number}"

    @property
    def number(self) -> str:
        """The version number as people write it."""
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def keeps_rows(self) -> bool:
        """Does it hold rows of its owner's upload? Then it never leaves its owner: see ``catalog.keeping``."""
        return bool(self.recipe["source"].get("kept"))

    @property
    def commit(self) -> str:
        """The 40 digits by which clients of the hub protocol know the version."""
        return self.digest[:40]


class FileQuerySet(models.QuerySet["File"]):
    def of_split(self, config: str, split: str) -> FileQuerySet:
        """The files of one split of a configuration, in the order of their rows."""
        return self.filter(config=config, split=split).order_by("first_row", "id")


class File(models.Model):
    """One Parquet file of a version. ``sample`` marks the first file of a split: anyone may look at it on the shelf."""

    id = models.BigAutoField(primary_key=True)
    version = models.ForeignKey(Version, models.PROTECT, related_name="files")
    path = models.CharField(max_length=300)
    config = models.CharField(max_length=80)
    split = models.CharField(max_length=40)
    sample = models.BooleanField()
    rows = models.PositiveBigIntegerField()
    #: How many rows of its split lie in the files before it, so that any row is found by one look-up.
    first_row = models.PositiveBigIntegerField(default=0)
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)

    objects = FileQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "path"], name="one_file_a_path"),
            models.CheckConstraint(condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$"), name="file_digest_form"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["sha256"], name="file_by_digest"),
            models.Index(fields=["version", "config", "split", "first_row"], name="file_by_rows"),
        ]
        triggers: ClassVar = [*immutable(), complete()]

    def __str__(self) -> str:
        return self.path


class Manifest(models.Model):
    """The very bytes whose SHA-256 names the version (RFC 8785). Once it is there, no file can be added."""

    version = models.OneToOneField(Version, models.PROTECT, primary_key=True, related_name="manifest")
    body = models.BinaryField()

    class Meta:
        triggers: ClassVar = immutable()

    def __str__(self) -> str:
        return f"manifest of {self.version_id}"


class ShelfState(models.Model):
    """Where a version stands on the shelf; the one thing about it that changes."""

    class State(models.TextChoices):
        ON_SHELF = "on_shelf", "on shelf"
        YANKED = "yanked", "yanked"
        WITHDRAWN = "withdrawn", "withdrawn"

    version = models.OneToOneField(Version, models.PROTECT, primary_key=True, related_name="shelf")
    state = models.CharField(max_length=9, choices=State, default=State.ON_SHELF)
    reason = models.TextField(blank=True)
    changed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.get_state_display()


class Disclosure(models.Model):
    """The private object with seed and salt, for whoever may have the version."""

    version = models.OneToOneField(Version, models.PROTECT, primary_key=True, related_name="disclosure")
    key = models.CharField(max_length=200)
    bytes = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"disclosure of {self.version_id}"
