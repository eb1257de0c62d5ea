"""CSV: encoding, delimiter, header, and rows as columns of strings.

Arrow reads; the slower ``csv`` module of Python only looks for the row of a fault that Arrow does not locate.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pyarrow import csv as arrow_csv

from generation.runner.parse.faults import Fault, Faults, Limits, UnreadableError
from generation.runner.parse.notation import is_data

_CHUNK = 4 << 20
_DELIMITERS = (",", ";", "\t", "|")
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class CsvUpload:
    """A CSV file that proved to be text with one width of rows. ``first_row`` is the number of the first data row."""

    first_row = 2

    @property
    def has_header(self) -> bool:
        """Whether the first line is surely a header: text stands in it over a column of numbers or dates."""
        with self.path.open("rb") as file:
            head = file.read(1 << 18).decode("utf-8-sig", errors="ignore")
        names, *rows = _first_rows(head, self.delimiter) or [[]]
        columns = zip(*(row for row in rows if len(row) == len(names)), strict=True)
        return any(is_data(values) and not is_data([name]) for name, values in zip(names, columns, strict=False))

    def __init__(self, path: Path, scratch: Path, limits: Limits, faults: Faults) -> None:
        self.path, quotes = _as_utf8(path, scratch)
        self.limits = limits
        self.delimiter = _delimiter(self.path)
        self.names = _header(self.path, self.delimiter, limits)
        if len(self.names) <= limits.columns:
            _check_shape(self, faults, odd_quotes=quotes % 2 == 1)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order; all columns are strings, an empty field is an empty string."""
        yield from self._batches(lambda row: "error")

    def _batches(
        self, invalid_row: Callable[[arrow_csv.InvalidRow], Literal["skip", "error"]]
    ) -> Iterator[pa.RecordBatch]:
        # columns are read by position: two may have one name, which is told later together with all else
        names = [f"c{i}" for i in range(len(self.names))]
        reader = arrow_csv.open_csv(
            str(self.path),
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=max(8 << 20, 2 * self.limits.cell_bytes), column_names=names, skip_rows=1
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=len(names) > 1,
                invalid_row_handler=invalid_row,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: pa.string() for name in names}, strings_can_be_null=False
            ),
        )
        with reader:
            yield from reader


def _as_utf8(path: Path, scratch: Path) -> tuple[Path, int]:
    """Return a UTF-8 file with the text of ``path`` and its number of quotation marks, if it is sound text."""
    with path.open("rb") as file:
        encoding = _UTF16.get(file.read(2))
    if encoding is not None:
        path = _from_utf16(path, scratch, encoding)
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, lines, quotes, line_start = 0, 0, 0, 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            kept, _ = decoder.getstate()
            if (zero := chunk.find(b"\0")) >= 0:
                row = lines + chunk.count(b"\n", 0, zero) + 1
                message = f"Line {row} contains a NUL byte, which no text has."
                raise UnreadableError(Fault("nul", message, "Export the table again as CSV in UTF-8.", row=row))
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                bad = error.start - len(kept)
                row = lines + chunk.count(b"\n", 0, max(bad, 0)) + 1
                before = chunk.rfind(b"\n", 0, max(bad, 0))
                column = bad - before if before >= 0 else offset + bad - line_start + 1
                message = f"The file is not in UTF-8: line {row}, byte {column} of that line, is not valid."
                remedy = "Save the file as UTF-8 (in Excel: “CSV UTF-8”); it is probably in Latin-1 or Windows-1252."
                raise UnreadableError(Fault("encoding", message, remedy, row=row)) from None
            if not chunk:
                return path, quotes
            lines += chunk.count(b"\n")
            quotes += chunk.count(b'"')
            if (last := chunk.rfind(b"\n")) >= 0:
                line_start = offset + last + 1
            offset += len(chunk)


