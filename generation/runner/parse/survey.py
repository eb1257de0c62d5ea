"""One pass over all rows that finds how each column is to be read, and every fault that has a row and a column."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import pyarrow as pa

from generation.runner.parse.arrow import ArrowArray, ArrowType, pc
from generation.runner.parse.csvfile import CsvUpload
from generation.runner.parse.faults import Fault, Faults, Limits
from generation.runner.parse.notation import (
    FORMULA,
    MISSING,
    PATTERNS,
    Notation,
    Reading,
    chosen,
    day_and_month,
    is_plain,
    looks_like_data,
    strings_of,
    too_long_integers,
)
from generation.runner.parse.parquetfile import ParquetUpload

_ZONE = re.compile(r"[A-Za-z0-9_+:/-]{1,64}")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # make a page read otherwise than it is


def check_names(names: Sequence[str], limits: Limits, faults: Faults, *, sure: bool = True) -> None:
    """Add a fault for each name that is missing, repeated, too long or dangerous, and for a header that is none.

    Unless it is ``sure`` that the names are names, none is quoted: they may be the values of one person.
    """
    if len(names) > limits.columns:
        message = f"The file has {len(names):,} columns; at most {limits.columns:,} can be read."
        faults.add(Fault("columns", message, "Upload the columns that matter, or several tables."))
        return
    first: dict[str, int] = {}
    if looks_like_data(names):
        # Nothing else is said: the names are values then, and what quotes a name would quote the first person.
        message = "The first line holds numbers or dates where the names of the columns should be."
        faults.add(Fault("header", message, "Add a first line with a name for each column.", row=1))
        return
    for position, name in enumerate(names, 1):
        _check_name(name, position, limits, faults)
        # names that differ in case only are one name to SQL
        folded = unicodedata.normalize("NFC", name).casefold()
        if name and folded in first:
            shown = name[: limits.name_characters] if sure else None
            message = f"Columns {first[folded]} and {position} have one name{f', “{shown}”' if shown else ''}."
            faults.add(Fault("duplicate_name", message, "Rename one of the two; case does not count.", column=shown))
        first.setdefault(folded, position)


def _check_name(name: str, position: int, limits: Limits, faults: Faults) -> None:
    if not name:
        faults.add(
            Fault("empty_name", f"Column {position} has no name.", "Give it a name in the header, or remove it.")
        )
    elif len(name) > limits.name_characters:
        message = (
            f"The name of column {position} has {len(name):,} characters; at most {limits.name_characters} are read."
        )
        faults.add(Fault("long_name", message, "Shorten the name."))
    elif any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") or one in _BIDI for one in name):
        faults.add(Fault("name", f"The name of column {position} has a control character.", "Rename the column."))
    elif pc.match_substring_regex(pa.array([name]), FORMULA)[0].as_py():
        message = f"The name of column {position} is a spreadsheet formula."
        faults.add(Fault("formula", message, "Rename the column: names must not begin with =, +, - or @.", row=1))


def survey(upload: CsvUpload | ParquetUpload, limits: Limits, faults: Faults) -> tuple[list[Reading], int]:
    """Return how to read each column of ``upload``, and how many rows it has.

    Unless faults were added, every row was seen and is sound.
    """
    if isinstance(upload, ParquetUpload):
        columns: list[_TextSurvey | _TypedSurvey] = [
            _TypedSurvey(field.name, field.type, limits, faults) for field in upload.schema
        ]
        if faults:
            return [], 0
    else:
        columns = [_TextSurvey(name, limits, faults) for name in upload.names]
    rows = 0
    for batch in upload.batches():
        for column, array in zip(columns, batch.columns, strict=True):
            column.see(array, upload.first_row + rows)
        rows += batch.num_rows
    if rows < limits.least_rows:
        message = (
            f"The file has {rows:,} rows; at least {limits.least_rows} are needed to learn from without copying anyone."
        )
        faults.add(Fault("rows", message if rows else "The file has a header and no rows.", "Upload more rows."))
        return [], 0
    if isinstance(upload, CsvUpload) and _looks_like_a_row(columns):
        # Alone, because every other fault names a column.
        faults.clear()
        message = "The first line looks like one more row of data: its values occur again in their columns."
        faults.add(Fault("header", message, "Add a first line with a name for each column.", row=1))
        return [], 0
    return [column.reading() for column in columns], rows


def _looks_like_a_row(columns: Sequence[_TextSurvey | _TypedSurvey]) -> bool:
    """Tell whether a header is the first row: values of it occur again, and no column shows by its kind that it is not.

    A name over numbers or dates shows it, unless more than half of the others occur again.
    """
    seen = sum(column.name_seen for column in columns)
    return seen * 2 > len(columns) or (seen > 0 and not any(column.name_differs() for column in columns))


class _CellChecks:
    """What is checked of every text, however it came: size and formulas."""

    def __init__(self, name: str, limits: Limits, faults: Faults) -> None:
        self.name = name
        self.limits = limits
        self.faults = faults
        self.name_seen = False

    def check_size(self, array: ArrowArray, row: int) -> None:
        lengths = pc.binary_length(array)
        longest = pc.max(lengths).as_py() or 0
        if longest > self.limits.cell_bytes:
            at = row + pc.index(lengths, pa.scalar(longest, lengths.type)).as_py()
            message = f"Row {at}, column “{self.name}”: the cell is larger than {self.limits.cell_bytes >> 10:,} KiB."
            remedy = "Shorten it or leave the column out; a quotation mark that is not closed makes such cells too."
            self.faults.add(Fault("cell", message, remedy, row=at, column=self.name))

    def check_nul(self, array: ArrowArray, row: int) -> None:
        nul = pc.fill_null(pc.match_substring(array, "\0"), False)
        if (at := pc.index(nul, pa.scalar(True)).as_py()) >= 0:
            message = f"Row {row + at}, column “{self.name}”: the cell has a NUL byte, which no text has."
            self.faults.add(
                Fault("nul", message, "Remove it, or write the column anew.", row=row + at, column=self.name)
            )

    def check_formulas(self, array: ArrowArray, distinct: ArrowArray, row: int) -> None:
        if not pc.any(pc.match_substring_regex(distinct, FORMULA)).as_py():
            return
        at = row + pc.index(pc.match_substring_regex(array, FORMULA), pa.scalar(True)).as_py()
        message = f"Row {at}, column “{self.name}”: the cell is a spreadsheet formula."
        remedy = "Export values instead of formulas. Text that only looks like one must not begin with = + - @."
        self.faults.add(Fault("formula", message, remedy, row=at, column=self.name))


class _TextSurvey(_CellChecks):
    """A column of strings: which notations do all of its values follow?"""

    def __init__(self, name: str, limits: Limits, faults: Faults) -> None:
        super().__init__(name, limits, faults)
        self.candidates = set(PATTERNS)
        self.values = 0
        self.parts = (0, 0)
        self.long_integers = 0
        self.first_long: int | None = None

    def see(self, array: ArrowArray, row: int) -> None:
        self.check_size(array, row)
        array = strings_of(array)
        distinct = pc.drop_null(pc.unique(array))
        if not len(distinct):
            return
        self.values += len(array) - array.null_count
        self.candidates = {
            one for one in self.candidates if pc.all(pc.match_substring_regex(distinct, PATTERNS[one])).as_py()
        }
        if Notation.SLASHED in self.candidates:
            first, second = day_and_month(distinct)
            self.parts = (max(self.parts[0], first), max(self.parts[1], second))
        if Notation.INTEGER in self.candidates:
            self._see_integers(array, row)
        if not self.candidates:
            self.check_formulas(array, distinct, row)
            self.name_seen = self.name_seen or pc.index(distinct, pa.scalar(self.name)).as_py() >= 0

    def _see_integers(self, array: ArrowArray, row: int) -> None:
        long = too_long_integers(array)
        count = pc.sum(long).as_py() or 0
        if count and self.first_long is None:
            self.first_long = row + pc.index(long, pa.scalar(True)).as_py()
        self.long_integers += count

    def name_differs(self) -> bool:
        """Whether all values are numbers, dates or the like, and the name is not."""
        name = pa.array([self.name])
        like = any(pc.match_substring_regex(name, PATTERNS[one])[0].as_py() for one in self.candidates)
        missing = pc.is_in(name, MISSING)[0].as_py()
        return bool(self.values and self.candidates and not like and not missing)

    def reading(self) -> Reading:
        if Notation.INTEGER in self.candidates and self.long_integers:
            if self.long_integers == self.values:
                return Reading(self.name, Notation.TEXT, note="Whole numbers of more than 18 digits are read as text.")
            at = self.first_long
            message = f"Row {at}, column “{self.name}”: the whole number is out of range (more than 18 digits)."
            self.faults.add(
                Fault("range", message, "Correct it, or write the column as text.", row=at, column=self.name)
            )
        return chosen(self.name, self.candidates, self.values, self.parts)


class _TypedSurvey(_CellChecks):
    """A column that comes with a type: is it one that can be read?"""

    def __init__(self, name: str, type_: ArrowType, limits: Limits, faults: Faults) -> None:
        super().__init__(name, limits, faults)
        self.type = type_.value_type if pa.types.is_dictionary(type_) else type_
        if not is_plain(self.type):
            message = f"Column “{name}” has the type {str(type_)[:80]}; only plain columns can be read."
            remedy = "Flatten or drop it: numbers, texts, booleans, dates and times can be read."
            faults.add(Fault("type", message, remedy, column=name))
        elif pa.types.is_timestamp(self.type) and not _ZONE.fullmatch(self.type.tz or "UTC"):
            message = f"Column “{name}” has times in a zone whose name is none."
            faults.add(Fault("type", message, "Write the times in UTC.", column=name))

    def see(self, array: ArrowArray, row: int) -> None:
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
            self.check_size(array, row)
            self.check_nul(array, row)
            self.check_formulas(array, pc.drop_null(pc.unique(array)), row)

    def name_differs(self) -> bool:
        """A file with types has a schema: its names are names."""
        return True

    def reading(self) -> Reading:
        return Reading(self.name, Notation.TYPED, given=self.type)
