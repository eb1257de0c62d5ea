"""What an answer key says was planted, read as the sdk writes it and checked against the layout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from generation.sdk import Layout, Table
from generation.sdk.planted import PLANTED, Cause, Planted

_SHAPE = TypeAdapter(list[Planted])


def planted_in(key: Any) -> list[Planted]:
    """Return what an answer key says was planted; nothing where it has no such member. Raises ValueError."""
    found = key.get(PLANTED) if isinstance(key, Mapping) else None
    return [] if found is None else _SHAPE.validate_python(found)


def faults_of_planted(key: Any, layout: Layout) -> list[str]:
    """Return everything that keeps what an answer key says was planted from being looked for in the data."""
    try:
        planted = planted_in(key)
    except ValidationError as error:
        return [f"{_path(fault['loc'])}: {fault['msg']}" for fault in error.errors(include_url=False)]
    tables = {table.name: table for table in layout.tables}
    return [
        f"{PLANTED}.{place}: {fault}"
        for place, one in enumerate(planted)
        for fault in (
            _faults(one, tables[one.table]) if one.table in tables else [f"there is no table {one.table!r} to plant in"]
        )
    ]


def _faults(planted: Planted, table: Table) -> Iterator[str]:
    names = table.schema.names
    said = [*planted.gives_away, *(name for cause in planted.causes for name in cause.columns)]
    named = [planted.column, *said, *([planted.unit] if planted.unit is not None else [])]
    for name in sorted({name for name in named if name not in names}):
        yield f"table {table.name!r} has no column {name!r}"
    if planted.column in names and not _holds_answers(table.schema.field(planted.column).type):
        yield f"{planted.column!r} holds neither text nor booleans, so it names no cause"
    values = [cause.value for cause in planted.causes]
    for value in sorted({value for value in values if values.count(value) > 1 or value in planted.nothing}):
        yield f"{value!r} is planted twice, or is nothing too"
    for cause in planted.causes:
        yield from _cause_faults(cause)


def _cause_faults(cause: Cause) -> Iterator[str]:
    if cause.rows is not None and cause.share is not None:
        yield f"{cause.value!r} has rows and a share; say which of both is meant"
    if cause.rows is not None and cause.rows < 0:
        yield f"{cause.value!r} has {cause.rows} rows"
    if cause.share is not None and not 0 <= cause.share <= 1:
        yield f"{cause.value!r} has a share of {cause.share:g}; a share lies between 0 and 1"


def _holds_answers(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_boolean(type_))


def _path(place: tuple[int | str, ...]) -> str:
    return ".".join([PLANTED, *map(str, place)])
