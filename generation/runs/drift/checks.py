"""A licence holder's own table beside a version: received, compared by a child without secrets, deleted with a receipt.

Nothing of its rows is kept: the report tells figures, and distributions in bins and levels of ten rows or more. A
sketch brings no row at all.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from catalog import difference
from catalog.manifests import MadeFile
from catalog.models import Version
from catalog.rows.parquet import RangedBlob
from catalog.shapes import Drifted
from generation.quality.judge.drift import reading
from generation.runner import drift_of_upload, parse_source, rows_judged
from generation.runs import judging, workplace
from generation.runs.drift import receipts, versions
from generation.runs.models import DriftCheck
from marketplace import storage
from marketplace.accounts.models import Account
from marketplace.web.problems import Fault
from marketplace.work import queue
from marketplace.work.faults import PlatformFault, WorkFault
from marketplace.work.leases import Lease
from marketplace.work.models import coming

#: The kinds of work that compare, and that delete what was uploaded.
COMPARE: Final = "runs.drift_check"
DELETE: Final = "runs.drift_check_upload"

MOST_UNDER_WAY: Final = 3
MOST_A_DAY: Final = 50
#: An upload that has not been compared by then is deleted all the same.
KEPT_AT_MOST: Final = timedelta(days=1)
_RECEIVING = timedelta(hours=1)
_SWEPT_AT_ONCE = 50
_PARSE_MEMORY_MIB = 3072
_LEAST_MEMORY_MIB = 1536
_BYTES_A_CELL = 120
_LEAST_SECONDS = 900
_CELLS_A_SECOND = 5_000
_NO_FAULT = {"fault_owner": "", "fault_message": ""}


class CheckRefused(Exception):
    """The check cannot be made; ``faults`` say why and what to do. Nothing is kept."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(" ".join(fault.message for fault in self.faults))


class TooMany(CheckRefused):
    """The account has as many checks under way, or made as many today, as it may."""


@dataclass(frozen=True)
class Asked:
    """What a table is set beside: a version, its configuration, and the column that a model is to predict, if any."""

    version: Version
    table: str
    target: str = ""

    def faults(self) -> Iterator[Fault]:
        """What is wrong with it."""
        tables = {table["name"]: table["schema"] for table in self.version.layout["tables"]}
        if self.table not in tables:
            yield Fault("table", f"“{self.table[:40]}” is no configuration of it.", f"Use {', '.join(tables)}.")
        elif self.target and self.target not in {column["name"] for column in tables[self.table]}:
            message = f"“{self.target[:40]}” is no column of {self.table}."
            yield Fault("target", message, "Name a column that the version has, or none.")


def receive(
    account: Account, asked: Asked, *, name: str, size: int, chunks: Iterable[bytes], faults: Iterable[Fault] = ()
) -> DriftCheck:
    """Store an upload of ``size`` bytes and have it compared; ``faults`` are those found before. Raises CheckRefused.

    The row comes before the object, so that the sweep finds what a death in between leaves.
    """
    found = [*faults, *asked.faults(), *_size_faults(size)]
    if found:
        raise CheckRefused(found)
    check = _begun(account, asked, DriftCheck.Kind.TABLE, name=name, size=size)
    digest = hashlib.sha256()
    try:
        storage.put_private_stream(check.key, _hashed(chunks, digest), size)
    except Exception:
        # The store may have taken it and its answer been lost.
        end(check.id, DriftCheck.State.FAILED, fault_owner="platform", fault_message="Storing the file failed.")
        raise
    with transaction.atomic():
        stored = DriftCheck.objects.filter(id=check.id)
        stored.update(sha256=digest.hexdigest())
        if stored.filter(state=DriftCheck.State.RECEIVING).update(state=DriftCheck.State.ASKED):
            queue.enqueue(COMPARE, check.id)
        else:
            # It took so long that it was ended and deleted meanwhile: what is stored now goes, too.
            stored.update(key=check.key, deleted_at=None, receipt="")
            queue.enqueue(DELETE, check.id)
    check.refresh_from_db()
    return check


def describe(account: Account, asked: Asked, *, name: str, text: bytes, faults: Iterable[Fault] = ()) -> DriftCheck:
    """Have a sketch compared with the statistics of the version. Raises CheckRefused with all that is wrong."""
    found, sketch = [*faults, *asked.faults()], None
    try:
        sketch = reading.read(text)
    except reading.Refused as refused:
        found += [Fault(f"sketch.{one.field}".rstrip("."), one.message, one.remedy, one.code) for one in refused.faults]
    if difference.statistics(asked.version) is None:
        found.append(Fault("", f"There are no statistics of {asked.version}.", "Upload your table instead."))
    if found:
        raise CheckRefused(found)
    digest = hashlib.sha256(text).hexdigest()
    return _begun(account, asked, DriftCheck.Kind.SKETCH, name=name, size=len(text), sketch=sketch, sha256=digest)


