"""What each column is, found by counting its distinct values on disk; the counts stay here.

Only the rows to learn from are counted: what is withheld decides nothing, or a later check against it would flatter.

DuckDB counts, because it does so within a bound of memory and spills the rest into the scratch folder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from generation.relations import Lookup, Relation, evenly, find, find_lookups, sample_of
from generation.runner.parse.arrow import ArrowType, pc
from generation.runner.parse.faults import Fault, Faults, K, Limits
from generation.runner.parse.notation import Reading
from generation.runner.parse.store import Store

_MOST_DECIMALS = 6
_SHORT = 80  # characters of a name or title
_FEW_SPACES = 9
_RELATED = ("number", "constant", "category", "boolean", "date", "datetime", "time")
_USABLE = ("number", "category", "date", "datetime", "time", "boolean")
_KEY_NAME = re.compile(
    r"(?i:(^|[_\s.-])(id|ids|key|uuid|guid|code|nr|no|number|num)$)|[a-z](Id|ID|Key|Code|Nr|No)$|(?i:^(id|key)[_\s.-])"
)


@dataclass(frozen=True)
class Column:
    """One column as its owner is told of it. Nothing here depends on fewer than ``K`` rows but the fact of uniqueness.

    ``missing`` is a share rounded to three digits, 0 when fewer than ``K`` rows are without a value; ``distinct`` is
    the power of ten at or below the number of distinct values. Both are of the rows to learn from.
    """

    name: str
    type: ArrowType
    kind: str
    missing: float
    distinct: int
    decimals: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The column's facts; all but name and type become metadata of the source's Arrow field."""
        facts = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**facts, "type": str(self.type)}


@dataclass(frozen=True)
class Understanding:
    """What was understood of an upload: rows, columns, what follows from what, warnings; no value of the data."""

    rows: int
    holdout_rows: int
    columns: tuple[Column, ...]
    relations: tuple[Relation | Lookup, ...]
    warnings: tuple[dict[str, str], ...]

    def as_json(self, size: int) -> dict[str, Any]:
        columns = [one.as_json() for one in self.columns]
        table = {
            "rows": self.rows,
            "holdout_rows": self.holdout_rows,
            "columns": columns,
            "relations": [{"formula": one.formula, "sentence": one.sentence} for one in self.relations],
            "warnings": list(self.warnings),
        }
        return {"tables": {"default": table}, "bytes": size}


def understand(store: Store, readings: Sequence[Reading], limits: Limits, faults: Faults) -> Understanding | None:
    """Find the kind of every stored column; ``None`` when faults stand in the way, old or new."""
    if faults:
        return None
    rows = pq.read_metadata(store.kept).num_rows
    withheld = pq.read_metadata(store.withheld).num_rows
    with duckdb.connect(config={"threads": 1, "memory_limit": f"{limits.memory_bytes >> 20}MiB"}) as database:
        database.execute("SET temp_directory = ?", [str(store.scratch)])
        found = [_column(database, store, reading, rows) for reading in readings]
    columns = tuple(column for column, _ in found)
    _check_use(columns, limits, faults)
    notes = [{"column": one.name, "message": one.note} for one in readings if one.note]
    notes += [{"column": one.name, "message": _WARNINGS[one.kind]} for one in columns if one.kind in _WARNINGS]
    notes += [{"column": column.name, "message": _MADE_UP} for column, made_up in found if made_up]
    notes += [{"column": one.name, "message": _IDENTIFIES} for one in columns if _may_identify(one, limits)]
    if faults:
        return None
    return Understanding(rows + withheld, withheld, columns, tuple(_relations(store, columns, limits)), tuple(notes))


def _relations(store: Store, columns: Sequence[Column], limits: Limits) -> list[Relation | Lookup]:
    """The relations between columns, found on a few thousand of the rows to learn from."""
    kinds = {column.name: column.kind for column in columns}
    wanted = [name for name in kinds if kinds[name] in _RELATED or name == limits.identifier]
    if not wanted:
        return []
    rows = pq.read_metadata(store.kept).num_rows
    places, first, kept = evenly(rows), 0, []
    for batch in pq.ParquetFile(store.kept).iter_batches(columns=wanted):
        here = places[(places >= first) & (places < first + batch.num_rows)] - first
        kept.append(batch.take(pa.array(here)))
        first += batch.num_rows
    table = pa.Table.from_batches(kept)
    sample = sample_of(table, kinds, limits.identifier)
    codes = {name: kind for name, kind in kinds.items() if name != limits.identifier}
    return [*find(sample), *find_lookups(table, codes, sample.people)]


_WARNINGS = {
    "text": "Free text, or values that hardly anybody shares: it will be left out of what is made, unless you have it "
    "learnt: others are then made up, of words that many texts have in that order.",
    "key": "Every row has its own value: new ones will be made, none is carried over.",
    "empty": f"Fewer than {K} rows have a value: it will come out empty.",
    "constant": "All rows that have a value have the same one.",
}


_MADE_UP = (
    "Most values are those of few rows: others are made up in their place, of words or characters that many share. If "
    "these are codes that anybody may know, call the column a public list; or leave it out."
)
_IDENTIFIES = (
    "Looks like numbers of people or things that have several rows each. If they are people, name this column as the "
    "identifying one: people are then counted instead of rows."
)


