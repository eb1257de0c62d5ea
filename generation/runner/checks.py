"""What the writer refuses: batches that are not what the layout promised, whatever process they came from."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from generation.quality.arrow import ArrowArray, ArrowField, pc
from generation.quality.pictures import picture_header
from generation.runner.layouts import classes_of, is_list, is_media, media_type

_LARGEST_SIDE = 32_768  # pixels


class DataFault(Exception):
    """What came is not what the layout promised. The message names table and column."""


def checked(batch: pa.RecordBatch, declared: pa.Schema, table: str) -> pa.RecordBatch:
    """Return ``batch`` under its declared schema.

    Raises ``DataFault`` if names or types differ, if the buffers are not valid Arrow data (offsets, UTF-8, bounds), for
    a null where the schema allows none, for a picture that is no picture, and for a text that is none of its classes.
    """
    _refuse(_schema_faults(batch.schema, declared), table)
    try:
        batch.validate(full=True)
    except pa.ArrowException as error:
        raise DataFault(f"table {table}: the data is not valid Arrow: {error}") from error
    result = pa.RecordBatch.from_arrays(batch.columns, schema=declared)
    _refuse((f"column {path}: {count} nulls where none is allowed" for path, count in _nulls(result)), table)
    for field, column in zip(declared, result.columns, strict=True):
        if is_media(field):
            _refuse(_media_faults(field, column), table)
        _refuse(_class_faults(field, column), table)
    return result


def _refuse(faults: Iterator[str], table: str) -> None:
    found = list(faults)
    if found:
        more = f"; and {len(found) - 10} more" if len(found) > 10 else ""
        raise DataFault(f"table {table}: {'; '.join(found[:10])}{more}")


def _schema_faults(schema: pa.Schema, declared: pa.Schema) -> Iterator[str]:
    if schema.names != declared.names:
        missing = [name for name in declared.names if name not in schema.names]
        extra = [name for name in schema.names if name not in declared.names]
        if not missing and not extra:
            orders = ", ".join(schema.names), ", ".join(declared.names)
            yield f"the columns come in the order {orders[0]}, the layout says {orders[1]}"
        yield from (f"column {name} is missing" for name in missing)
        yield from (f"column {name} is not in the layout" for name in extra)
        return
    for field, expected in zip(schema, declared, strict=True):
        if field.type != expected.type:
            yield f"column {field.name} is {field.type}, the layout says {expected.type}"


def _nulls(batch: pa.RecordBatch) -> Iterator[tuple[str, int]]:
    """Yield (path, count) of nulls in fields that allow none, nested ones too."""
    for field, column in zip(batch.schema, batch.columns, strict=True):
        yield from _nulls_within(field, column, field.name)


def _nulls_within(field: ArrowField, array: ArrowArray, path: str) -> Iterator[tuple[str, int]]:
    if not field.nullable and array.null_count:
        yield path, array.null_count
    type_ = field.type
    if pa.types.is_struct(type_):
        present = array.drop_null() if array.null_count else array
        for child, values in zip(type_.fields, present.flatten(), strict=True):
            yield from _nulls_within(child, values, f"{path}.{child.name}")
    elif is_list(type_):
        yield from _nulls_within(type_.value_field, array.flatten(), f"{path}[]")


def _class_faults(field: ArrowField, column: ArrowArray) -> Iterator[str]:
    for path, names in classes_of(field).items():
        found = _member(column, path).drop_null()
        foreign = found.filter(pc.invert(pc.is_in(found, value_set=pa.array(names, found.type))))
        if len(foreign):
            place = f"{field.name}.{path}" if path else field.name
            yield f"column {place}: {foreign[0].as_py()!r} is none of its classes {', '.join(names)}"


def _member(array: ArrowArray, path: str) -> ArrowArray:
    """The values at ``path``, those of lists one after the other."""
    for name in path.split(".") if path else ():
        array = _past_lists(array)
        array = array.flatten()[array.type.get_field_index(name)]
    return _past_lists(array)


def _past_lists(array: ArrowArray) -> ArrowArray:
    while is_list(array.type):
        array = array.flatten()
    return array


def _media_faults(field: ArrowField, column: ArrowArray) -> Iterator[str]:
    expected = media_type(field)
    contents = column.flatten()[0] if pa.types.is_struct(field.type) else column
    for row, value in enumerate(contents):
        if not value.is_valid:
            if column[row].is_valid:
                yield f"column {field.name}, row {row}: there are no bytes"
            continue
        content = value.as_buffer()
        if expected in ("image/jpeg", "image/png"):
            fault = _picture_fault(memoryview(content), expected)
        else:
            fault = None if content.size else "there are no bytes"
        if fault:
            yield f"column {field.name}, row {row}: {fault}"


def _picture_fault(content: memoryview, expected: str) -> str | None:
    try:
        header = picture_header(content)
    except ValueError as error:
        return str(error)
    if header.media_type != expected:
        return f"it is {header.media_type}, the layout says {expected}"
    if not (0 < header.width <= _LARGEST_SIDE and 0 < header.height <= _LARGEST_SIDE):
        return f"{header.width} × {header.height} pixels are not a picture"
    return None