def compare(lease: Lease) -> None:
    """Perform ``runs.drift_check``: the report, or every fault of the file; then the upload is deleted."""
    check = DriftCheck.objects.select_related("version__dataset__account").get(id=lease.subject)
    if check.state != DriftCheck.State.ASKED:
        return
    told = _compared_sketch(check) if check.kind == DriftCheck.Kind.SKETCH else _compared_table(check, lease)
    with lease.finishing():
        if "problems" in told:
            end(check.id, DriftCheck.State.REFUSED, problems=told["problems"])
        else:
            end(check.id, DriftCheck.State.READY, report=told)


def give_up(check_id: UUID, fault: WorkFault) -> None:
    """Record why there is no report; the upload is deleted all the same."""
    end(check_id, DriftCheck.State.FAILED, fault_owner=fault.owner, fault_message=fault.message)


def end(check_id: UUID, state: str, **told: Any) -> None:
    """End a check that is under way, and have its upload deleted. One that has ended stays as it is."""
    with transaction.atomic():
        found = DriftCheck.objects.select_for_update(no_key=True).under_way().filter(id=check_id).first()
        if found is None:
            return
        DriftCheck.objects.filter(id=check_id).update(
            state=state, doing="", sketch=None, ended_at=Now(), **{**_NO_FAULT, **told}
        )
        if found.key:
            queue.enqueue(DELETE, check_id)


def forget(check: DriftCheck) -> None:
    """Delete the report and what else is kept of a check, its upload first; its receipt stays."""
    with transaction.atomic():
        end(check.id, DriftCheck.State.GONE)
        DriftCheck.objects.filter(id=check.id).update(
            state=DriftCheck.State.GONE, report=None, sketch=None, problems=[], name="", target="", **_NO_FAULT
        )
        queue.cancel([check.id], COMPARE)


def delete(lease: Lease) -> None:
    """Perform ``runs.drift_check_upload``: delete the upload, see that it is gone, and sign that it is."""
    check = DriftCheck.objects.get(id=lease.subject)
    if not check.key or check.under_way:
        return
    storage.delete_private(check.key)
    if storage.stored(check.key) is not None:
        raise PlatformFault("The upload is still in the object store after it was deleted.", again=True)
    with lease.finishing():
        check = DriftCheck.objects.select_for_update(no_key=True).get(id=check.id)
        if check.deleted_at is None:
            moment = DriftCheck.objects.filter(id=check.id).values_list(Now(), flat=True)
            check.deleted_at, check.key = moment.get(), ""
            check.receipt = receipts.sign(check)
            check.save(update_fields=["deleted_at", "key", "receipt"])


def stays_for_the_sweep(check_id: UUID, fault: WorkFault) -> None:
    """Nothing to record: the sweep asks again, and the doctor tells of what is there for too long."""


def tidy() -> None:
    """End what was never received whole or waited too long, and ask again for uploads that nobody deleted."""
    unreceived = Q(state=DriftCheck.State.RECEIVING, asked_at__lt=Now() - _RECEIVING)
    late = unreceived | Q(state=DriftCheck.State.ASKED, asked_at__lt=Now() - KEPT_AT_MOST)
    for check_id in DriftCheck.objects.filter(late).values_list("id", flat=True)[:_SWEPT_AT_ONCE]:
        with transaction.atomic():
            message = "It was not compared in time, so it was deleted. Send it again."
            end(check_id, DriftCheck.State.FAILED, fault_owner="platform", fault_message=message)
            queue.cancel([check_id], COMPARE)
    left = DriftCheck.objects.ended().filter(~coming(DELETE)).exclude(key="")
    for check_id in left.values_list("id", flat=True)[:_SWEPT_AT_ONCE]:
        with transaction.atomic():
            queue.enqueue(DELETE, check_id)


def _begun(
    account: Account, asked: Asked, kind: str, *, name: str, size: int, sketch: Any = None, sha256: str = ""
) -> DriftCheck:
    """The new row, once the account may have one more; a sketch is asked for at once."""
    with transaction.atomic():
        Account.objects.select_for_update(no_key=True).get(id=account.id)
        _count(account)
        check = DriftCheck(
            account=account,
            version=asked.version,
            kind=kind,
            table=asked.table,
            target=asked.target,
            name=Path(name or kind).name[:200].replace("\0", ""),
            bytes=size,
            sha256=sha256,
            sketch=sketch,
            state=DriftCheck.State.RECEIVING if sketch is None else DriftCheck.State.ASKED,
        )
        if sketch is None:
            check.key = storage.private_key("drift", check.id, "upload")
        check.save(force_insert=True)
        if sketch is not None:
            queue.enqueue(COMPARE, check.id)
    return check


