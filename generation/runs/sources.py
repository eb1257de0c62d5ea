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
_PARSE_MEMORY_MIB = 3072

log = logging.getLogger(__name__)


class SourceRefused(Exception):
    """The upload cannot be taken; the message says why and what to do."""


def receive(account: Account, upload: UploadedFile[Any], *, identifier: str = "") -> Source:
    """Store an upload and have it parsed. ``identifier`` names the column that identifies a person, if any.

    Raises SourceRefused for an empty file and one beyond the limit; nothing is kept then. The row comes before the
    object, so that a process that dies in between leaves nothing that is not known and deleted in time.
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
        source.delete()
        raise
    with transaction.atomic():
        queue.enqueue(PARSE, source.id)
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
        delete(source)


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
    """Delete everything that was uploaded or parsed; what was learnt of its shape stays."""
    keys = [source.key, *source.files.values_list("key", flat=True)]
    _delete_objects(keys)
    with transaction.atomic():
        SourceFile.objects.filter(source=source).delete()
        Source.objects.filter(id=source.id).update(state=Source.State.GONE)


def delete_stale() -> None:
    """Delete sources that nobody ordered anything with for a week; runs under way keep theirs.

    Files of a deleted source are those of a worker that was too slow to hear of it.
    """
    for source in Source.objects.filter(state=Source.State.GONE, files__isnull=False).distinct()[:_SWEPT_AT_ONCE]:
        delete(source)
    stale = Source.objects.exclude(state=Source.State.GONE).filter(
        uploaded_at__lt=Now() - timedelta(days=settings.SOURCE_KEPT_DAYS)
    )
    for source in stale.exclude(runs__in=Run.objects.under_way())[:_SWEPT_AT_ONCE]:
        delete(source)


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
    for path in sorted(path for path in parsed.rglob("*") if path.is_file()):
        name = path.relative_to(parsed).as_posix()
        key = storage.private_key("sources", source.id, name.replace("/", "."))
        # The row comes first: what is in the store is known, and deleted in time, whenever this process dies.
        SourceFile.objects.update_or_create(source=source, name=name, defaults={"key": key})
        storage.put_private(key, path)


def _note(source: Source, answer: dict[str, Any]) -> bool:
    """Record what came of the upload; ``False`` if it was deleted meanwhile."""
    if not Source.objects.select_for_update().filter(id=source.id, state=Source.State.UPLOADED).exists():
        return False
    if answer.get("problems"):
        source.state, source.problems = Source.State.REFUSED, answer["problems"]
    else:
        source.state, source.facts = Source.State.UNDERSTOOD, answer
    source.save(update_fields=["state", "problems", "facts", "commitment"])
    queue.release(source.id)
    return True


def _delete_objects(keys: Iterable[str]) -> None:
    for key in filter(None, keys):
        storage.delete_private(key)
