"""A layout as plain JSON, and the order in which files store columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from generation.quality.arrow import ArrowField
from generation.runner.jobs import JsonObject
from generation.sdk import Layout, Table
from generation.sdk.rules import NotUnderstood, Rule, faults_in, read_rule, read_tests

_DESCRIBED = ("description", "role", "unit", "media")


def _is_point_or_span(type_: pa.DataType) -> bool:
    """Times, dates and durations; Parquet has no intervals of months, days and nanoseconds."""
    return bool(pa.types.is_temporal(type_)) and not pa.types.is_interval(type_)


#: What a column without members may hold.
_STORED: tuple[Callable[[pa.DataType], bool], ...] = (
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal128,
    _is_point_or_span,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_fixed_size_binary,
)


def is_list(type_: pa.DataType) -> bool:
    """Whether a type is a list, of any length or of one."""
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_))


def is_media(field: ArrowField) -> bool:
    """Whether a column holds pictures, clips or other encoded media, by its field metadata."""
    return b"media" in (field.metadata or {})


def media_type(field: ArrowField) -> str:
    """Return the media type of a media column, such as ``image/jpeg``."""
    name: bytes = (field.metadata or {})[b"media"]
    return name.decode()


def classes_of(field: ArrowField) -> Mapping[str, Sequence[str]]:
    """Return the classes of a column by the path of the member that holds them; the path of the column is empty."""
    classes: Mapping[str, Sequence[str]] = json.loads((field.metadata or {}).get(b"classes", b"{}"))
    return classes


def stored_order(schema: pa.Schema) -> pa.Schema:
    """Return ``schema`` with media columns last, so that a read of the others touches no picture."""
    return pa.schema(sorted(schema, key=is_media), metadata=schema.metadata)


def faults_of(layout: Layout) -> list[str]:
    """Return everything that keeps a layout from being made: names, keys, references and types."""
    faults: list[str] = []
    names = [table.name for table in layout.tables]
    if not names:
        faults.append("the layout has no table")
    if len(set(names)) < len(names):
        faults.append("two tables have the same name")
    if layout.block < 1:
        faults.append(f"a block must have at least one unit, not {layout.block}")
    for table in layout.tables:
        faults += [f"table {table.name!r}: {fault}" for fault in _table_faults(table, layout)]
    return faults


def layout_json(layout: Layout) -> JsonObject:
    """Return the layout as the recipe, the manifest and pages hold it."""
    return {"unit": layout.unit, "block": layout.block, "tables": [_table_json(table) for table in layout.tables]}


def _table_json(table: Table) -> JsonObject:
    return {
        "name": table.name,
        "schema": [_column_json(field) for field in stored_order(table.schema)],
        "key": list(table.key),
        "references": {column: list(target) for column, target in table.references.items()},
        "rows": table.rows,
        **({"rules": list(table.rules)} if table.rules else {}),
        **({"kept": table.kept} if table.kept else {}),
        **({"like": list(table.like)} if table.like else {}),
    }


def _column_json(field: ArrowField) -> JsonObject:
    metadata = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    return {
        "name": field.name,
        "type": str(field.type),
        "nullable": field.nullable,
        **{key: metadata.get(key) for key in _DESCRIBED},
        **({"classes": classes} if (classes := classes_of(field)) else {}),
    }


def _table_faults(table: Table, layout: Layout) -> list[str]:
    columns = table.schema.names
    faults = []
    if not (table.name.isascii() and table.name.replace("-", "_").isidentifier()):
        faults.append("a table is named by a word of letters, digits, - and _")
    if not columns:
        faults.append("it has no column")
    if len(set(columns)) < len(columns):
        faults.append("two columns have the same name")
    faults += [f"key column {name!r} is not there" for name in table.key if name not in columns]
    schemas = {other.name: other.schema for other in layout.tables}
    for column, (target, target_column) in table.references.items():
        if column not in columns:
            faults.append(f"reference column {column!r} is not there")
        if target not in schemas or target_column not in schemas[target].names:
            faults.append(f"reference {column!r} points to {target}.{target_column}, which is not there")
    faults += [
        f"column {field.name!r} has type {field.type}, which is not stored: "
        "dictionaries, unions, views, intervals and extension types are not"
        for field in table.schema
        if not _plain(field.type)
    ]
    for field in table.schema:
        faults += [f"column {field.name!r}: {fault}" for fault in _class_faults(field)]
    faults += [f"like {text!r}: {fault}" for text in table.like for fault in _like_faults(text, table.schema)]
    return faults + [f"rule {text!r}: {fault}" for text in table.rules for fault in _rule_faults(text, table.schema)]


def _rule_faults(text: str, schema: pa.Schema) -> list[str]:
    try:
        return [fault.message for fault in faults_in(read_rule(text), schema)]
    except NotUnderstood as fault:
        return [fault.message]


def _like_faults(text: str, schema: pa.Schema) -> list[str]:
    try:
        return [fault.message for fault in faults_in(Rule(text, read_tests(text)), schema)]
    except NotUnderstood as fault:
        return [fault.message]


def _class_faults(field: ArrowField) -> list[str]:
    faults = []
    for path, names in classes_of(field).items():
        if not names or len(set(names)) < len(names):
            faults.append(f"classes are at least one name, and each name once, not {list(names)}")
        type_ = _member_type(field.type, path)
        if type_ not in (pa.string(), pa.large_string()):
            faults.append(f"classes are those of texts, and {path or field.name!r} is {type_ or 'not there'}")
    return faults


def _member_type(type_: pa.DataType, path: str) -> pa.DataType | None:
    """The type at ``path`` within ``type_``, past all lists; None where there is no such member."""
    for name in path.split(".") if path else ():
        type_ = _past_lists(type_)
        number = type_.get_field_index(name) if pa.types.is_struct(type_) else -1
        if number < 0:
            return None
        type_ = type_.field(number).type
    return _past_lists(type_)


def _past_lists(type_: pa.DataType) -> pa.DataType:
    while is_list(type_):
        type_ = type_.value_type
    return type_


def _plain(type_: pa.DataType) -> bool:
    """Whether a type is one that every reader of Parquet understands."""
    if isinstance(type_, pa.BaseExtensionType):
        return False
    if pa.types.is_struct(type_):
        return type_.num_fields > 0 and all(_plain(type_.field(i).type) for i in range(type_.num_fields))
    if is_list(type_):
        return _plain(type_.value_type)
    return any(is_stored(type_) for is_stored in _STORED)