def _count(account: Account) -> None:
    """Raise TooMany when the account may not have one more check."""
    own = DriftCheck.objects.filter(account=account)
    if own.under_way().count() >= MOST_UNDER_WAY:
        message = f"{MOST_UNDER_WAY} comparisons of this account are under way already."
        raise TooMany([Fault("", message, "Wait until one of them has ended.", "limit")])
    if own.filter(asked_at__gt=Now() - timedelta(days=1)).count() >= MOST_A_DAY:
        message = f"This account has made {MOST_A_DAY} comparisons within a day."
        raise TooMany([Fault("", message, "Go on tomorrow.", "limit")])


def _size_faults(size: int) -> Iterator[Fault]:
    if size == 0:
        yield Fault("file", "The file is empty.", "Choose one with a header line and rows.", "required")
    if size > settings.SOURCE_MAX_BYTES:
        message = f"The file has {size:,} bytes; the limit is {settings.SOURCE_MAX_BYTES:,}."
        yield Fault("file", message, "Send a sample of its rows, or a sketch.", "maximum")


def _hashed(chunks: Iterable[bytes], digest: Any) -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def _compared_sketch(check: DriftCheck) -> dict[str, Any]:
    counted = difference.statistics(check.version)
    if counted is None or check.table not in counted["tables"]:
        raise PlatformFault("The statistics of this version are gone.")
    return _checked(versions.compare({check.table: (counted["tables"][check.table], check.sketch)}))


def _compared_table(check: DriftCheck, lease: Lease) -> dict[str, Any]:
    """The report, or ``problems`` of the file. Whatever happens, nothing stays on this machine's disk."""
    tell = _Teller(check.id, lease)
    with workplace.scratch_folder("check") as folder, workplace.faults_of_the_runner():
        upload, parsed, made = folder / "upload", folder / "parsed", folder / "made.parquet"
        parsed.mkdir()
        storage.download(check.key, upload)
        tell(0.0, "Reading your table")
        answer = parse_source(upload, parsed, scratch=folder, limits=_parse_limits(), on_progress=lease.check)
        if answer.get("problems"):
            return {"problems": answer["problems"]}
        upload.unlink()
        files = _files(check)
        columns = _flat(files[0]) if files else []
        if not columns:
            message = f"{check.table} of this version has no rows of columns that can be compared."
            return {"problems": [{"field": "table", "message": message, "remedy": "Choose another configuration."}]}
        judging.store_rows(files, made, rows_judged(len(columns)), lease, columns)
        width = max(len(columns), *(len(table["columns"]) for table in answer["tables"].values()))
        return _checked(
            drift_of_upload(
                parsed,
                made,
                scratch=folder,
                table=check.table,
                target=check.target or None,
                seed=hashlib.sha256(f"{check.version.digest} {check.sha256}".encode()).hexdigest(),
                limits=_limits(2 * width * rows_judged(width)),
                on_progress=tell,
            )
        )


def _checked(report: dict[str, Any]) -> dict[str, Any]:
    """The report, once its shape is right."""
    Drifted.model_validate(report)
    return report


class _Teller:
    """Writes what is being done where the page looks, each once."""

    def __init__(self, check_id: UUID, lease: Lease) -> None:
        self._check = DriftCheck.objects.filter(id=check_id, state=DriftCheck.State.ASKED)
        self._lease = lease
        self._last = ""

    def __call__(self, share: float, what: str) -> None:
        self._lease.check()
        if what != self._last:
            self._last = what
            self._check.update(doing=what)


def _files(check: DriftCheck) -> list[MadeFile]:
    return [
        MadeFile(file.path, file.config, file.split, file.sample, file.rows, file.bytes, file.sha256)
        for file in check.version.files.filter(config=check.table, rows__gt=0).order_by("path")
    ]


def _flat(file: MadeFile) -> list[str]:
    """The columns that hold one value a row: nobody needs pictures or lists here."""
    with pq.ParquetFile(pa.PythonFile(RangedBlob(file.sha256, file.bytes), mode="r")) as parquet:
        is_ = pa.types
        return [
            field.name for field in parquet.schema_arrow if not (is_.is_nested(field.type) or is_.is_binary(field.type))
        ]


def _parse_limits() -> Mapping[str, Any]:
    return {
        "decoded_bytes": settings.SOURCE_MAX_BYTES,
        "memory_mib": _PARSE_MEMORY_MIB,
        "holdout_key": secrets.token_hex(32),
        "holdout_share": 0.0,
    }


def _limits(cells: int) -> dict[str, Any]:
    """Memory and time by the cells that are looked at."""
    return {
        "memory_mib": _LEAST_MEMORY_MIB + (cells * _BYTES_A_CELL >> 20),
        "seconds": _LEAST_SECONDS + cells / _CELLS_A_SECOND,
    }
