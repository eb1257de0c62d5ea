"""The steps of reading an upload: what is it, what is in each column, store it typed, say what was understood."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from generation.runner.parse.columns import read_batch
from generation.runner.parse.csvfile import CsvUpload
from generation.runner.parse.faults import Fault, Faults, Limits, UnreadableError
from generation.runner.parse.kinds import Understanding, understand
from generation.runner.parse.notation import Reading
from generation.runner.parse.parquetfile import ParquetUpload
from generation.runner.parse.store import Store
from generation.runner.parse.survey import check_names, survey

_SIGNATURES = (
    (b"PK\x03\x04", "a ZIP archive (an .xlsx workbook is one too)"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word document"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"ARROW1", "an Arrow IPC file"),
    (b"ORC", "an ORC file"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
)


def parse(path: Path, out_dir: Path, limits: Mapping[str, Any]) -> dict[str, Any]:
    """Read the upload at ``path`` into ``out_dir`` and return what was understood, or all that is wrong with it.

    Good: ``{"tables": {"default": {"rows", "holdout_rows", "columns": […], "relations": […], "warnings": […]}},
    "bytes"}``, and ``out_dir`` holds what ``generation.runner.source`` opens. Bad: ``{"problems": [{code, field,
    message, remedy, row, column}], "unlisted"}``, and ``out_dir`` holds nothing. ``limits`` are the members of
    ``Limits``; raises ``ValueError`` when its ``holdout_key`` is missing. No returned text contains a value of the
    data.
    """
    bounds = Limits.read(limits)
    faults = Faults()
    store = Store(out_dir, bounds)
    understood = None
    try:
        understood = _read(path, store, bounds, faults)
    except UnreadableError as error:
        faults.add(error.fault)
    except (pa.ArrowException, MemoryError, OSError, UnicodeError, duckdb.Error) as error:
        faults.add(_unreadable(error))
    if understood is None:
        store.discard()
        return faults.as_json()
    answer = understood.as_json(path.stat().st_size)
    store.finish(answer)
    return answer


def _read(path: Path, store: Store, limits: Limits, faults: Faults) -> Understanding | None:
    upload = _open(path, store, limits, faults)
    check_names(upload.names, limits, faults, sure=upload.has_header)
    if faults:
        return None
    readings, rows = survey(upload, limits, faults)
    if faults:
        return None
    _write(upload, readings, rows, store, faults)
    return understand(store, readings, limits, faults)


def _write(upload: CsvUpload | ParquetUpload, readings: list[Reading], rows: int, store: Store, faults: Faults) -> None:
    schema = pa.schema([pa.field(reading.name, reading.type) for reading in readings])
    row = upload.first_row
    with store.writing(schema, rows) as write:
        for batch in upload.batches():
            write(read_batch(batch, readings, row, faults))
            row += batch.num_rows


def _open(path: Path, store: Store, limits: Limits, faults: Faults) -> CsvUpload | ParquetUpload:
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
        raise UnreadableError(
            Fault("empty", "The file is empty.", "Upload a CSV or Parquet file with a header and rows.")
        )
    if head.startswith(b"PAR1"):
        return ParquetUpload(path, limits)
    for signature, what in _SIGNATURES:
        if head.startswith(signature):
            remedy = (
                "Upload the table itself: CSV in UTF-8, or Parquet. Unpack or export it first; renaming is not enough."
            )
            raise UnreadableError(Fault("not_a_table", f"The file is {what}, not a CSV or Parquet table.", remedy))
    return CsvUpload(path, store.scratch, limits, faults)


def _unreadable(error: BaseException) -> Fault:
    """The readers' own words may quote the data, so only the kind of failure is told."""
    if isinstance(error, MemoryError | pa.ArrowMemoryError | duckdb.OutOfMemoryException):
        message = "Reading the file took more memory than an upload may have."
        return Fault("too_large", message, "Upload fewer rows or columns, in smaller row groups.")
    message = "The file is damaged: its contents do not follow its own format."
    return Fault("damaged", message, "Export the table again and upload the new file.")
