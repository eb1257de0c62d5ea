"""Reading a sketch that somebody made elsewhere: all that is wrong with it at once, and nothing absurd let in."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from generation.quality.judge.drift.sketches import PEOPLE, SCHEMA

#: The most bytes and columns of a sketch.
MOST_BYTES: Final = 4 << 20
MOST_COLUMNS: Final = 1_000
_MOST_ROWS = 10**12
_MOST_PARTS = 1_000  # bins or levels of a column
_LONGEST = 1_000
_LARGEST = 1e150
_LISTED = 40
_MADE_BY = "Make it with “lookalike profile FILE”, and send it as it is."

_MEMBERS = {
    "category": ("name", "kind", "missing", "levels", "other"),
    "number": ("name", "kind", "missing", "edges", "counts"),
    "time": ("name", "kind", "missing", "edges", "counts"),
}


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a sketch; ``field`` is its path, such as ``columns.3.counts``."""

    field: str
    message: str
    remedy: str = _MADE_BY
    code: str = "invalid"


class Refused(Exception):
    """The text is no sketch; ``faults`` are the first forty, the last saying how many more there are."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(" ".join(f"{fault.field}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)


def read(text: bytes) -> dict[str, Any]:
    """Return the sketch that ``text`` is. Raises Refused."""
    document = _parsed(text)
    found = list(_document_faults(document))
    if len(found) > _LISTED:
        more = Fault("", f"{len(found) - _LISTED:,} more of its parts are wrong.", _MADE_BY, "more")
        found = [*found[:_LISTED], more]
    if found:
        raise Refused(found)
    sketch: dict[str, Any] = document
    return sketch


def _parsed(text: bytes) -> Any:
    if len(text) > MOST_BYTES:
        message = f"It has {len(text):,} bytes; a sketch has {MOST_BYTES:,} at most."
        raise Refused([Fault("", message, "Profile fewer columns.", "too_large")])
    try:
        document = json.loads(text, parse_constant=_no_number, object_pairs_hook=_once, parse_float=_finite)
        json.dumps(document, ensure_ascii=False).encode()
        return document
    except UnicodeError:
        message = "Its text is not UTF-8, or half a character is escaped in it."
    except RecursionError:
        message = "It is nested too deeply."
    except ValueError as error:
        message = f"It is no JSON that can be read: {str(error)[:120]}."
    raise Refused([Fault("", message, _MADE_BY, "json")])


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose members are there once: of two, readers take different ones."""
    if twice := [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]:
        raise ValueError(f"“{twice[0][:40]}” is there twice in one object")
    return dict(pairs)


def _document_faults(document: Any) -> Iterator[Fault]:
    if not isinstance(document, dict):
        yield Fault("", "It is no JSON object.")
        return
    if document.get("schema") != SCHEMA:
        yield Fault("schema", f"It says {_quoted(document.get('schema'))}, not “{SCHEMA}”.", code="schema")
        return
    yield from _member_faults("", document, ("schema", "rows", "columns"))
    rows = document.get("rows")
    if "rows" in document and not _counts(rows, least=1):
        yield Fault("rows", f"{_quoted(rows)} is no number of rows: take a whole one from 1 on.", code="range")
        rows = None
    columns = document.get("columns")
    if not isinstance(columns, list):
        if "columns" in document:
            yield Fault("columns", "It is no list.")
        return
    if not 1 <= len(columns) <= MOST_COLUMNS:
        message = f"There are {len(columns):,} columns; there may be 1 to {MOST_COLUMNS:,}."
        yield Fault("columns", message, "Profile a table with fewer columns.", "range")
        return
    names = Counter(column["name"] for column in columns if isinstance(column, dict) and _is_name(column.get("name")))
    for name, times in names.items():
        if times > 1:
            yield Fault("columns", f"{times} columns are called {_quoted(name)}.", "Name each differently.", "twice")
    for place, column in enumerate(columns):
        yield from _column_faults(f"columns.{place}", column, rows)


