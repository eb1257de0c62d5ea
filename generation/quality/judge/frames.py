"""Tables as the measures see them: every column as numbers, the same numbering for all tables that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generation.quality.arrow import ArrowArray, ArrowField, pc

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Kind = Literal["number", "time", "category"]


@dataclass(frozen=True)
class Column:
    """A column of ``n`` rows. ``values`` has shape (n,), with NaN where nothing is.

    Numbers are as they are; dates and moments are seconds since 1970 in UTC, times of day seconds since midnight;
    categories are places in ``levels``, which are the same in all frames that were made together.
    """

    name: str
    kind: Kind
    values: Floats
    levels: tuple[str, ...] = ()

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Where nothing is; shape (n,)."""
        return np.isnan(self.values)

    def codes(self) -> Ints:
        """Places in ``levels``, -1 where nothing is; shape (n,). Of a category."""
        return np.where(self.missing, -1, np.nan_to_num(self.values)).astype(np.int64)


@dataclass(frozen=True)
class Frame:
    """Columns of equally many rows."""

    columns: tuple[Column, ...]
    rows: int

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return a column by its name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def take(self, places: Ints | NDArray[np.bool_]) -> Frame:
        """Return the rows at ``places``, or those that a mask chooses."""
        columns = tuple(Column(one.name, one.kind, one.values[places], one.levels) for one in self.columns)
        return Frame(columns, int(places.sum()) if places.dtype == np.bool_ else len(places))


def frames(first: pa.Table, *others: pa.Table) -> tuple[Frame, ...]:
    """Make tables comparable: the columns of ``first`` that are no keys and can be compared, in its order.

    Levels of categories are those of all tables together, most frequent in ``first`` first, then by name. Keys (role
    ``key`` in the field's metadata), lists, structs and bytes are left out: ``left_out`` names them. Raises KeyError
    when another table lacks a column.
    """
    tables = (first, *others)
    columns = [
        _columns(field, [table.column(field.name) for table in tables]) for field in first.schema if _kind(field)
    ]
    return tuple(Frame(tuple(each[place] for each in columns), table.num_rows) for place, table in enumerate(tables))


def left_out(schema: pa.Schema) -> list[str]:
    """Name the columns that ``frames`` leaves out."""
    return [field.name for field in schema if _kind(field) is None]


def _kind(field: ArrowField) -> Kind | None:
    type_, is_ = field.type, pa.types
    if (field.metadata or {}).get(b"role") == b"key":
        return None
    if is_.is_dictionary(type_):
        type_ = type_.value_type
    if is_.is_boolean(type_) or is_.is_string(type_) or is_.is_large_string(type_):
        return "category"
    if is_.is_temporal(type_) and not is_.is_duration(type_):
        return "time"
    if is_.is_integer(type_) or is_.is_floating(type_) or is_.is_decimal(type_):
        return "number"
    return None


def _columns(field: ArrowField, arrays: Sequence[pa.ChunkedArray]) -> list[Column]:
    kind = _kind(field)
    if kind == "category":
        return _categories(field.name, [array.cast(pa.string()) for array in arrays])
    if kind == "time":
        return [Column(field.name, kind, _seconds(array)) for array in arrays]
    return [Column(field.name, "number", _floats(array)) for array in arrays]


def _categories(name: str, arrays: Sequence[pa.ChunkedArray]) -> list[Column]:
    counted = arrays[0].drop_null().value_counts()
    first = dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
    found = {level for array in arrays for level in array.unique().drop_null().to_pylist()}
    levels = sorted(found, key=lambda level: (-first.get(level, 0), level))
    known = pa.array(levels, pa.string())
    return [Column(name, "category", _floats(pc.index_in(array, known)), tuple(levels)) for array in arrays]


def _seconds(array: ArrowArray) -> Floats:
    type_, is_ = array.type, pa.types
    if is_.is_date(type_):
        return _floats(array.cast(pa.date32()).cast(pa.int32())) * 86_400
    target = pa.time64("us") if is_.is_time(type_) else pa.timestamp("us", tz=type_.tz)
    return _floats(array.cast(target, safe=False).cast(pa.int64())) / 1e6


def _floats(array: ArrowArray) -> Floats:
    """As float64, NaN for nulls and for what is not finite."""
    numbers: Floats = pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)