def _may_identify(column: Column, limits: Limits) -> bool:
    many = column.distinct >= 100 and column.kind in ("number", "category", "text")
    return many and column.name != limits.identifier and column.decimals is None and bool(_KEY_NAME.search(column.name))


def _check_use(columns: Sequence[Column], limits: Limits, faults: Faults) -> None:
    if not any(column.kind in _USABLE for column in columns):
        message = "No column can be learned from: all are keys, free text, constant or empty."
        faults.add(Fault("no_usable_column", message, "Upload a table with numbers, categories, dates or booleans."))
    if limits.identifier is not None and limits.identifier not in {column.name for column in columns}:
        message = f"There is no column “{limits.identifier[: limits.name_characters]}”."
        faults.add(Fault("identifier", message, "Name a column of the file, or none.", field="identifier"))


@dataclass(frozen=True)
class _Counts:
    """Distinct values, rows that have one, rows whose value ``K`` rows share, and the width of the range."""

    distinct: int
    values: int
    shared: int
    width: int


def _column(database: duckdb.DuckDBPyConnection, store: Store, reading: Reading, rows: int) -> tuple[Column, bool]:
    """What a column is, and whether most of its levels will be made up."""
    counts = _count(database, store, reading)
    missing = rows - counts.values
    kind = _kind(reading, counts, rows, store)
    decimals = _decimals(store, reading.name) if kind == "number" and _is_fractional(reading.type) else None
    column = Column(
        name=reading.name,
        type=reading.type,
        kind=kind,
        missing=round(missing / rows, 3) if missing >= K else 0.0,
        distinct=10 ** (len(str(counts.distinct)) - 1) if counts.distinct else 0,
        decimals=decimals,
    )
    return column, kind == "category" and counts.shared * 2 < counts.values


def _count(database: duckdb.DuckDBPyConnection, store: Store, reading: Reading) -> _Counts:
    name = '"' + reading.name.replace('"', '""') + '"'
    width = "max(value)::HUGEINT - min(value)::HUGEINT" if pa.types.is_integer(reading.type) else "0"
    query = f"""
        WITH level AS (
            SELECT {name} AS value, count(*) AS n FROM read_parquet(?) WHERE {name} IS NOT NULL GROUP BY ALL
        )
        SELECT count(*), coalesce(sum(n), 0), coalesce(sum(n) FILTER (n >= {K}), 0), coalesce({width}, 0) FROM level
    """  # noqa: S608 - a column cannot be a parameter; its name is quoted
    row = database.execute(query, [str(store.kept)]).fetchone()
    if row is None:
        raise AssertionError("an aggregate has one row")
    return _Counts(*(int(value) for value in row))


def _kind(reading: Reading, counts: _Counts, rows: int, store: Store) -> str:
    type_ = reading.type
    if counts.values < K:
        return "empty"
    if counts.distinct == 1:
        return "constant"
    unique = counts.distinct == counts.values == rows
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_date(type_):
        return "date"
    if pa.types.is_timestamp(type_):
        return "datetime"
    if pa.types.is_time(type_):
        return "time"
    if pa.types.is_string(type_):
        if unique and _is_compact(store, reading.name):
            return "key"
        return "category" if counts.shared * 2 >= counts.values or _is_short(store, reading.name) else "text"
    if unique and pa.types.is_integer(type_) and (_KEY_NAME.search(reading.name) or counts.width < 2 * rows):
        return "key"
    return "number"


def _is_compact(store: Store, name: str) -> bool:
    """Tell whether a sample of unique texts are identifiers: short and without spaces."""
    sample = next(pq.ParquetFile(store.kept).iter_batches(columns=[name], batch_size=4096)).column(0)
    short = pc.less_equal(pc.utf8_length(sample), 64)
    return not pc.any(pc.match_substring(sample, " ")).as_py() and bool(pc.all(short).as_py())


def _is_short(store: Store, name: str) -> bool:
    """Tell whether a sample of texts are names or titles, of which others can be made up: of few words each."""
    sample = next(pq.ParquetFile(store.kept).iter_batches(columns=[name], batch_size=4096)).column(0).drop_null()
    short = pc.less_equal(pc.utf8_length(sample), _SHORT)
    few = pc.less_equal(pc.count_substring(sample, " "), _FEW_SPACES)
    return bool(len(sample)) and pc.mean(pc.cast(pc.and_(short, few), pa.float64())).as_py() >= 0.95


def _is_fractional(type_: ArrowType) -> bool:
    return bool(pa.types.is_floating(type_))


def _decimals(store: Store, name: str) -> int | None:
    """Return the decimals that 95 % of the numbers have at most, ``None`` if more than six."""
    counts = np.zeros(_MOST_DECIMALS + 2, dtype=np.int64)
    for batch in pq.ParquetFile(store.kept).iter_batches(columns=[name]):
        values = batch.column(0).drop_null().to_numpy(zero_copy_only=False).astype(np.float64)
        needed = np.full(len(values), _MOST_DECIMALS + 1)
        for decimals in range(_MOST_DECIMALS, -1, -1):
            scaled = values * 10.0**decimals
            needed[np.abs(scaled - np.rint(scaled)) <= 1e-9 * np.maximum(np.abs(scaled), 1.0)] = decimals
        counts += np.bincount(needed, minlength=len(counts))
    within = int(np.searchsorted(np.cumsum(counts), 0.95 * counts.sum()))
    return within if within <= _MOST_DECIMALS else None
