"""Are a version's statistics true of its files? Counted again by another program, DuckDB, from the published bytes.

Exact figures must be equal; sketched ones must lie within the error that stands beside them.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from catalog import attachments
from catalog.models import Version
from marketplace import storage

_RELATIVE = 1e-6
_STANDARD_ERRORS = 5  # a sketch is further off once in a million times
_ORDERED = ("number", "time")


def faults(version: Version) -> Iterator[str]:
    """Yield one sentence for each figure of the version's statistics that is not true of its files."""
    attachment = version.attachments.filter(kind="statistics").first()
    if attachment is None:
        yield "it has no statistics."
        return
    statistics = attachments.load(attachment)
    with tempfile.TemporaryDirectory(prefix="statistics-") as folder:
        for name, told in statistics["tables"].items():
            files = _download(version, name, Path(folder))
            with duckdb.connect() as database:
                database.execute("SET threads = 1")
                database.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet({[str(file) for file in files]})")
                for message in _table_faults(database, told):
                    yield f"{name}: {message}"


def _download(version: Version, config: str, folder: Path) -> list[Path]:
    paths = []
    for file in version.files.filter(config=config).order_by("path"):
        paths.append(folder / f"{config}-{file.id}.parquet")
        storage.download(storage.blob_key(file.sha256), paths[-1])
    return paths


def _table_faults(database: duckdb.DuckDBPyConnection, told: Mapping[str, Any]) -> Iterator[str]:
    rows = _one(database, "SELECT count(*) FROM rows")
    if rows != told["rows"]:
        yield f"{told['rows']:,} rows are told, {rows:,} are there."
    for column in told["columns"]:
        for message in _column_faults(database, column):
            yield f"{column['name']}: {message}"


def _column_faults(database: duckdb.DuckDBPyConnection, column: Mapping[str, Any]) -> Iterator[str]:
    name = _quoted(column["name"])
    count, nulls = database.execute(f"SELECT count({name}), count(*) - count({name}) FROM rows").fetchall()[0]
    if (count, nulls) != (column["count"], column["nulls"]):
        yield f"{column['count']:,} values and {column['nulls']:,} nulls are told, {count:,} and {nulls:,} are there."
    values = f"(SELECT {name} AS v FROM rows WHERE {_finite(column, name)})"
    if column["kind"] in _ORDERED and "minimum" in column:
        yield from _spread_faults(database, column, values)
        yield from _quantile_faults(database, column, values)
    if "distinct" in column:
        yield from _distinct_faults(database, column, values)
    if "values" in column:
        yield from _value_faults(database, column, values)


def _spread_faults(database: duckdb.DuckDBPyConnection, column: Mapping[str, Any], values: str) -> Iterator[str]:
    low, high = database.execute(f"SELECT min(v), max(v) FROM {values}").fetchall()[0]
    for word, is_, says in (("minimum", low, column["minimum"]), ("maximum", high, column["maximum"])):
        if not _same(is_, says):
            yield f"the {word} is {is_}, {says} is told."
    if column["kind"] == "number":
        mean = _one(database, f"SELECT avg(v) FROM {values}")
        if not math.isclose(mean, column["mean"], rel_tol=_RELATIVE, abs_tol=_RELATIVE):
            yield f"the mean is {mean}, {column['mean']} is told."


def _distinct_faults(database: duckdb.DuckDBPyConnection, column: Mapping[str, Any], values: str) -> Iterator[str]:
    told = column["distinct"]
    distinct = _one(database, f"SELECT count(DISTINCT v) FROM {values}")
    allowed = 0 if told["exact"] else distinct * told["standard_error"] * _STANDARD_ERRORS
    if abs(distinct - told["value"]) > allowed:
        yield f"{distinct:,} distinct values are there, {told['value']:,} are told."


def _quantile_faults(database: duckdb.DuckDBPyConnection, column: Mapping[str, Any], values: str) -> Iterator[str]:
    told = column["quantiles"]
    cast = "CAST(? AS DOUBLE)" if column["kind"] == "number" else "CAST(? AS TIMESTAMP)"
    value = "CAST(v AS DOUBLE)" if column["kind"] == "number" else "CAST(v AS TIMESTAMP)"
    asked = f"SELECT avg(({value} < {cast})::INT), avg(({value} <= {cast})::INT), count(*) FROM {values}"
    for share, quantile in told["at"]:
        below, up_to, count = database.execute(asked, [quantile, quantile]).fetchall()[0]
        # A value between two neighbours has one rank; half a row of slack covers where exactly it lies.
        slack = told["rank_error"] + 1 / count
        if not (below - slack <= share <= up_to + slack):
            yield f"the {share} quantile is told as {quantile}; {below:.4f} of the values lie below it."


def _value_faults(database: duckdb.DuckDBPyConnection, column: Mapping[str, Any], values: str) -> Iterator[str]:
    counted = dict(database.execute(f"SELECT v::VARCHAR, count(*) FROM {values} GROUP BY v").fetchall())
    told = sorted(entry["count"] for entry in column["values"])
    if sorted(counted.values()) != told:
        yield "how often each value occurs is told wrongly."
    elif column["kind"] in {"text", "boolean"}:
        words = {_word(entry["value"]): entry["count"] for entry in column["values"]}
        if words != counted:
            yield "the counts are told of other values."


def _finite(column: Mapping[str, Any], name: str) -> str:
    """NaN and infinities are counted apart; every other figure is of the finite values."""
    floating = column["kind"] == "number" and column["type"] in {"float", "double", "halffloat"}
    return f"{name} IS NOT NULL" + (f" AND isfinite({name})" if floating else "")


def _same(is_: Any, says: Any) -> bool:
    if isinstance(says, str) and isinstance(is_, datetime | date):
        told = datetime.fromisoformat(says)
        found = is_ if isinstance(is_, datetime) else datetime(is_.year, is_.month, is_.day, tzinfo=told.tzinfo)
        return found.replace(tzinfo=None) == told.replace(tzinfo=None)
    if isinstance(is_, int | float) and isinstance(says, int | float):
        return math.isclose(is_, says, rel_tol=1e-12)
    return str(is_) == str(says)


def _word(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _one(database: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = database.execute(query).fetchone()
    return None if row is None else row[0]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