def _column_faults(path: str, column: Any, rows: int | None) -> Iterator[Fault]:
    if not isinstance(column, dict):
        yield Fault(path, "It is no JSON object.")
        return
    if str(column.get("kind")) not in _MEMBERS:
        kinds = ", ".join(_MEMBERS)
        yield Fault(f"{path}.kind", f"{_quoted(column.get('kind'))} is no kind of column.", f"Use one of {kinds}.")
        return
    yield from _member_faults(f"{path}.", column, _MEMBERS[column["kind"]])
    if "name" in column and not _is_name(column["name"]):
        yield Fault(f"{path}.name", f"A name is a text of 1 to {_LONGEST:,} characters.")
    if "missing" in column and not _counts(column["missing"]):
        yield Fault(f"{path}.missing", f"{_quoted(column['missing'])} is no number of rows.", code="range")
    faults = list(_level_faults(path, column) if column["kind"] == "category" else _bin_faults(path, column))
    yield from faults
    if not faults and rows is not None and _counts(column.get("missing")) and _is_whole(column):
        held = sum(count for _, count in column["levels"]) + column["other"] if "levels" in column else 0
        told = held + sum(column.get("counts", ())) + column["missing"]
        if told != rows:
            yield Fault(path, f"Its counts come to {told:,} rows; the table has {rows:,}.", code="sum")


def _is_whole(column: Mapping[str, Any]) -> bool:
    return all(member in column for member in _MEMBERS[column["kind"]])


def _level_faults(path: str, column: Mapping[str, Any]) -> Iterator[Fault]:
    if "other" in column and not _counts(column["other"]):
        yield Fault(f"{path}.other", f"{_quoted(column['other'])} is no number of rows.", code="range")
    if "levels" not in column:
        return
    levels = column["levels"]
    if not isinstance(levels, list) or len(levels) > _MOST_PARTS or not all(_is_level(one) for one in levels):
        yield Fault(
            f"{path}.levels", f"Levels are pairs of a text and a whole number, {_MOST_PARTS:,} of them at most."
        )
        return
    if len({name for name, _ in levels}) < len(levels):
        yield Fault(f"{path}.levels", "A level is there twice.", code="twice")
    if any(count < PEOPLE for _, count in levels):
        yield Fault(f"{path}.levels", f"A level has fewer than {PEOPLE} rows: it tells of people.", code="people")


def _bin_faults(path: str, column: Mapping[str, Any]) -> Iterator[Fault]:
    edges, counts = column.get("edges"), column.get("counts")
    if edges is not None and not (isinstance(edges, list) and len(edges) < _MOST_PARTS and all(map(_is_edge, edges))):
        message = f"Edges are numbers of an amount of {_LARGEST:g} at most, fewer than {_MOST_PARTS:,} of them."
        yield Fault(f"{path}.edges", message)
        edges = None
    elif edges is not None and any(low >= high for low, high in pairwise(edges)):
        yield Fault(f"{path}.edges", "Edges rise from one to the next.", code="order")
    if counts is not None and not (isinstance(counts, list) and all(map(_counts, counts))):
        yield Fault(f"{path}.counts", "Counts are whole numbers from 0 on.")
        counts = None
    if edges is None or counts is None:
        return
    if len(counts) != len(edges) + 1:
        yield Fault(f"{path}.counts", f"{len(edges)} edges make {len(edges) + 1} bins, not {len(counts)}.", code="sum")
    elif len(counts) > 1 and min(counts) < PEOPLE:
        yield Fault(f"{path}.counts", f"A bin has fewer than {PEOPLE} rows: it tells of people.", code="people")


def _member_faults(path: str, found: Mapping[str, Any], members: Sequence[str]) -> Iterator[Fault]:
    for name in members:
        if name not in found:
            yield Fault(f"{path}{name}", "It is missing.", code="required")
    for name in found:
        if name not in members:
            yield Fault(f"{path}{name[:40]}", "Nothing of this name belongs here.", "Leave it out.", "unknown")


def _counts(value: Any, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= _MOST_ROWS


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= _LONGEST and "\0" not in value


def _is_level(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and len(value[0]) <= _LONGEST
        and "\0" not in value[0]
        and _counts(value[1])
    )


def _is_edge(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _quoted(value: Any) -> str:
    return f"“{str(value)[:40]}”" if value is not None else "nothing"
