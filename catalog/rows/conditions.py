"""Conditions on rows: ``amount > 100 and country = 'DE'``, read by us and put to the database as parameters.

A condition is a column, a comparison and a value; several are joined by ``and``. Nothing of what was typed becomes SQL
at all: columns go by their places, ``c0``, ``c1`` and so on (DuckDB does not tell Name from name).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Literal

import pyarrow as pa

from marketplace.web.problems import Fault

LONGEST = 1_000
_GRAMMAR = (
    "Write conditions such as amount >= 100 and country = 'DE', joined by “and”; compare with = != < <= > >=, "
    "contains, is null, is not null."
)
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")+")
      | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])
      | (?P<sign><=|>=|!=|<>|=|<|>)
      | (?P<word>[^\W\d]\w*)
    )""",
    re.VERBOSE,
)
_ORDERED = {"=": "=", "!=": "<>", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}

Kind = Literal["number", "text", "boolean", "time", ""]


@dataclass(frozen=True)
class Clause:
    """SQL with a question mark for each parameter."""

    sql: str
    parameters: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Order:
    """A column to sort by."""

    column: str
    descending: bool
    sql: str


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        return self.text.lower() if self.kind == "word" else ""


class _Fault(Exception):
    def __init__(self, message: str, remedy: str = _GRAMMAR, code: str = "syntax") -> None:
        super().__init__(message)
        self.fault = Fault("where", message, remedy, code)


def where(text: str, schema: pa.Schema, faults: list[Fault]) -> Clause:
    """The conditions that ``text`` states on the columns of ``schema``; what is wrong with each goes to ``faults``."""
    if not text.strip():
        return Clause("TRUE")
    try:
        clauses = _Reader(text, schema, faults).read()
    except _Fault as error:
        faults.append(error.fault)
        return Clause("TRUE")
    return Clause(" AND ".join(c.sql for c in clauses), tuple(p for c in clauses for p in c.parameters))


def order(text: str, schema: pa.Schema, faults: list[Fault]) -> Order | None:
    """The column that ``text`` names, ``-column`` or ``column desc`` for the largest first."""
    asked = text.strip()
    if not asked:
        return None
    descending = asked.startswith("-") or asked.lower().endswith(" desc")
    column = re.sub(r"\s+(asc|desc)$", "", asked.removeprefix("-"), flags=re.IGNORECASE).strip()
    if column.startswith('"') and column.endswith('"') and len(column) > 1:
        column = column[1:-1].replace('""', '"')
    if column not in schema.names or not kind(schema.field(column).type):
        can = [field.name for field in schema if kind(field.type)]
        faults.append(Fault("orderby", f"“{column[:40]}” cannot be sorted by.", f"Use {', '.join(can)}.", "unknown"))
        return None
    # What is null comes last either way.
    sql = f"{place(schema, column)} {'DESC' if descending else 'ASC'} NULLS LAST"
    return Order(column, descending, sql)


def kind(type_: pa.DataType) -> Kind:
    """How values of a type are compared; empty where they are not."""
    if pa.types.is_dictionary(type_):
        return kind(type_.value_type)
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "number"
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return "text"
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_timestamp(type_) or pa.types.is_date(type_) or pa.types.is_time(type_):
        return "time"
    return ""


def place(schema: pa.Schema, column: str) -> str:
    """A column's name in SQL."""
    return f"c{schema.names.index(column)}"


