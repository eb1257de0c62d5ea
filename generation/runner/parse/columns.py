"""From texts to typed columns, all rows of a batch at once; a value that cannot be read is found by halving."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from generation.runner.parse.arrow import ArrowArray, ArrowType, pc
from generation.runner.parse.faults import Fault, Faults
from generation.runner.parse.notation import Notation, Reading, strings_of

_WHAT = {
    Notation.DATE: "the date is in no calendar",
    Notation.DAY_FIRST: "the date is in no calendar",
    Notation.MONTH_FIRST: "the date is in no calendar",
    Notation.MOMENT: "the date and time are in no calendar",
    Notation.ZONED: "the date and time are in no calendar",
    Notation.CLOCK: "the time is on no clock",
}


def read_batch(batch: pa.RecordBatch, readings: Sequence[Reading], row: int, faults: Faults) -> pa.RecordBatch:
    """Return the typed columns of ``batch``, whose first row is number ``row``; unreadable values become faults."""
    arrays = [_read_column(array, reading, row, faults) for array, reading in zip(batch.columns, readings, strict=True)]
    schema = pa.schema([pa.field(reading.name, reading.type) for reading in readings])
    return pa.record_batch(arrays, schema=schema)


def _read_column(array: ArrowArray, reading: Reading, row: int, faults: Faults) -> ArrowArray:
    if reading.notation is Notation.TYPED:
        convert = _typed(reading.type)
    else:
        array, convert = strings_of(array), _CONVERTERS[reading.notation]
    try:
        result = convert(array)
    except pa.ArrowInvalid:
        _add_range_fault(row + _first_failure(array, convert), reading, faults)
        return pa.nulls(len(array), reading.type)
    if pa.types.is_floating(result.type):
        infinite = pc.fill_null(pc.is_inf(result), False)
        if (at := pc.index(infinite, pa.scalar(True)).as_py()) >= 0:
            _add_range_fault(row + at, reading, faults)
    return result


def _add_range_fault(row: int, reading: Reading, faults: Faults) -> None:
    what = _WHAT.get(reading.notation, "the number is infinite or out of range")
    message = f"Row {row}, column “{reading.name}”: {what}."
    faults.add(Fault("range", message, "Correct the value or leave the field empty.", row=row, column=reading.name))


def _first_failure(array: ArrowArray, convert: Callable[[ArrowArray], ArrowArray]) -> int:
    """Return the index of the first value that ``convert`` refuses."""
    low, high = 0, len(array)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            convert(array.slice(low, middle - low))
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low


def _typed(type_: ArrowType) -> Callable[[ArrowArray], ArrowArray]:
    def convert(array: ArrowArray) -> ArrowArray:
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        array = array.cast(type_)
        if pa.types.is_floating(type_):
            array = pc.if_else(pc.is_nan(array), pa.scalar(None, type_), array)
        if pa.types.is_uint64(type_):
            array.cast(pa.int64())  # refuses what no signed number holds
        return array

    return convert


def _dates(order: str) -> Callable[[ArrowArray], ArrowArray]:
    def convert(array: ArrowArray) -> ArrowArray:
        padded = pc.replace_substring_regex(array, r"\b([0-9])\b", r"0\1")
        pattern = r"^([0-9]{2})[/.-]([0-9]{2})[/.-]([0-9]{4})$"
        return pc.cast(pc.replace_substring_regex(padded, pattern, order), pa.date32())

    return convert


def _booleans(array: ArrowArray) -> ArrowArray:
    return pc.equal(pc.utf8_lower(array), "true")


def _integers(array: ArrowArray) -> ArrowArray:
    return pc.cast(pc.utf8_ltrim(array, "+"), pa.int64())


def _clocks(array: ArrowArray) -> ArrowArray:
    padded = pc.replace_substring_regex(array, r"^([0-9]):", r"0\1:")
    padded = pc.replace_substring_regex(padded, r"^([0-9]{2}:[0-9]{2})$", r"\1:00")
    day = pa.scalar("1970-01-01 ")
    return pc.cast(pc.cast(pc.binary_join_element_wise(day, padded, ""), pa.timestamp("s")), pa.time32("s"))


_CONVERTERS: dict[Notation, Callable[[ArrowArray], ArrowArray]] = {
    Notation.BOOLEAN: _booleans,
    Notation.INTEGER: _integers,
    Notation.DECIMAL: lambda array: pc.cast(array, pa.float64()),
    Notation.DATE: lambda array: pc.cast(array, pa.date32()),
    Notation.DAY_FIRST: _dates(r"\3-\2-\1"),
    Notation.MONTH_FIRST: _dates(r"\3-\1-\2"),
    Notation.MOMENT: lambda array: pc.cast(array, pa.timestamp("us")),
    Notation.ZONED: lambda array: pc.cast(array, pa.timestamp("us", tz="UTC")),
    Notation.CLOCK: _clocks,
    Notation.TEXT: lambda array: array,
}
