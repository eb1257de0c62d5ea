"""The columns among which relations are sought: a few thousand rows as numbers, whatever they were before.

Numbers are as they are, dates days and moments seconds since 1970, times of day seconds; a missing value is NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

#: "Always true" 1: what a relation carries over of values, at least so many people hold.
K = 10

#: Rows that are looked at; what holds on every one of so many holds, or is held to.
MOST_ROWS = 4_000

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
ColumnKind = Literal["number", "date", "moment", "time"]

_MOST_DECIMALS = 6
_MOST_COLUMNS = 100
_MOST_LEVELS = 500
_pc: Any = pyarrow.compute


@dataclass(frozen=True)
class Column:
    """One column; ``decimals`` are those of 95 % of its values, ``None`` if more than six."""

    name: str
    kind: ColumnKind
    values: Floats

    @cached_property
    def known(self) -> Bools:
        present: Bools = ~np.isnan(self.values)
        return present

    @cached_property
    def decimals(self) -> int | None:
        return decimals_of(self.values[self.known])

    @cached_property
    def distinct(self) -> int:
        return len(np.unique(self.values[self.known]))

    @cached_property
    def spread(self) -> float:
        return float(self.values[self.known].std()) if self.known.any() else 0.0

    @cached_property
    def is_whole(self) -> bool:
        """Whether this is a column of numbers without decimals."""
        return self.kind == "number" and self.decimals == 0

    @cached_property
    def is_clock(self) -> bool:
        """Whether this is a time of day written as a number: 0905 for five past nine."""
        known = self.values[self.known]
        if len(known) < 200 or self.kind != "number" or known.min() < 0 or not 1000 < known.max() <= 2400:
            return False
        return bool((known % 1 == 0).all() and (known % 100 < 60).all() and len(np.unique(known)) > 60)

    def within(self, low: float, high: float) -> bool:
        known = self.values[self.known]
        return bool(len(known) and known.min() >= low and known.max() <= high)


@dataclass(frozen=True)
class Sample:
    """Some rows of a table: its columns of numbers, dates and times; ``people`` says whose row each is, if known.

    ``codes`` are its columns of texts of not too many levels: the place of each row's level (-1: none), and the levels.
    """

    columns: Mapping[str, Column]
    rows: int
    people: Ints | None = None
    codes: Mapping[str, tuple[Ints, list[str]]] = field(default_factory=dict)

    def holders(self, rows: Bools) -> int:
        """Count the people behind the chosen ``rows``."""
        return int(rows.sum()) if self.people is None else len(np.unique(self.people[rows]))

    def held(self, name: str, *, share: float) -> tuple[float, ...]:
        """The values of a column that ``K`` people hold and ``share`` of its rows have: its spikes."""
        column = self.columns[name]
        values, counts = np.unique(column.values[column.known], return_counts=True)
        often = values[counts >= max(K, share * column.known.sum())]
        return tuple(float(value) for value in often if self.holders(column.values == value) >= K)


def decimals_of(values: Floats) -> int | None:
    """Return the decimals that 95 % of ``values`` have at most, ``None`` if more than six."""
    for decimals in range(_MOST_DECIMALS + 1):
        scaled = values * 10.0**decimals
        close = np.abs(scaled - np.rint(scaled)) < 1e-6 * np.maximum(1.0, np.abs(scaled) / 1e4)
        if close.mean() >= 0.95 if len(values) else True:
            return decimals
    return None


def sample_of(table: pa.Table, kinds: Mapping[str, str], identifier: str | None = None) -> Sample:
    """Return some rows of ``table``, evenly over it; ``kinds`` are those of parsing, the others' follow their types.

    Keys and columns that nobody learns from are left out; ``identifier`` names the column that tells people apart. Of
    wide tables the first hundred columns count: every pair is looked at, and some triples.
    """
    rows = table.take(pa.array(evenly(table.num_rows)))
    columns: dict[str, Column] = {}
    for one in rows.schema:
        unlearnt = kinds.get(one.name) in ("key", "text", "empty")
        kind = None if unlearnt else kind_of(one.type)
        if kind is not None and one.name != identifier and len(columns) < _MOST_COLUMNS:
            values = as_floats(rows.column(one.name), kind)
            if not np.isnan(values).all():
                columns[one.name] = Column(one.name, kind, values)
    people = None
    if identifier is not None and identifier in rows.column_names:
        encoded = rows.column(identifier).combine_chunks().dictionary_encode(null_encoding="encode")
        people = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return Sample(columns, rows.num_rows, people, dict(_codes(rows, kinds, identifier)))


def _codes(rows: pa.Table, kinds: Mapping[str, str], identifier: str | None) -> Iterator[tuple[str, Any]]:
    for one in rows.schema:
        unlearnt = kinds.get(one.name) in ("key", "text", "empty") or one.name == identifier
        if unlearnt or not pa.types.is_string(one.type):
            continue
        encoded = rows.column(one.name).combine_chunks().dictionary_encode()
        if 2 <= len(encoded.dictionary) <= _MOST_LEVELS:
            places = _pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
            yield one.name, (places, encoded.dictionary.to_pylist())


def evenly(rows: int) -> Ints:
    """The places of the rows that are looked at: all, or some thousands that lie equally far apart."""
    step = max(1, rows // MOST_ROWS)
    return np.arange(0, rows, step, dtype=np.int64)[:MOST_ROWS]


def kind_of(type_: Any) -> ColumnKind | None:
    """What numbers stand for in a column of an Arrow type; ``None`` for texts and booleans."""
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "number"
    if pa.types.is_date(type_):
        return "date"
    if pa.types.is_timestamp(type_):
        return "moment"
    return "time" if pa.types.is_time(type_) else None


def as_floats(array: Any, kind: ColumnKind) -> Floats:
    """Return an Arrow column as numbers, in the units that this module names."""
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if kind == "date":
        array = array.cast(pa.date32()).cast(pa.int32())
    elif kind == "moment":
        array = array.cast(pa.timestamp("us", tz=array.type.tz), safe=False).cast(pa.int64())
    elif kind == "time":
        array = array.cast(pa.time64("us"), safe=False).cast(pa.int64())
    numbers: Floats = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64)
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    return numbers / 1e6 if kind in ("moment", "time") else numbers


def rounded(values: Floats, decimals: int) -> Floats:
    """Round to ``decimals``: a division by a power of ten gives the double nearest to each decimal number."""
    scaled: Floats = np.rint(values * 10.0**decimals) / 10.0**decimals
    return scaled + 0.0


def within(values: Floats, least: Floats, most: Floats, decimals: int) -> Bools:
    """Which of ``values`` lie between two others, each rounded to ``decimals``."""
    last = 0.01 * 10.0**-decimals
    between: Bools = (values >= rounded(least, decimals) - last) & (values <= rounded(most, decimals) + last)
    return between


def uniforms(words: Words, salt: int) -> Floats:
    """Return numbers from 0 up to 1 that hang on ``words`` and ``salt`` alone (the finisher of SplitMix64).

    Guy L. Steele, Doug Lea, Christine H. Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.
    """
    mixed = words + np.uint64(0x9E3779B97F4A7C15 * (salt + 1) & 0xFFFFFFFFFFFFFFFF)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed = mixed ^ (mixed >> np.uint64(31))
    unit: Floats = (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53
    return unit


def all_known(columns: Iterable[Column]) -> Bools:
    """The rows in which none of ``columns`` is missing."""
    known: Bools = np.logical_and.reduce([column.known for column in columns])
    return known


def named(sample: Sample, names: Sequence[str]) -> list[Column]:
    """The columns of these names."""
    return [sample.columns[name] for name in names]
