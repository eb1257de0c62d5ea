"""Statistics of a table in one pass: Arrow in, JSON out, mergeable, and the same whatever the machine does meanwhile.

A *partial* is made for each shard while it is written; ``merge`` joins partials in the order of shards; ``finish``
turns a partial into the published statistics. What each number is worth stands beside it: ``exact`` or its error.

``finish`` returns ``{"schema": "lookalike/statistics/1", "rows": n, "duplicates": {"share", "exact",
"standard_error"}, "columns": [column…]}``; a duplicate is a row that has all its cells in common with an earlier one,
and a table of which a part was not asked has no such member. Where rules were promised of every row, ``rules`` tells
of each on how many rows it was checked and held: [{"rule", "rows", "held"}…]. A column is::

    name, type, kind     kind: number, time, boolean, text, list, struct, picture or bytes
    count, nulls         values that are there, and those that are not; exact
    nan, infinite        (number) how many are not finite; the figures below are of the others
    minimum, maximum     (number, time) exact
    mean, deviation      (number, time) of all values; deviation as of a sample (n - 1), for times in seconds
    distinct             {"value": n, "exact": true} or {"value": n, "exact": false, "standard_error": share}
    values               (where there are at most 256) [{"value", "count"}…], most frequent first; exact
    quantiles            {"exact", "rank_error", "at": [[share, value]…]}
    histogram            {"exact", "rank_error", "edges": [n + 1 values], "counts": [n]}, edges equally far apart
    parts                columns of what this one is made of: text and bytes "length", list "length" and "element",
                         picture "bytes", "width", "height" and "media_type", struct its fields

Times are ISO 8601 text. Decimals are rounded to double precision; those of more than 15 digits have no ``values``.
Integers beyond 2**53 are text, because JSON's readers would round them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generation.quality.arrow import ArrowArray, ArrowField, pc
from generation.quality.moments import Moments
from generation.quality.pictures import picture_header
from generation.quality.repeats import Hashing, Repeats, folded
from generation.quality.sketches import hash_decimals, hash_numbers
from generation.quality.statistics import finished
from generation.quality.values import Values

Kind = Literal["number", "time", "boolean", "text", "list", "struct", "picture", "bytes"]
Partial = dict[str, Any]

SCHEMA = "lookalike/profile/1"

_DIGITS = 15  # of a decimal that double precision holds


class TableProfile:
    """The statistics of one table so far. ``schema`` carries field metadata: ``media`` tells pictures from structs."""

    def __init__(self, schema: pa.Schema) -> None:
        self.rows = 0
        self.repeats = Repeats()
        self.columns = [_column(one) for one in schema]

    def add(self, table: pa.Table | pa.RecordBatch) -> None:
        """Take more rows of the schema.

        Sketches depend on how rows are divided over calls: give the same pieces to get the same bytes.
        """
        self.rows += table.num_rows
        rows = np.zeros(table.num_rows, np.uint64)
        for column, data in zip(self.columns, table.columns, strict=True):
            rows = folded(rows, data, _added(column, data))
        self.repeats.add(rows)

    def partial(self) -> Partial:
        """Return what was seen as JSON."""
        columns = [_as_json(column) for column in self.columns]
        return {"schema": SCHEMA, "rows": self.rows, "repeats": self.repeats.as_json(), "columns": columns}


@dataclass
class Column:
    """One column, or part of one, so far."""

    name: str
    type: str
    kind: Kind
    count: int = 0
    nulls: int = 0
    nan: int = 0
    infinite: int = 0
    values: Values | None = None
    moments: Moments | None = None
    parts: list[Column] = field(default_factory=list)


def merge(partials: Iterable[Partial]) -> Partial:
    """Join partials of one table, in the order given, one in memory at a time.

    Raises ``ValueError`` if there is none or columns differ.
    """
    rows, columns, repeats = 0, None, Repeats()
    rules: dict[str, dict[str, Any]] = {}
    asked = True
    for partial in partials:
        rows += partial["rows"]
        if asked := asked and "repeats" in partial:
            repeats.merge(Repeats.from_json(partial["repeats"]))
        for rule in partial.get("rules", ()):
            kept = rules.setdefault(rule["rule"], {"rule": rule["rule"], "rows": 0, "held": 0})
            kept["rows"] += rule["rows"]
            kept["held"] += rule["held"]
        given = [_from_json(one) for one in partial["columns"]]
        if columns is None:
            columns = given
        else:
            _merge_columns(columns, given)
    if columns is None:
        raise ValueError("there is nothing to merge")
    told: Partial = {"repeats": repeats.as_json()} if asked else {}
    if rules:
        told["rules"] = list(rules.values())
    return {"schema": SCHEMA, "rows": rows, **told, "columns": [_as_json(column) for column in columns]}


def finish(partial: Partial) -> dict[str, Any]:
    """Return the statistics that a partial stands for, in the shape that this module describes."""
    columns = [_finished(_from_json(one)) for one in partial["columns"]]
    told: Partial = {"duplicates": _duplicates(partial["repeats"])} if "repeats" in partial else {}
    if "rules" in partial:
        told["rules"] = partial["rules"]
    return {"schema": "lookalike/statistics/1", "rows": partial["rows"], **told, "columns": columns}


def _duplicates(partial: Partial) -> dict[str, Any]:
    repeated = Repeats.from_json(partial).repeated()
    if not repeated.standard_error:
        return {"share": repeated.share, "exact": True}
    return {"share": repeated.share, "exact": False, "standard_error": repeated.standard_error}


def _finished(column: Column) -> dict[str, Any]:
    result: dict[str, Any] = {
        "name": column.name,
        "type": column.type,
        "kind": column.kind,
        "count": column.count,
        "nulls": column.nulls,
    }
    if column.kind == "number":
        result |= {"nan": column.nan, "infinite": column.infinite}
    if column.values is not None:
        result |= finished(column.values, column.moments, column.type)
    if column.parts:
        result["parts"] = [_finished(part) for part in column.parts]
    return result


def _column(given: ArrowField) -> Column:
    kind = _kind(given)
    column = Column(given.name, str(given.type), kind)
    if kind in ("number", "time", "boolean", "text"):
        column.values = Values(ordered=kind in ("number", "time"))
    if kind in ("number", "time"):
        column.moments = Moments()
    column.parts = [_column(part) for part in _parts(given, kind)]
    return column


def _kind(given: ArrowField) -> Kind:
    type_, is_ = given.type, pa.types
    if is_.is_struct(type_):
        media = (given.metadata or {}).get(b"media", b"")
        return "struct" if not media else "picture" if media in (b"image/jpeg", b"image/png") else "bytes"
    if is_.is_list(type_) or is_.is_large_list(type_) or is_.is_fixed_size_list(type_):
        return "list"
    if is_.is_boolean(type_):
        return "boolean"
    if is_.is_string(type_) or is_.is_large_string(type_):
        return "text"
    if is_.is_integer(type_) or is_.is_floating(type_) or is_.is_decimal(type_):
        return "number"
    return "time" if is_.is_temporal(type_) else "bytes"


def _parts(given: ArrowField, kind: Kind) -> list[ArrowField]:
    length = pa.field("length", pa.int64())
    if kind in ("text", "bytes"):
        return [length]
    if kind == "list":
        return [length, given.type.value_field.with_name("element")]
    if kind == "picture":
        sizes = [pa.field(name, pa.int64()) for name in ("bytes", "width", "height")]
        return [*sizes, pa.field("media_type", pa.string())]
    return [given.type.field(i) for i in range(given.type.num_fields)] if kind == "struct" else []


def _added(column: Column, data: ArrowArray) -> list[Hashing | None]:
    """Take the rows of a column; return what hashes the values that are there of each chunk, if that is known here."""
    return [_add(column, chunk) for chunk in (data.chunks if isinstance(data, pa.ChunkedArray) else [data])]


def _add(column: Column, array: ArrowArray) -> Hashing | None:
    nulls = array.null_count
    column.nulls += nulls
    column.count += len(array) - nulls
    if nulls:
        array = array.drop_null()
    return _ADDERS[column.kind](column, array) if len(array) else None


def _add_numbers(column: Column, array: ArrowArray) -> Hashing | None:
    given = numbers = _numbers(array)
    if numbers.dtype.kind == "f":
        numbers = _finite(column, numbers)
    hashes = cache(lambda: hash_numbers(numbers))
    decimal = pa.types.is_decimal(array.type)
    if len(numbers) and column.values is not None and column.moments is not None:
        if decimal and array.type.precision > _DIGITS:
            column.values.add_hashed(hash_decimals(_words(array)), numbers)
            column.moments.add(numbers)
        elif (found := column.values.add_numbers(numbers, hashes)) is not None:
            column.moments.add_counted(found)
        else:
            column.moments.add(numbers)
    return hashes if len(numbers) == len(given) and not decimal else None


def _finite(column: Column, numbers: NDArray[Any]) -> NDArray[Any]:
    """Count what is not a number or endless, and return the rest with minus zero as zero."""
    finite = np.isfinite(numbers)
    if not finite.all():
        nan = int(np.count_nonzero(np.isnan(numbers)))
        column.nan += nan
        column.infinite += int(np.count_nonzero(~finite)) - nan
        numbers = numbers[finite]
    return numbers + 0.0


def _numbers(array: ArrowArray) -> NDArray[Any]:
    """Return the values as numpy integers or double precision; times as integers in their unit, decimals rounded."""
    type_ = array.type
    if pa.types.is_temporal(type_):
        ticks: NDArray[Any] = array.view(pa.int32() if type_.bit_width == 32 else pa.int64()).to_numpy()
        return ticks.astype(np.int64)
    if pa.types.is_decimal(type_):
        return _doubles(array)
    numbers: NDArray[Any] = array.to_numpy()
    return numbers.astype(np.float64) if numbers.dtype.kind == "f" else numbers


def _doubles(array: ArrowArray) -> NDArray[Any]:
    """Return decimals in double precision: the nearest to each where it has few digits."""
    if array.type.precision > _DIGITS:
        wide: NDArray[Any] = array.cast(pa.float64()).to_numpy()
        return wide
    whole = _words(array)[:, 0].view(np.int64).astype(np.float64)
    scale = array.type.scale
    numbers: NDArray[Any] = whole / 10.0**scale if scale >= 0 else whole * 10.0**-scale
    return numbers


def _words(array: ArrowArray) -> NDArray[np.uint64]:
    """Return the two 64-bit words, low and high, of each decimal of an array without nulls."""
    words: NDArray[np.uint64] = np.frombuffer(array.buffers()[1], "<u8").reshape(-1, 2)
    return words[array.offset : array.offset + len(array)]


def _add_booleans(column: Column, array: ArrowArray) -> None:
    if column.values is not None:
        column.values.add_booleans(array.true_count, array.false_count)


def _add_texts(column: Column, array: ArrowArray) -> Hashing | None:
    if column.values is None:
        return None
    texts = column.values.texts(array)
    lengths: NDArray[np.int64] = pc.utf8_length(texts.different).to_numpy().astype(np.int64)
    found = column.values.add_texts(texts)
    if found is None:
        _add(column.parts[0], pa.array(texts.rows(lengths)))
    else:
        _add_counted(column.parts[0], np.bincount(lengths, list(found.values())).astype(np.int64))
    return lambda: texts.rows(texts.hashes)


def _add_counted(column: Column, times: NDArray[np.int64]) -> None:
    """Take small whole numbers from zero on, each so many times."""
    counts = {number: int(times[number]) for number in np.flatnonzero(times).tolist()}
    column.count += int(times.sum())
    if column.values is not None and column.moments is not None:
        column.values.add_counted(counts)
        column.moments.add_counted(counts)


def _add_lists(column: Column, array: ArrowArray) -> None:
    _add(column.parts[0], pc.list_value_length(array).cast(pa.int64()))
    _add(column.parts[1], array.flatten())


def _add_structs(column: Column, array: ArrowArray) -> None:
    for part, child in zip(column.parts, array.flatten(), strict=True):
        _add(part, child)


def _add_bytes(column: Column, array: ArrowArray) -> None:
    contents = array.flatten()[0] if pa.types.is_struct(array.type) else array
    if pa.types.is_fixed_size_binary(contents.type):
        lengths = pa.array(np.full(len(contents), contents.type.byte_width))
    else:
        lengths = pc.binary_length(contents).cast(pa.int64())
    _add(column.parts[0], lengths)


def _add_pictures(column: Column, array: ArrowArray) -> None:
    contents = [memoryview(value.as_buffer()) for value in array.flatten()[0] if value.is_valid]
    headers = [picture_header(content) for content in contents]
    sizes, widths, heights, media_types = column.parts
    _add(sizes, pa.array([content.nbytes for content in contents], pa.int64()))
    _add(widths, pa.array([header.width for header in headers], pa.int64()))
    _add(heights, pa.array([header.height for header in headers], pa.int64()))
    _add(media_types, pa.array([header.media_type for header in headers], pa.string()))


_ADDERS: Mapping[Kind, Callable[[Column, ArrowArray], Hashing | None]] = {
    "number": _add_numbers,
    "time": _add_numbers,
    "boolean": _add_booleans,
    "text": _add_texts,
    "list": _add_lists,
    "struct": _add_structs,
    "picture": _add_pictures,
    "bytes": _add_bytes,
}


def _merge_columns(columns: list[Column], others: list[Column]) -> None:
    if [(one.name, one.type, one.kind) for one in columns] != [(one.name, one.type, one.kind) for one in others]:
        raise ValueError("partials of different columns cannot be merged")
    for column, other in zip(columns, others, strict=True):
        column.count += other.count
        column.nulls += other.nulls
        column.nan += other.nan
        column.infinite += other.infinite
        if column.values is not None and other.values is not None:
            column.values.merge(other.values)
        if column.moments is not None and other.moments is not None:
            column.moments.merge(other.moments)
        _merge_columns(column.parts, other.parts)


def _as_json(column: Column) -> Partial:
    return dict(_members(column))


def _members(column: Column) -> Iterator[tuple[str, Any]]:
    yield from (("name", column.name), ("type", column.type), ("kind", column.kind))
    yield from (("count", column.count), ("nulls", column.nulls))
    if column.kind == "number":
        yield from (("nan", column.nan), ("infinite", column.infinite))
    if column.values is not None:
        yield "values", column.values.as_json()
    if column.moments is not None:
        yield "moments", column.moments.as_json()
    if column.parts:
        yield "parts", [_as_json(part) for part in column.parts]


def _from_json(value: Mapping[str, Any]) -> Column:
    return Column(
        value["name"],
        value["type"],
        value["kind"],
        value["count"],
        value["nulls"],
        value.get("nan", 0),
        value.get("infinite", 0),
        Values.from_json(value["values"]) if "values" in value else None,
        Moments.from_json(value["moments"]) if "moments" in value else None,
        [_from_json(part) for part in value.get("parts", ())],
    )