class _Reader:
    """Reads conditions one by one; a wrong name or value is told and the next condition read."""

    def __init__(self, text: str, schema: pa.Schema, faults: list[Fault]) -> None:
        self._tokens = _tokens(text)
        self._schema = schema
        self._faults = faults
        self._next = 0

    def read(self) -> list[Clause]:
        clauses = []
        while True:
            clause = self._condition()
            if clause is not None:
                clauses.append(clause)
            if self._next == len(self._tokens):
                return clauses or [Clause("TRUE")]
            joined = self._take("“and”")
            if joined.word != "and":
                raise _Fault(f"“{joined.text[:20]}” at character {joined.at + 1} should be “and”.")

    def _take(self, wanted: str) -> _Token:
        if self._next == len(self._tokens):
            raise _Fault(f"The condition ends where {wanted} should follow.")
        self._next += 1
        return self._tokens[self._next - 1]

    def _condition(self) -> Clause | None:
        token = self._take("a column")
        if token.kind not in ("word", "quoted"):
            raise _Fault(f"“{token.text[:20]}” at character {token.at + 1} should be a column.")
        column = token.text[1:-1].replace('""', '"') if token.kind == "quoted" else token.text
        compared = self._take("a comparison")
        if compared.word == "is":
            return self._null(column)
        if compared.kind != "sign" and compared.word != "contains":
            raise _Fault(f"“{compared.text[:20]}” at character {compared.at + 1} should be a comparison.")
        value = self._take("a value")
        try:
            return self._compared(column, compared, value)
        except _Fault as error:
            self._faults.append(error.fault)
            return None

    def _null(self, column: str) -> Clause | None:
        token = self._take("“null”")
        negated = token.word == "not"
        if negated:
            token = self._take("“null”")
        if token.word != "null":
            raise _Fault(f"“{token.text[:20]}” at character {token.at + 1} should be “null”.")
        try:
            self._kind(column)
        except _Fault as error:
            self._faults.append(error.fault)
            return None
        return Clause(f"{place(self._schema, column)} IS {'NOT ' if negated else ''}NULL")

    def _kind(self, column: str) -> Kind:
        can = [field.name for field in self._schema if kind(field.type)]
        if column not in can:
            raise _Fault(f"“{column[:40]}” is no column that can be compared.", f"Use {', '.join(can)}.", "unknown")
        return kind(self._schema.field(column).type)

    def _compared(self, column: str, compared: _Token, value: _Token) -> Clause:
        of = self._kind(column)
        if compared.word == "contains":
            if of != "text" or value.kind != "text":
                raise _Fault(f"“contains” does not fit {column}.", "Use it with a text column and 'a text'.", "type")
            return Clause(f"contains(lower({place(self._schema, column)}), lower(?))", (_text(value),))
        operator = _ORDERED[compared.text]
        if of == "boolean" and operator not in ("=", "<>"):
            raise _Fault(f"{column} is true or false and has no order.", "Use = or !=.", "type")
        read = _VALUES[of](value)
        if read is None:
            raise _Fault(f"“{value.text[:40]}” does not fit {column}.", f"Compare it with {_WANTED[of]}.", "type")
        if of == "time":
            type_ = _sql_type(self._schema.field(column).type)
            try:
                # Python reads more forms than the database casts (week dates, hours alone): it is given one of both.
                read = _FROM_ISO[type_](read).isoformat()
            except ValueError:
                wanted = f"Compare it with {_WANTED[of]}."
                raise _Fault(f"“{read[:40]}” does not fit {column}.", wanted, "type") from None
            return Clause(f"{place(self._schema, column)} {operator} CAST(? AS {type_})", (read,))
        return Clause(f"{place(self._schema, column)} {operator} ?", (read,))


def _tokens(text: str) -> Sequence[_Token]:
    if len(text) > LONGEST:
        raise _Fault(f"The condition has {len(text):,} characters.", f"Use {LONGEST:,} at most.", "length")
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise _Fault(f"“{text[at : at + 20].strip()}” at character {at + 1} cannot be read.")
        tokens.append(_Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup)))
        at = found.end()
    return tokens


def _text(value: _Token) -> str | None:
    return value.text[1:-1].replace("''", "'") if value.kind == "text" else None


def _number(value: _Token) -> int | float | None:
    if value.kind != "number":
        return None
    whole = value.text.lstrip("+-").isdecimal() and len(value.text) <= 19
    return int(value.text) if whole else float(value.text)


def _boolean(value: _Token) -> bool | None:
    return {"true": True, "false": False}.get(value.word)


def _time_of_day(text: str) -> time:
    """Raises ValueError for one with an offset: without a day it says nothing, and the database has no such type."""
    found = time.fromisoformat(text)
    if found.tzinfo is not None:
        raise ValueError("a time of day has no offset")
    return found


def _sql_type(type_: pa.DataType) -> str:
    if pa.types.is_date(type_):
        return "DATE"
    if pa.types.is_time(type_):
        return "TIME"
    return "TIMESTAMPTZ" if type_.tz else "TIMESTAMP"


_VALUES: dict[str, Callable[[_Token], Any]] = {"number": _number, "text": _text, "boolean": _boolean, "time": _text}
_WANTED = {
    "number": "a number, such as 10 or 0.5",
    "text": "a text in single quotes, such as 'DE'",
    "boolean": "true or false",
    "time": "a time in single quotes, such as '2026-11-26 14:00:00'",
}
_FROM_ISO: dict[str, Callable[[str], date | time]] = {
    "DATE": date.fromisoformat,
    "TIME": _time_of_day,
    "TIMESTAMP": datetime.fromisoformat,
    "TIMESTAMPTZ": datetime.fromisoformat,
}
