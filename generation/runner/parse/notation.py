"""How values are written: the notations that are recognised, and which one a column is read by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from generation.runner.parse.arrow import ArrowArray, ArrowType, pc

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
_MOMENT = rf"{_DATE}([T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?)"
_WHOLE = r"(0|[1-9][0-9]*)"

#: What a spreadsheet would compute when the cell is opened: =…, a function behind + - @, or a DDE call (…|…!…).
FORMULA = r"^\s*(=\s*[^=>\s]|[+@-][=+@-]*[A-Za-z_.][A-Za-z0-9_.]*\(|[+@-].*\|.*!)"

MISSING = pa.array(["", "NA", "N/A", "n/a", "null", "NULL", "Null", "NaN", "nan", "?"])


class Notation(StrEnum):
    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    SLASHED = "slashed"
    MOMENT = "moment"
    ZONED = "zoned"
    CLOCK = "clock"
    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"
    TEXT = "text"
    TYPED = "typed"


#: In the order of preference. A whole number with a leading zero is a code, not a number, so it matches none of these.
PATTERNS = {
    Notation.BOOLEAN: r"^(?i:true|false)$",
    Notation.INTEGER: rf"^[+-]?{_WHOLE}$",
    Notation.DECIMAL: rf"^[+-]?(({_WHOLE}(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|(?i:inf|infinity))$",
    Notation.DATE: rf"^{_DATE}$",
    Notation.SLASHED: r"^[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{4}$",
    Notation.MOMENT: rf"^({_DATE}|{_MOMENT})$",
    Notation.ZONED: rf"^{_MOMENT}(Z|[+-][0-9]{{2}}:?[0-9]{{2}})$",
    Notation.CLOCK: rf"^{_CLOCK}$",
}

_TYPES: dict[Notation, ArrowType] = {
    Notation.BOOLEAN: pa.bool_(),
    Notation.INTEGER: pa.int64(),
    Notation.DECIMAL: pa.float64(),
    Notation.DATE: pa.date32(),
    Notation.DAY_FIRST: pa.date32(),
    Notation.MONTH_FIRST: pa.date32(),
    Notation.MOMENT: pa.timestamp("us"),
    Notation.ZONED: pa.timestamp("us", tz="UTC"),
    Notation.CLOCK: pa.time32("s"),
    Notation.TEXT: pa.string(),
}

_DATA_IN_HEADER = re.compile(rf"{PATTERNS[Notation.DECIMAL]}|{PATTERNS[Notation.MOMENT]}|{PATTERNS[Notation.SLASHED]}")
_YEAR = re.compile(r"^(1[89]|20|21)[0-9]{2}$")


@dataclass(frozen=True)
class Reading:
    """How one column is read: its notation, the note that its owner should see, and the type it came with, if any."""

    name: str
    notation: Notation
    note: str | None = None
    given: ArrowType | None = None

    @property
    def type(self) -> ArrowType:
        """The Arrow type that the column is stored with; text is always ``string``."""
        if self.given is None:
            return _TYPES[self.notation]
        if pa.types.is_large_string(self.given):
            return pa.string()
        if pa.types.is_float16(self.given):
            return pa.float32()
        return self.given


def chosen(name: str, candidates: set[Notation], values: int, parts: tuple[int, int]) -> Reading:
    """Choose among the notations that all ``values`` follow; ``parts`` are the largest two first parts of a/b/yyyy."""
    if not values:
        return Reading(name, Notation.TEXT)
    for notation in PATTERNS:
        if notation in candidates and notation is not Notation.SLASHED:
            return Reading(name, notation)
    if Notation.SLASHED in candidates:
        first, second = parts
        if first > 12 >= second:
            return Reading(name, Notation.DAY_FIRST, note="Read as dates, day first.")
        if second > 12 >= first:
            return Reading(name, Notation.MONTH_FIRST, note="Read as dates, month first.")
        note = "Looks like dates, but day and month cannot be told apart: write them as 2024-12-31. Read as text."
        return Reading(name, Notation.TEXT, note=note)
    return Reading(name, Notation.TEXT)


def strings_of(array: ArrowArray) -> ArrowArray:
    """Trim the texts of a CSV column and turn the usual spellings of "missing" into nulls."""
    array = pc.utf8_trim_whitespace(array)
    return pc.if_else(pc.is_in(array, MISSING), pa.scalar(None, pa.string()), array)


def day_and_month(distinct: ArrowArray) -> tuple[int, int]:
    """Return the largest first and second part of texts written a/b/yyyy."""
    parts = pc.extract_regex(distinct, r"^(?P<first>[0-9]+)[/.-](?P<second>[0-9]+)[/.-]")
    first, second = (pc.max(pc.cast(parts.field(i), pa.int64())).as_py() for i in range(2))
    return first, second


def too_long_integers(array: ArrowArray) -> ArrowArray:
    """Tell which whole numbers have more than 18 digits; shorter ones fit 64 bits."""
    return pc.greater(pc.utf8_length(pc.utf8_ltrim(array, "+-")), 18)


def is_plain(type_: ArrowType) -> bool:
    """Tell whether columns of an Arrow type can be read: numbers, texts, booleans, dates, times, missing only."""
    types = pa.types
    return bool(
        types.is_integer(type_)
        or types.is_floating(type_)
        or (types.is_decimal128(type_) and type_.precision <= 18 and type_.scale >= 0)
        or types.is_string(type_)
        or types.is_large_string(type_)
        or types.is_boolean(type_)
        or types.is_date(type_)
        or types.is_timestamp(type_)
        or types.is_time(type_)
    )


def is_data(texts: Sequence[str]) -> bool:
    """Tell whether all of ``texts`` that are there are numbers or dates, and any is."""
    there = [text for text in texts if text.strip()]
    return bool(there) and all(_DATA_IN_HEADER.match(text.strip()) for text in there)


def looks_like_data(names: Sequence[str]) -> bool:
    """Tell whether a third or more of a header's names are numbers or dates; a year may be a name."""
    data = sum(bool(_DATA_IN_HEADER.match(name)) and not _YEAR.match(name) for name in names)
    return data * 3 >= max(len(names), 1) and data > 0
