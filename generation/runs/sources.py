"""Buyers' uploads: received under a private key, parsed in a child without secrets, deleted when they have served.

Nothing of a source's values is kept in the database, in a log or on a worker's disk.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from generation.runner import parse_source
from generation.runs import workplace
from generation.runs.models import Run, Source, SourceFile
from marketplace import storage
from marketplace.accounts.models import Account
from marketplace.work import queue
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease

PARSE = "runs.parse"
_SWEPT_AT_ONCE = 50
#: An upload that lies on our disk is stored within this time, or whoever stored it died.
_RECEIVING = timedelta(hours=1)
_PARSE_MEMORY_MIB = 3072

log = logging.getLogger(__name__)


class SourceRefused(Exception):
    """The upload cannot be taken; the message says why and what to do."""


def receive(account: Account, upload: UploadedFile[Any], *, identifier: str = "") -> Source:
    """Store an upload and have it parsed. ``identifier`` names the column that identifies a person, if any.

    The row comes before the object, so that the sweep finds what a death in between leaves. Raises SourceRefused for an
    empty file, one beyond the limit, and one that took too long to store; nothing is kept then.
    """
    size = upload.size or 0
    if size == 0:
        raise SourceRefused("The file is empty. Choose one with a header line and rows.")
    if size > settings.SOURCE_MAX_BYTES:
        raise SourceRefused(
            f"The file has {size:,} bytes; the limit is {settings.SOURCE_MAX_BYTES:,}. Send a sample of its rows."
        )
    source = Source(
        account=account,
        name=Path(upload.name or "upload").name[:200],
        bytes=size,
        identifier=identifier,
        salt=secrets.token_bytes(32),
    )
    source.key = storage.private_key("sources", source.id, "upload")
    source.save(force_insert=True)
    try:
        storage.put_private_stream(source.key, upload.chunks(), size)
    except Exception:
        # The store may have taken it and its answer been lost: the sweep deletes what is there.
        Source.objects.filter(id=source.id).update(state=Source.State.GONE)
        raise
    with transaction.atomic():
        received = Source.objects.filter(id=source.id, state=Source.State.RECEIVING).update(state=Source.State.UPLOADED)
        if received:
            queue.enqueue(PARSE, source.id)
    if not received:
        storage.delete_private(source.key)
        raise SourceRefused("Storing the file took too long, so it was not kept. Upload it again.")
    source.state = Source.State.UPLOADED
    return source


def parse(lease: Lease) -> None:
    """Perform ``runs.parse``: what was understood of the file, or every fault of it; the raw upload is deleted."""
    source = Source.objects.get(id=lease.subject)
    if source.state != Source.State.UPLOADED:
        return
    with workplace.scratch_folder("upload") as folder, workplace.faults_of_the_runner():
        upload, parsed = folder / "upload", folder / "parsed"
        parsed.mkdir()
        storage.download(source.key, upload)
        answer = parse_source(upload, parsed, scratch=folder, limits=_limits(source))
        lease.check()
        if not answer.get("problems"):
            source.commitment = _commitment(source, upload)
            _store(source, parsed)
    with lease.finishing():
        noted = _note(source, answer)
    if noted:
        storage.delete_private(source.key)
    else:
        _clear(source.id)


def give_up(source_id: UUID, fault: WorkFault) -> None:
    """Record that the file could not be read at all."""
    source = Source.objects.get(id=source_id)
    source.state = Source.State.REFUSED
    source.problems = [
        {
            "field": "file",
            "message": f"The file could not be read: {fault.message}",
            "remedy": "Save it as CSV in UTF-8 with a header line, or as Parquet, and upload it again.",
        }
    ]
    source.save(update_fields=["state", "problems"])
    queue.release(source_id)
    transaction.on_commit(lambda: _delete_objects([source.key, *source.files.values_list("key", flat=True)]))


def delete(source: Source) -> None:
    """Have everything deleted that was uploaded or parsed; what was learnt of its shape stays. Called in a transaction.

    Nothing can be made from the source once the transaction is committed; the objects go then, or in the next sweep.
    """
    Source.objects.filter(id=source.id).update(state=Source.State.GONE)
    transaction.on_commit(lambda: _clear(source.id), robust=True)


def delete_stale() -> None:
    """Delete uploads that were never received whole, that nobody ordered with for a week, or that are half deleted.

    Runs under way keep theirs. Files of a deleted source are those of a worker that was too slow to hear of it.
    """
    unreceived = Q(state=Source.State.RECEIVING, uploaded_at__lt=Now() - _RECEIVING)
    old = Q(uploaded_at__lt=Now() - timedelta(days=settings.SOURCE_KEPT_DAYS)) & ~Q(state=Source.State.GONE)
    stale = Source.objects.filter(unreceived | old).exclude(runs__in=Run.objects.under_way())
    for source_id in stale.values_list("id", flat=True)[:_SWEPT_AT_ONCE]:
        with transaction.atomic():
            # Whoever plans a run with it holds this lock, so the question comes after it.
            source = Source.objects.select_for_update(no_key=True).get(id=source_id)
            if stale.filter(id=source_id).exists():
                delete(source)
    half_deleted = Source.objects.filter(~Q(key="") | Q(files__isnull=False), state=Source.State.GONE).distinct()
    for source_id in half_deleted.values_list("id", flat=True)[:_SWEPT_AT_ONCE]:
        _clear(source_id)


def _limits(source: Source) -> dict[str, Any]:
    return {
        "decoded_bytes": settings.SOURCE_MAX_BYTES,
        "memory_mib": _PARSE_MEMORY_MIB,
        "identifier": source.identifier or None,
        "holdout_key": hashlib.sha256(b"lookalike/holdout/v1\0" + bytes(source.salt)).hexdigest(),
    }


def _commitment(source: Source, upload: Path) -> str:
    """A salted digest of the upload: its owner, who has file and salt, can show what was used; nobody else can."""
    with upload.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").digest()
    return "sha256:" + hashlib.sha256(b"lookalike/source/v1\0" + bytes(source.salt) + digest).hexdigest()


def _store(source: Source, parsed: Path) -> None:
    """Store the parsed files, each row before its object."""
    for path in sorted(path for path in parsed.rglob("*") if path.is_file()):
        name = path.relative_to(parsed).as_posix()
        key = storage.private_key("sources", source.id, name.replace("/", "."))
        SourceFile.objects.update_or_create(source=source, name=name, defaults={"key": key})
        storage.put_private(key, path)


def _note(source: Source, answer: dict[str, Any]) -> bool:
    """Record what came of the upload; ``False`` if it was deleted meanwhile."""
    if not Source.objects.select_for_update(no_key=True).filter(id=source.id, state=Source.State.UPLOADED).exists():
        return False
    if answer.get("problems"):
        source.state, source.problems = Source.State.REFUSED, answer["problems"]
    else:
        source.state, source.facts = Source.State.UNDERSTOOD, answer
    source.save(update_fields=["state", "problems", "facts", "commitment"])
    queue.release(source.id)
    return True


def _clear(source_id: UUID) -> None:
    source = Source.objects.get(id=source_id)
    _delete_objects([source.key, *source.files.values_list("key", flat=True)])
    with transaction.atomic():
        SourceFile.objects.filter(source=source).delete()
        Source.objects.filter(id=source_id).update(key="")


def _delete_objects(keys: Iterable[str]) -> None:
    for key in filter(None, keys):
        storage.delete_private(key)
