"""Are a version's statistics true of its files? Counted again by another program, DuckDB, from the published bytes.

Exact figures must be equal; sketched ones must lie within the error that stands beside them. Pictures are looked at by
``catalog.picture_sizes``: code that shared its parser with whoever counted first would share its faults.
"""

from __future__ import annotations

import itertools
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from catalog import attachments, picture_sizes
from catalog.models import Version
from catalog.shapes import ColumnStatistics, Figure, Statistics, TableStatistics
from marketplace import storage

_RELATIVE = 1e-6  # of a mean or a deviation, whose sums DuckDB adds up in another order
_LAST_BITS = 1e-12
_BEYOND_SQUARING = 1e150  # the squares of such numbers, and of their inverses, are no doubles
_STANDARD_ERRORS = 5  # a sketch is further off once in a million times
_COUNTED = ("number", "time", "boolean", "text")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = {"day": 86_400e6, "s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}


def faults(version: Version) -> Iterator[str]:
    """Yield one sentence for each figure of the version's statistics that is not true of its files."""
    attachment = version.attachments.filter(kind="statistics").first()
    if attachment is None:
        yield "it has no statistics."
        return
    try:
        told = Statistics.model_validate_json(attachments.read(attachment))
    except ValidationError as error:
        yield f"its statistics have another shape: {error.errors()[0]['msg']}."
        return
    there = [table["name"] for table in version.layout["tables"]]
    if sorted(told.tables) != sorted(there):
        yield f"statistics of {sorted(told.tables)} are told, {sorted(there)} are there."
    for name in there:
        if name in told.tables:
            with tempfile.TemporaryDirectory(prefix="statistics-") as folder:
                for message in compare(_download(version, name, Path(folder)), told.tables[name]):
                    yield f"{name}: {message}"


def compare(files: Sequence[Path], told: TableStatistics) -> Iterator[str]:
    """Yield one sentence for each figure of ``told`` that is not true of the rows of the Parquet ``files``."""
    schema = pq.read_schema(files[0])
    if [column.name for column in told.columns] != schema.names:
        yield f"the columns {[column.name for column in told.columns]} are told, {schema.names} are there."
        return
    with tempfile.TemporaryDirectory(prefix="statistics-spill-") as spill, duckdb.connect() as database:
        database.execute(f"SET threads = 1; SET TimeZone = 'UTC'; SET temp_directory = '{spill}'")
        database.create_function("picture_size", picture_sizes.as_struct, ["BLOB"], picture_sizes.STRUCT)
        # DuckDB does not tell Name from name, so columns go by their places.
        places = ", ".join(f"c{place}" for place in range(len(schema)))
        database.execute(f"CREATE VIEW rows({places}) AS SELECT * FROM read_parquet({[str(file) for file in files]})")
        rows = _row(database, "SELECT count(*) FROM rows")[0]
        if rows != told.rows:
            yield f"{told.rows:,} rows are told, {rows:,} are there."
        yield from _duplicate_faults(database, told)
        for place, (column, field) in enumerate(zip(told.columns, schema, strict=True)):
            yield from _Check(database, column, field.type, f"(SELECT c{place} AS v FROM rows)").faults()


def _duplicate_faults(database: duckdb.DuckDBPyConnection, told: TableStatistics) -> Iterator[str]:
    if told.duplicates is None:
        return
    rows, distinct = _row(
        database, "SELECT (SELECT count(*) FROM rows), (SELECT count(*) FROM (SELECT DISTINCT * FROM rows))"
    )
    share = 1 - distinct / rows if rows else 0.0
    allowed = (told.duplicates.standard_error or 0) * _STANDARD_ERRORS + _LAST_BITS
    if abs(share - told.duplicates.share) > allowed:
        yield f"{share:.4%} of the rows repeat an earlier one, {told.duplicates.share:.4%} are told."


@dataclass(frozen=True)
class _Check:
    """One column, or a part of one: what is told of it, its Arrow type, and the relation with its values ``v``."""

    database: duckdb.DuckDBPyConnection
    told: ColumnStatistics
    type: pa.DataType
    values: str

    def faults(self) -> Iterator[str]:
        try:
            for message in self._faults():
                yield f"{self.told.name}: {message}"
        except duckdb.Error as error:
            yield f"{self.told.name}: it cannot be counted as a {self.told.kind}: {error}"

    def _faults(self) -> Iterator[str]:
        told = self.told
        if _stored(told.type) != _stored(str(self.type)) and not pa.types.is_nested(self.type):
            yield f"the type {told.type} is told, {self.type} is there."
            return
        endless = "count(*) FILTER (isnan(v)), count(*) FILTER (isinf(v))" if self._floating else "0, 0"
        query = f"SELECT count(v), count(*) - count(v), {endless} FROM {self.values}"
        for is_, says, word in zip(
            _row(self.database, query),
            (told.count, told.nulls, told.nan, told.infinite),
            ("values", "nulls", "NaN", "infinite values"),
            strict=True,
        ):
            if is_ != says:
                yield f"{says:,} {word} are told, {is_:,} are there."
        if told.kind in _COUNTED:
            yield from self._distinct_faults()
            yield from self._value_faults()
        if told.kind in ("number", "time"):
            yield from self._measure_faults()
        yield from self._part_faults()

    def _distinct_faults(self) -> Iterator[str]:
        told = self.told.distinct
        if told is None:
            yield "how many values are different is not told."
            return
        distinct = _row(self.database, f"SELECT count(DISTINCT v) FROM {self._finite}")[0]
        allowed = distinct * (told.standard_error or 0) * _STANDARD_ERRORS
        if abs(distinct - told.value) > allowed:
            yield f"{distinct:,} distinct values are there, {told.value:,} are told."

    def _value_faults(self) -> Iterator[str]:
        if self.told.values is None:
            return
        measure = self._measure if self.told.kind == "time" else "v"
        query = f"SELECT {measure}, count(*) FROM {self._finite} GROUP BY v"
        there = [(_plain(value), count) for value, count in self.database.execute(query).fetchall()]
        told = [(self._told(one.value), one.count) for one in self.told.values]
        if len(there) != len(told) or not all(
            self._equal(one, other) and count == other_count
            for (one, count), (other, other_count) in zip(sorted(there), sorted(told), strict=True)
        ):
            yield "the values, or how often each occurs, are told wrongly."

    def _measure_faults(self) -> Iterator[str]:
        told = self.told
        low, high, count = _row(
            self.database, f"SELECT min({self._measure}), max({self._measure}), count(*) FROM {self._finite}"
        )
        figures = (told.minimum, told.maximum, told.mean, told.quantiles, told.histogram)
        if any((figure is None) != (count == 0) for figure in figures):
            yield f"of {count:,} values, lowest, highest, mean, quantiles and histogram are not all told."
        elif count:
            for word, is_, says in (("lowest", low, told.minimum), ("highest", high, told.maximum)):
                if not self._equal(_plain(is_), self._told(says)):
                    yield f"the {word} value is {is_}, {says} is told."
            yield from self._moment_faults(float(low), float(high), count)
            yield from self._quantile_faults(float(low), float(high), count)
            yield from self._histogram_faults(float(low), float(high), count)

    def _moment_faults(self, low: float, high: float, count: int) -> Iterator[str]:
        largest = max(abs(low), abs(high)) or 1.0
        # Of numbers near one, so that no sum leaves double precision.
        mean, deviation = _row(
            self.database,
            f"SELECT avg(x), stddev_samp(x - ?) FROM (SELECT {self._double} / ? AS x FROM {self._finite})",
            [low / largest, largest],
        )
        told = float(self._told(self.told.mean))
        if not math.isclose(
            mean * largest, told, rel_tol=_RELATIVE, abs_tol=max(_LAST_BITS * largest, 1.0 * self._time)
        ):
            yield f"the mean is {mean * largest}, {told} is told."
        if self.told.deviation is None:
            if count > 1 and largest < _BEYOND_SQUARING:
                yield "the deviation is not told."
            return
        told = self.told.deviation * (1e6 if self._time else 1.0)
        slack = max(_LAST_BITS * largest, 1 / _BEYOND_SQUARING)
        if deviation is None or not math.isclose(deviation * largest, told, rel_tol=_RELATIVE, abs_tol=slack):
            yield f"the deviation is {deviation if deviation is None else deviation * largest}, {told} is told."

    def _quantile_faults(self, low: float, high: float, count: int) -> Iterator[str]:
        told = self.told.quantiles
        if told is None:
            return
        # A value between two neighbours has one rank; a row of slack covers where exactly it lies.
        slack = _LAST_BITS if told.exact else told.rank_error + 1 / count
        values = [float(self._told(value)) for _, value in told.at]
        for (share, value), (below, up_to) in zip(told.at, self._ranks(values, 0.0), strict=True):
            missing = told.exact and below == up_to
            if missing or not (below / count - slack <= share <= up_to / count + slack):
                yield f"the {share} quantile is told as {value}; {below / count:.4f} of the values lie below it."
        slack = _LAST_BITS * max(abs(low), abs(high)) + 1.0 * self._time
        if min(values, default=low) < low - slack or max(values, default=high) > high + slack:
            yield "a quantile is told that lies beyond all values."

    def _histogram_faults(self, low: float, high: float, count: int) -> Iterator[str]:
        told = self.told.histogram
        if told is None:
            return
        edges = [float(self._told(edge)) for edge in told.edges]
        if not (self._equal(edges[0], low) and self._equal(edges[-1], high)):
            yield f"the histogram goes from {edges[0]} to {edges[-1]}, the values from {low} to {high}."
        steps = [after - before for before, after in itertools.pairwise(edges)]
        if max(steps) - min(steps) > _RELATIVE * max(steps) + 2.0 * self._time:
            yield "the edges of the histogram are not equally far apart."
        if sum(told.counts) != count:
            yield f"the histogram counts {sum(told.counts):,} values, {count:,} are there."
        # Edges are rounded in print, so a value that lies on one may count on either side.
        slack = 0.0 if told.exact else told.rank_error * count + 1
        total = 0
        for number, (below, up_to) in zip(told.counts, self._ranks(edges[1:-1], 1e-9 * (high - low)), strict=False):
            total += number
            if not (below - slack <= total <= up_to + slack):
                yield f"the histogram counts {total:,} values up to an edge that {below:,} to {up_to:,} lie below."

    def _ranks(self, points: Sequence[float], tolerance: float) -> list[tuple[int, int]]:
        """How many values lie below each point, and how many up to it."""
        if not points:
            return []
        tolerance += 1.0 * self._time
        asked = ", ".join("count(*) FILTER (x < ?), count(*) FILTER (x <= ?)" for _ in points)
        bounds = [bound for point in points for bound in (point - tolerance, point + tolerance)]
        found = _row(self.database, f"SELECT {asked} FROM (SELECT {self._double} AS x FROM {self._finite})", bounds)
        return list(zip(found[::2], found[1::2], strict=True))

    def _part_faults(self) -> Iterator[str]:
        parts = list(self._parts())
        if [part.name for part in self.told.parts] != [name for name, _, _ in parts]:
            yield f"the parts {[part.name for part in self.told.parts]} are told, {[p[0] for p in parts]} are there."
            return
        for told, (_, type_, values) in zip(self.told.parts, parts, strict=True):
            yield from _Check(self.database, told, type_, values).faults()

    def _parts(self) -> Iterator[tuple[str, pa.DataType, str]]:
        """Name, type and values of what this column is made of."""
        there = f"{self.values} WHERE v IS NOT NULL"
        match self.told.kind:
            case "text":
                yield "length", pa.int64(), f"(SELECT length(v) AS v FROM {there})"
            case "bytes":
                content = "struct_extract_at(v, 1)" if pa.types.is_struct(self.type) else "v"
                yield "length", pa.int64(), f"(SELECT octet_length({content}) AS v FROM {there})"
            case "list":
                yield "length", pa.int64(), f"(SELECT len(v) AS v FROM {there})"
                yield "element", self.type.value_type, f"(SELECT unnest(v) AS v FROM {there})"
            case "struct":
                for place in range(self.type.num_fields):
                    member = self.type.field(place)
                    yield member.name, member.type, f"(SELECT struct_extract_at(v, {place + 1}) AS v FROM {there})"
            case "picture":
                table = self._looked_at(there)
                for name in ("bytes", "width", "height"):
                    yield name, pa.int64(), f"(SELECT {name} AS v FROM {table})"
                yield "media_type", pa.string(), f"(SELECT media_type AS v FROM {table})"

    def _looked_at(self, there: str) -> str:
        """The name of a table with size and kind of each picture; their bytes are read once."""
        content = f"(SELECT struct_extract_at(v, 1) AS content FROM {there})"
        self.database.execute(
            "CREATE OR REPLACE TEMP TABLE pictures AS SELECT octet_length(content) AS bytes, "
            f"unnest(picture_size(content)) FROM {content} WHERE content IS NOT NULL"
        )
        return "pictures"

    @property
    def _floating(self) -> bool:
        return bool(pa.types.is_floating(self.type))

    @property
    def _time(self) -> bool:
        """Times are told to the microsecond, so they are compared in microseconds with one of slack."""
        return self.told.kind == "time"

    @property
    def _finite(self) -> str:
        """NaN and infinities are counted apart; every other figure is of the finite values."""
        if self._floating:
            return f"(SELECT v FROM {self.values} WHERE isfinite(v))"
        return f"(SELECT v FROM {self.values} WHERE v IS NOT NULL)"

    @property
    def _measure(self) -> str:
        """What is measured of a value: the number itself, a time in microseconds."""
        if not self._time:
            return "v"
        if pa.types.is_duration(self.type):  # Parquet has none, so DuckDB sees an integer
            return f"v * {_MICROSECONDS[self.type.unit]}"
        return "epoch_us(v)"

    @property
    def _double(self) -> str:
        return f"({self._measure})::DOUBLE"

    def _told(self, value: Figure | None) -> Any:
        """A figure as a number, a time in microseconds; text and truth as they are."""
        if self._time:
            return _microseconds(value, self.told.type)
        return int(value) if self.told.kind == "number" and isinstance(value, str) else value

    def _equal(self, one: Any, other: Any) -> bool:
        if isinstance(one, float) or isinstance(other, float) or self._time:
            return math.isclose(one, other, rel_tol=_LAST_BITS, abs_tol=1.0 * self._time)
        return bool(one == other)


def _stored(type_: str) -> str:
    """A type as Parquet keeps it: there are no times in whole seconds."""
    return type_.replace("[s", "[ms") if type_.startswith(("time32", "timestamp")) else type_


def _microseconds(told: Any, type_: str) -> float:
    """A point in time since 1970, a time of day or a duration, as it is told of a column of type ``type_``."""
    if type_.startswith("duration"):
        return float(told) * 1e6
    try:
        if type_.startswith(("time32", "time64")):
            moment = datetime.combine(_EPOCH, time.fromisoformat(told), UTC)
        else:
            moment = datetime.fromisoformat(told).replace(tzinfo=UTC)
    except ValueError:  # beyond the year 9999 a count of the unit is told
        return float(told) * _MICROSECONDS[type_.partition("[")[2].rstrip("]").partition(",")[0]]
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _plain(value: Any) -> Any:
    """Decimals are told in double precision."""
    return float(value) if isinstance(value, Decimal) else value


def _download(version: Version, config: str, folder: Path) -> list[Path]:
    paths = []
    for file in version.files.filter(config=config).order_by("path"):
        paths.append(folder / f"{file.id}.parquet")
        storage.download(storage.blob_key(file.sha256), paths[-1])
    return paths


def _row(database: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...]:
    """The one row that an aggregate gives."""
    row = database.execute(query, list(parameters)).fetchone()
    if row is None:
        raise AssertionError("an aggregate without groups gives one row")
    return tuple(row)
