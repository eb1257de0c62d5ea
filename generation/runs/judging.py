"""The judge's step of a run that learnt from a source: made rows, against those learnt from and those withheld.

What is looked at is bounded: up to sixteen shards, evenly spread, and of each its first rows. Every row is made alike,
so these stand for all; a report on a hundred million rows costs what one on a hundred thousand does. Rows of the source
that were kept are not judged: they are what the others are compared with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings

from catalog import attachments
from catalog.manifests import MadeFile
from catalog.models import File
from catalog.rows.parquet import RangedBlob
from generation.runner import judge_made, rows_judged
from generation.runs import lifecycle, recipes, workplace
from generation.runs.documents import dumps
from generation.runs.models import Run
from marketplace import storage
from marketplace.work import queue
from marketplace.work.faults import SellerFault
from marketplace.work.leases import Lease

_SHARDS = 16
_SIDES = 3  # learnt from, withheld, made
_LEAST_MEMORY_MIB = 1536
_BYTES_A_CELL = 120
_LEAST_SECONDS = 900
_CELLS_A_SECOND = 5_000


def judge(lease: Lease) -> None:
    """Perform ``runs.judge``: the report becomes a blob that publishing attaches, or the run ends and says why.

    What must not be published, such as copies of the rows learnt from, is the fault of whoever owns the generator.
    """
    run = Run.objects.select_related("generator__generator__account", "source").get(id=lease.subject)
    if not run.being_judged:
        return
    document = report(run, lease)
    if refused := [table["refused"] for table in document["tables"].values() if table["refused"]]:
        raise SellerFault(" ".join(refused))
    findings = [attachments.store("quality", dumps(document))] if document["tables"] else []
    with lease.finishing():
        run = Run.objects.select_for_update(no_key=True).get(id=run.id)
        run.assembled = [*run.assembled, *(asdict(finding) for finding in findings)]
        run.save(update_fields=["assembled"])
        lifecycle.tell(run.id, "Judged." if findings else _why_not(run))
        queue.enqueue(lifecycle.ASSESS, run.id)


def report(run: Run, lease: Lease) -> dict[str, Any]:
    """The document ``lookalike/quality/1``; the same run gives the same bytes, whoever writes it and when."""
    with (
        workplace.source_folder(run.source, holdout=True) as source,
        workplace.scratch_folder("made") as made,
        workplace.faults_of_the_runner(),
    ):
        if source is None or run.source is None or run.source.facts is None:
            raise ValueError(f"{run} learnt from no source")
        tables = [table for table in run.layout["tables"] if table["name"] in run.source.facts["tables"]]
        files = recipes.files(run)
        for table in tables:
            of_table = [file for file in files if file.config == table["name"]]
            wanted, path = rows_judged(len(table["schema"])), made / f"{table['name']}.parquet"
            store_rows(of_table, path, wanted, lease, kept=table.get("kept", 0))
        return judge_made(
            source,
            made,
            scratch=settings.SCRATCH_DIR,
            asked=_asked(run) | {"like": {table["name"]: table.get("like", []) for table in tables}},
            seed=recipes.manifest(run).digest,
            limits=_limits(tables),
            on_progress=_teller(run, lease),
        )


def store_rows(
    files: Iterable[MadeFile | File],
    path: Path,
    rows: int,
    lease: Lease,
    columns: Sequence[str] | None = None,
    kept: int = 0,
) -> None:
    """Write about ``rows`` rows of a table's ``files`` to ``path``: as many of each chosen file, from its first.

    All columns without ``columns``. The ``kept`` rows that come first are passed over, and nothing is written if all
    are. Raises LeaseLost.
    """
    of_table = _made(list(files), kept)
    shards = min(_SHARDS, len(of_table))
    chosen = [of_table[place * len(of_table) // shards] for place in range(shards)]
    wanted = -(-rows // max(len(chosen), 1))
    writer = None
    try:
        for file, passed_over in chosen:
            lease.check()
            first = _first_rows(file, passed_over, wanted, columns)
            writer = writer or pq.ParquetWriter(path, first.schema, store_schema=True)
            writer.write_table(first)
    finally:
        if writer is not None:
            writer.close()


def _made(files: Sequence[MadeFile | File], kept: int) -> list[tuple[MadeFile | File, int]]:
    """The files that hold made rows, and how many of its first rows are among the ``kept`` ones, the first of all."""
    ends = list(accumulate(file.rows for file in files))
    begins = [end - file.rows for file, end in zip(files, ends, strict=True)]
    found = zip(files, begins, ends, strict=True)
    return [(file, max(0, kept - begin)) for file, begin, end in found if end > kept]


def _first_rows(file: MadeFile | File, kept: int, wanted: int, columns: Sequence[str] | None) -> pa.Table:
    """The first rows of a file after those ``kept``, by ranged reads of the row groups that hold them."""
    with pq.ParquetFile(pa.PythonFile(RangedBlob(file.sha256, file.bytes), mode="r"), pre_buffer=True) as parquet:
        groups: list[int] = []
        begin = passed = 0
        for number in range(parquet.num_row_groups):
            end = begin + parquet.metadata.row_group(number).num_rows
            if end <= kept:
                passed = end
            elif begin < kept + wanted:
                groups.append(number)
            begin = end
        return parquet.read_row_groups(groups, columns=columns, use_threads=False).slice(kept - passed, wanted)


def _why_not(run: Run) -> str:
    """Why there is nothing that could be judged."""
    if run.generator.keeps_rows:
        return "Not judged: all rows are the source's own, and nobody knows what belongs into their missing cells."
    return "Not judged: no table that was made is one learnt from."


def _asked(run: Run) -> dict[str, Any]:
    """What the buyer said of the columns, where the generator asks for it, and which shares it says it changed."""
    said, told = run.parameters, _told(run)
    return {
        "target": said.get("target") or None,
        "identifier": said.get("identifier") or None,
        "sensitive": said.get("sensitive") or [],
        "secrets": said.get("secrets") or [],
        "public": said.get("public") or [],
        "wished": told.get("wished") or {},
        "relations": told.get("relations") or [],
    }


def _told(run: Run) -> dict[str, Any]:
    """The answer key of the run, if it has one: what its generator says of how the rows were made."""
    for noted in run.assembled:
        if noted["kind"] == "answer-key":
            found = json.loads(storage.read_blob(noted["blob"]["sha256"]))
            return found if isinstance(found, dict) else {}
    return {}


def _limits(tables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Memory and time by the cells that are looked at."""
    cells = sum(_SIDES * len(table["schema"]) * rows_judged(len(table["schema"])) for table in tables)
    return {
        "memory_mib": _LEAST_MEMORY_MIB + (cells * _BYTES_A_CELL >> 20),
        "seconds": _LEAST_SECONDS + cells / _CELLS_A_SECOND,
    }


def _teller(run: Run, lease: Lease) -> Callable[[float, str], None]:
    """Write what is being judged to the run's log, each once."""
    last = ""

    def tell(share: float, what: str) -> None:
        nonlocal last
        lease.check()
        if what != last and share < 1:
            last = what
            lifecycle.tell(run.id, f"{what}…")

    return tell
