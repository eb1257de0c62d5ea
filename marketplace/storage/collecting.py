"""Collecting blobs to which nobody refers: mark and sweep by pages, with a day's grace.

A page of names is listed; those that are old enough are shown to every part (``references``); what none refers to is
looked at once more, alone under its lock, and deleted. Private objects are not touched.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from marketplace.storage import references
from marketplace.storage.blobs import GRACE, PREFIX, Blob, blob_key, locked, stored, stores_clock
from marketplace.storage.client import client, translated
from marketplace.storage.models import Collection
from marketplace.work import queue
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease

#: The kind of work that does one page of a pass.
COLLECT: Final = "storage.collect"
_PAGE = 1000  # keys; as many as the store lists at once
_EVERY = timedelta(days=1)


@dataclass(frozen=True)
class Page:
    """What the store lists at once: so many names, the last of them, and the blobs that are past their grace."""

    looked_at: int
    last: str
    more: bool
    old: tuple[Blob, ...]


def page(after: str = "", *, grace: timedelta = GRACE, size: int = _PAGE) -> Page:
    """List the blobs whose keys come after ``after``. Names that are no blob's are passed over."""
    with translated(PREFIX):
        answer = client().list_objects_v2(Bucket=settings.S3_BUCKET, Prefix=PREFIX, StartAfter=after, MaxKeys=size)
    found = answer.get("Contents", [])
    before = stores_clock(answer) - grace
    old = [one for one in found if one["LastModified"] <= before]
    blobs = [Blob(one["Key"].rpartition("/")[2], one["Size"]) for one in old]
    named = tuple(blob for blob, one in zip(blobs, old, strict=True) if _is_named(blob, one["Key"]))
    return Page(len(found), found[-1]["Key"] if found else after, answer["IsTruncated"], named)


def unreferenced(of: Page) -> list[Blob]:
    """The blobs of a page that are past their grace and to which nobody refers."""
    referenced = references.among({blob.sha256 for blob in of.old}) if of.old else set()
    return [blob for blob in of.old if blob.sha256 not in referenced]


def collect(blob: Blob, *, grace: timedelta = GRACE) -> bool:
    """Delete a blob unless it became young, or somebody refers to it, since it was listed. Was it deleted?"""
    with locked(blob.sha256, shared=False):
        found = stored(blob.key)
        if found is None or found.age < grace or references.among({blob.sha256}):
            return False
        with translated(blob.key):
            client().delete_object(Bucket=settings.S3_BUCKET, Key=blob.key)
        return True


def pages(*, grace: timedelta = GRACE) -> Iterator[Page]:
    """All pages, one after the other."""
    found = page(grace=grace)
    yield found
    while found.more:
        found = page(found.last, grace=grace)
        yield found


def digests() -> Iterator[str]:
    """The digests by which all blobs are named."""
    for found in pages(grace=timedelta(0)):
        yield from (blob.sha256 for blob in found.old)


def sample(size: int) -> Iterator[str]:
    """Digests of at most ``size`` blobs, each the first after a name drawn at random."""
    seen: set[str] = set()
    for _ in range(4 * size):
        drawn = secrets.token_hex(32)
        found = page(blob_key(drawn), grace=timedelta(0), size=1)
        found = found if found.old else page(grace=timedelta(0), size=1)
        new = {blob.sha256 for blob in found.old} - seen
        yield from new
        seen |= new
        if len(seen) == size:
            return


def perform(lease: Lease) -> None:
    """Perform ``storage.collect``: one page of a pass; the next page is another piece."""
    of = Collection.objects.get(id=lease.subject)
    if of.ended_at is not None:
        return
    found = page(of.after)
    deleted = []
    for blob in unreferenced(found):
        lease.check()
        if collect(blob):
            deleted.append(blob)
    with lease.finishing():
        Collection.objects.filter(id=of.id).update(
            after=found.last,
            looked_at=F("looked_at") + found.looked_at,
            collected=F("collected") + len(deleted),
            bytes=F("bytes") + sum(blob.size for blob in deleted),
            ended_at=None if found.more else Now(),
        )
        if found.more:
            queue.enqueue(COLLECT, of.id)


def give_up(collection: UUID, fault: WorkFault) -> None:
    """End a pass that failed; another begins a day after it began."""
    Collection.objects.filter(id=collection, ended_at=None).update(ended_at=Now())


def begin_when_due() -> None:
    """Begin a pass when the last one began a day ago. Called by every sweep."""
    with transaction.atomic():
        if not Collection.objects.filter(started_at__gt=Now() - _EVERY).exists():
            queue.enqueue(COLLECT, Collection.objects.create().id)


def _is_named(blob: Blob, key: str) -> bool:
    try:
        return blob_key(blob.sha256) == key
    except ValueError:
        return False
