"""The judge's step of a run that learnt from a source: made rows, against those learnt from and those withheld.

What is looked at is bounded: up to sixteen shards, evenly spread, and of each its first rows. Every row is made alike,
so these stand for all; a report on a hundred million rows costs what one on a hundred thousand does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings

from catalog import attachments
from catalog.manifests import MadeFile
from catalog.rows.parquet import RangedBlob
from generation.runner import judge_made, rows_judged
from generation.runs import lifecycle, recipes, workplace
from generation.runs.documents import dumps
from generation.runs.models import Run
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
        lifecycle.tell(run.id, "Judged." if findings else "Not judged: no table that was made is one learnt from.")
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
            _store_rows(table, files, made / f"{table['name']}.parquet", lease)
        return judge_made(
            source,
            made,
            scratch=settings.SCRATCH_DIR,
            asked=_asked(run.parameters),
            seed=recipes.manifest(run).digest,
            limits=_limits(tables),
            on_progress=_teller(run, lease),
        )


def _store_rows(table: Mapping[str, Any], files: Sequence[MadeFile], path: Path, lease: Lease) -> None:
    """Write the rows of ``table`` that are looked at to ``path``: as many of each chosen file, from its first."""
    of_table = [file for file in files if file.config == table["name"]]
    shards = min(_SHARDS, len(of_table))
    chosen = [of_table[place * len(of_table) // shards] for place in range(shards)]
    wanted = -(-rows_judged(len(table["schema"])) // len(chosen))
    writer = None
    try:
        for file in chosen:
            lease.check()
            rows = _first_rows(file, wanted)
            writer = writer or pq.ParquetWriter(path, rows.schema, store_schema=True)
            writer.write_table(rows)
    finally:
        if writer is not None:
            writer.close()


def _first_rows(file: MadeFile, wanted: int) -> pa.Table:
    """The first rows of a file, by ranged reads of the row groups that hold them."""
    with pq.ParquetFile(pa.PythonFile(RangedBlob(file.sha256, file.bytes), mode="r"), pre_buffer=True) as parquet:
        groups: list[int] = []
        held = 0
        while held < min(wanted, file.rows):
            held += parquet.metadata.row_group(len(groups)).num_rows
            groups.append(len(groups))
        return parquet.read_row_groups(groups, use_threads=False).slice(0, wanted)


def _asked(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What the buyer said of the columns, where the generator asks for it."""
    return {
        "target": parameters.get("target") or None,
        "sensitive": parameters.get("sensitive") or [],
        "secrets": parameters.get("secrets") or [],
    }


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