def _from_utf16(path: Path, scratch: Path, encoding: str) -> Path:
    """Write the UTF-16 text of ``path`` as UTF-8 into ``scratch``; the byte order mark is left behind."""
    decoder = codecs.getincrementaldecoder(encoding)()
    target = scratch / "upload.utf8"
    with path.open("rb") as source, target.open("wb") as out:
        source.seek(2)
        try:
            while chunk := source.read(_CHUNK):
                out.write(decoder.decode(chunk).encode())
            out.write(decoder.decode(b"", final=True).encode())
        except UnicodeError:
            message = "The file begins like UTF-16 text and then is not."
            raise UnreadableError(Fault("encoding", message, "Save the file as UTF-8.", row=None)) from None
    return target


def _delimiter(path: Path) -> str:
    """Choose the delimiter that cuts the first lines into the most fields of one number; a comma where none does."""
    with path.open("rb") as file:
        text = file.read(1 << 18).decode("utf-8-sig", errors="ignore")
    best, best_score = ",", (0.0, 0)
    for delimiter in _DELIMITERS:
        rows = _first_rows(text, delimiter)
        if not rows or len(rows[0]) < 2:
            continue
        same = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        if (score := (round(same, 1), len(rows[0]))) > best_score:
            best, best_score = delimiter, score
    return best


def _first_rows(text: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if row:
                rows.append(row)
            if len(rows) == 200:
                return rows
    except csv.Error:
        return rows
    return rows[:-1] if len(rows) > 2 else rows  # the last one may be cut


def _header(path: Path, delimiter: str, limits: Limits) -> list[str]:
    most = max(1 << 20, 4 * limits.columns * limits.name_characters)
    with path.open("rb") as file:
        line = file.readline(most)
    if len(line) == most:
        message = f"The first line is longer than {most:,} bytes; it should hold the names of the columns."
        raise UnreadableError(Fault("header", message, "Put the columns' names into the first line.", row=1))
    try:
        names = next(csv.reader([line.decode("utf-8-sig")], delimiter=delimiter, strict=True), [])
    except csv.Error:
        message = "The header line has a quotation mark that is not closed, or a line break within a name."
        raise UnreadableError(Fault("header", message, "Write each column's name on the first line.", row=1)) from None
    if not any(name.strip() for name in names):
        message = "The first line is blank; it should hold the names of the columns."
        raise UnreadableError(Fault("header", message, "Put the columns' names into the first line.", row=1))
    return [name.strip() for name in names]


def _check_shape(upload: CsvUpload, faults: Faults, *, odd_quotes: bool) -> None:
    """Find rows of another width and quotes that are never closed; both would shift what follows."""
    if odd_quotes:
        _check_quotes(upload)
    remedy = (
        f"Give each row {len(upload.names)} fields as in the header; put values that contain the delimiter in quotes."
    )

    def invalid(row: arrow_csv.InvalidRow) -> Literal["skip", "error"]:
        message = f"Row {row.number} has {row.actual_columns} fields, the header has {row.expected_columns}."
        faults.add(Fault("ragged", message, remedy, row=row.number))
        return "skip"

    for _ in upload._batches(invalid):
        pass


def _check_quotes(upload: CsvUpload) -> None:
    """Arrow takes an unclosed quote for a cell that reaches to the end of the file; Python's strict reader does not."""
    csv.field_size_limit(1 << 40)
    row = 0
    with upload.path.open(encoding="utf-8-sig", newline="") as file:
        try:
            for _ in csv.reader(file, delimiter=upload.delimiter, strict=True):
                row += 1
        except csv.Error as error:
            what = (
                "opens a quotation mark that is never closed"
                if "end of data" in str(error)
                else "has a stray quotation mark"
            )
            message = f"Row {row + 1} {what}."
            remedy = 'Close the quotation mark; a mark within a quoted value is written twice ("").'
            raise UnreadableError(Fault("quotes", message, remedy, row=row + 1)) from None
