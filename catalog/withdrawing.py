"""Withdrawing a version for a leak or a court: its bytes are destroyed, its digests and a tombstone remain.

The row says so at once, and from then on nothing of it is handed out; destroying is work that is done again until it
succeeded. Blobs are content-addressed: one that another version holds stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from django.db import transaction

from catalog import attachments, publishing
from catalog.models import Attachment, Dataset, File, Licence, Listing, PreviewPicture, ShelfState, Version
from catalog.rows import parquet
from marketplace import storage
from marketplace.accounts.models import Account
from marketplace.work import queue
from marketplace.work.leases import Lease

#: The kind of work that destroys the bytes, and that which looks again when nobody can be storing them any more.
DESTROY: Final = "catalog.destroy"
DESTROY_AGAIN: Final = "catalog.destroy_again"
KINDS: Final = (DESTROY, DESTROY_AGAIN)
_LOOKED_AT_AGAIN = timedelta(minutes=2)
#: Documents that say nothing of any value in the data: who made it, from what, and that it came out the same.
KEPT = frozenset({"attestation", "replay"})


def withdraw(version: Version, reason: str) -> None:
    """Take ``version`` away from everybody, for good. Raises ValueError without a reason, or when it is withdrawn."""
    with transaction.atomic():
        publishing.withdraw(version, reason.strip())
        queue.cancel([version.id], *attachments.work_at_publishing())
        _compare_anew(version)
        queue.enqueue(DESTROY, version.id)
        queue.enqueue(DESTROY_AGAIN, version.id, delay=_LOOKED_AT_AGAIN)


def destroy(lease: Lease) -> None:
    """Perform ``catalog.destroy``: delete seed, files, documents and pictures that no other version holds."""
    version = Version.objects.select_related("shelf", "disclosure").get(id=lease.subject)
    if version.shelf.state != ShelfState.State.WITHDRAWN:
        return
    storage.delete_private(version.disclosure.key)
    for sha256 in _held_by_nobody_else(_digests(version)):
        lease.check()
        storage.delete_blob(sha256)
        attachments.forget(sha256)
        parquet.forget(sha256)


def tombstone(account: Account | None, dataset: Dataset, number: str | None) -> Version | None:
    """The withdrawn version ``number`` of ``dataset`` (else the newest), for whoever could look at it before."""
    withdrawn = dataset.versions.filter(shelf__state=ShelfState.State.WITHDRAWN).select_related("shelf")
    version = next((one for one in withdrawn.newest_first() if number in {None, one.number}), None)
    if version is None:
        return None
    listed = Listing.objects.filter(dataset=dataset, state__in=[Listing.State.ON_SHELF, Listing.State.CLOSED])
    holds = account is not None and Licence.objects.filter(account=account).covering(version).exists()
    return version if holds or listed.exists() else None


def left_of(version: Version) -> Iterator[str]:
    """What the object store still holds of a withdrawn version, in words."""
    if storage.stored(version.disclosure.key) is not None:
        yield "its seed"
    for sha256 in _held_by_nobody_else(_digests(version)):
        if storage.stored(storage.blob_key(sha256)) is not None:
            yield f"the blob {sha256}"


def _compare_anew(version: Version) -> None:
    """What compares the next version with this one tells figures of it: it goes, and is made against the one before."""
    later = version.dataset.versions.readable().since(version).exclude(id=version.id)
    following = later.order_by("major", "minor", "patch").first()
    if following is not None:
        for kind in attachments.of_two():
            Attachment.objects.filter(version=following, kind=kind.name).delete()
            queue.enqueue(kind.work, following.id)


def _digests(version: Version) -> Iterator[str]:
    yield from File.objects.filter(version=version).values_list("sha256", flat=True).iterator()
    documents = Attachment.objects.filter(version=version).exclude(kind__in=KEPT)
    yield from documents.values_list("sha256", flat=True)
    yield from PreviewPicture.objects.filter(version=version).values_list("sha256", flat=True)


def _held_by_nobody_else(digests: Iterable[str]) -> list[str]:
    """Those of ``digests`` that no version whose bytes exist refers to."""
    mine = set(digests)
    readable = Version.objects.readable()
    for model in (File, Attachment, PreviewPicture):
        if mine:
            held = model.objects.filter(version__in=readable, sha256__in=mine)
            mine -= set(held.values_list("sha256", flat=True))
    return sorted(mine)
