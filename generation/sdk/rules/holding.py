"""Which rows keep a rule: Arrow in, a truth value a row out. A comparison with a missing value holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from generation.sdk.rules.language import Among, Name, NotUnderstood, Presence, Rule, Sign, Test

Bools: TypeAlias = NDArray[np.bool_]
_Array: TypeAlias = Any
_pc: Any = pyarrow.compute

_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")
_COMPARE = {
    "=": _pc.equal,
    "≠": _pc.not_equal,
    "<": _pc.less,
    "≤": _pc.less_equal,
    ">": _pc.greater,
    "≥": _pc.greater_equal,
}
_ORDERS: frozenset[Sign] = frozenset({"<", "≤", ">", "≥"})


def faults_in(rule: Rule, schema: pa.Schema) -> list[NotUnderstood]:
    """Everything that keeps a rule from being checked on a table of ``schema``."""
    if rule.unique is not None:
        return _faults_of_column(rule.unique, schema)
    return [fault for test in (*rule.when, *rule.then) for fault in faults_of_test(test, schema)]


def faults_of_test(test: Test, schema: pa.Schema) -> list[NotUnderstood]:
    """Everything that keeps a test from being made on a table of ``schema``."""
    if faults := _faults_of_column(test.column, schema):
        return faults
    type_ = schema.field(test.column).type
    if isinstance(test, Presence):
        return []
    if isinstance(test, Among):
        return list(_faults_of_values(test.values, test.column, type_))
    other = column_of(test.other, schema)
    if test.sign in _ORDERS and _kind(type_) in ("text", "boolean"):
        message = f"Column “{test.column}” has no order; it holds {_kind(type_)}s."
        return [NotUnderstood(message, "Use =, ≠ or in (…).")]
    if other is None:
        return list(_faults_of_values((test.other.text,), test.column, type_))
    if _kind(schema.field(other).type) != _kind(type_):
        message = f"Columns “{test.column}” and “{other}” hold different kinds of values."
        return [NotUnderstood(message, "Compare columns of one kind.")]
    if _kind(type_) == "moment" and (type_.tz is None) != (schema.field(other).type.tz is None):
        message = f"Of columns “{test.column}” and “{other}” one has times of a zone, the other of none."
        return [NotUnderstood(message, "Compare columns that both have a zone, or both none.")]
    return []


def rows_that_keep(rule: Rule, rows: pa.RecordBatch | pa.Table) -> Bools:
    """The rows that keep a rule. Raises ``ValueError`` for one about uniqueness, which no row keeps by itself."""
    if rule.unique is not None:
        raise ValueError("whether values are unique is no question to one row")
    kept = np.ones(rows.num_rows, dtype=bool)
    for test in rule.then:
        kept &= _passes(test, rows, blank=True)
    for test in rule.when:
        kept |= ~_passes(test, rows, blank=False)
    return kept if rule.then else np.ones(rows.num_rows, dtype=bool)


def rows_that_pass(tests: Sequence[Test], rows: pa.RecordBatch | pa.Table) -> Bools:
    """The rows that pass all tests; one with a missing value passes none but ``is missing``."""
    passed = np.ones(rows.num_rows, dtype=bool)
    for test in tests:
        passed &= _passes(test, rows, blank=False)
    return passed


def column_of(name: Name, schema: pa.Schema) -> str | None:
    """The column that a name on the right of a sign means, ``None`` if it is a value."""
    return name.text if not name.quoted and name.text in schema.names else None


def value_of(text: str, type_: Any) -> Any:
    """The value of an Arrow type that ``text`` says; numbers as ``float``. Raises ``NotUnderstood``."""
    kind = _kind(type_)
    try:
        if kind == "number":
            return float(re.sub(r"(?<=\d)[ \u00a0\u202f_](?=\d)", "", text))
        if kind == "boolean":
            return {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}[text.lower()]
        if kind == "date":
            return date.fromisoformat(text)
        if kind == "moment":
            moment = datetime.fromisoformat(text)
            if type_.tz is None:
                return moment.replace(tzinfo=None)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if kind == "time":
            return time.fromisoformat(text)
    except (KeyError, ValueError) as error:
        raise NotUnderstood(f"“{text}” is no {kind}.", _EXAMPLES[kind]) from error
    return text


_EXAMPLES = {
    "number": "Write a number such as 12.5.",
    "boolean": "Write true or false.",
    "date": "Write year, month, day, for example 2026-11-24.",
    "moment": "Write it like 2026-11-24T14:01:00.",
    "time": "Write it like 14:01:00.",
}


def _faults_of_column(name: str, schema: pa.Schema) -> list[NotUnderstood]:
    if name in schema.names:
        return []
    remedy = "Write the name as it is in the header; put it in double quotes if it has spaces or signs."
    return [NotUnderstood(f"There is no column “{name}”.", remedy)]


def _faults_of_values(values: Sequence[str], column: str, type_: Any) -> Iterator[NotUnderstood]:
    for value in values:
        try:
            value_of(value, type_)
        except NotUnderstood as fault:
            yield NotUnderstood(f"Column “{column}”: {fault.message}", fault.remedy)


def _kind(type_: Any) -> str:
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "number"
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_date(type_):
        return "date"
    if pa.types.is_timestamp(type_):
        return "moment"
    return "time" if pa.types.is_time(type_) else "text"


def _passes(test: Test, rows: pa.RecordBatch | pa.Table, *, blank: bool) -> Bools:
    """Whether each row passes a test; ``blank`` is the answer where a value is missing."""
    array = rows.column(test.column)
    if isinstance(test, Presence):
        return _truth(_pc.is_valid(array) if test.known else _pc.is_null(array), blank=False)
    if isinstance(test, Among):
        values = [value_of(value, array.type) for value in test.values]
        answer = _pc.is_in(_plain(array), pa.array(values, _common(array.type)))
        inside = _truth(answer, blank=False) == test.inside
        return np.where(_truth(_pc.is_null(array), blank=False), blank, inside)
    other = column_of(test.other, rows.schema)
    right = _scalar(test.other.text, array.type) if other is None else _plain(rows.column(other))
    return _truth(_COMPARE[test.sign](_plain(array), right), blank=blank)


def _truth(array: _Array, *, blank: bool) -> Bools:
    filled = _pc.fill_null(array, blank)
    flat = filled.combine_chunks() if isinstance(filled, pa.ChunkedArray) else filled
    truth: Bools = flat.to_numpy(zero_copy_only=False).astype(bool)
    return truth


def _plain(array: _Array) -> _Array:
    """The array in a type in which it can be compared with any other of its kind."""
    return array.cast(_common(array.type), safe=False)


def _scalar(text: str, type_: Any) -> Any:
    return pa.scalar(value_of(text, type_), _common(type_))


def _common(type_: Any) -> Any:
    kind = _kind(type_)
    if kind == "number":
        return pa.float64()
    if kind == "moment":
        return pa.timestamp("us", tz=None if type_.tz is None else "UTC")
    return {"date": pa.date32(), "time": pa.time64("us"), "boolean": pa.bool_(), "text": pa.string()}[kind]
