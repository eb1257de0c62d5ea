"""Any table and what may be asked of it, drawn by hypothesis: columns of every kind, conditions, rules that can hold.

Rules are drawn one after the other, and one is kept if forty rows of the table still keep all; shares are those that
the table would have were its rows weighted at random, so that both can be had at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import strategies as st
from numpy.typing import NDArray

from generation.relations import as_floats, kind_of
from generation.sdk.rules import read_rule, read_tests, rows_that_keep, rows_that_pass

_NAMES = [
    "age", "the sum", "in", "if", "größe", 'a "quoted" one', "unique", "x, y", "年齢", "share %", "from", "is",
    "a < b", "it's", "id_number", "Größe 2", "from x to y", "known", "e-mail", "(none)",
]  # fmt: skip
_LEVELS = ["red", "green", "blue, pale", "it's", '"quoted"', "x and y", "none", "Zürich", "東京", "Москва", "العربية"]
_LEAST_ROWS = 40
_DAY = 86_400_000_000

Bools = NDArray[np.bool_]
Rng = np.random.Generator


@dataclass(frozen=True)
class Anything:
    """A table, and the parameters that may be given for it."""

    table: pa.Table
    parameters: Mapping[str, Any]


def quoted(name: str) -> str:
    """A name of a column as it is written in a rule."""
    return '"' + name.replace('"', '""') + '"'


def value(text: str) -> str:
    """A value as it is written in a rule."""
    return "'" + text.replace("'", "''") + "'"


@st.composite
def anything(draw: st.DrawFn, units: int) -> Anything:
    """Draw a table of 120 to 500 rows and one to nine columns, with conditions, rules and a target."""
    rows = draw(st.integers(120, 500))
    rng = np.random.Generator(np.random.Philox(draw(st.integers(0, 2**32))))
    names = draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=9, unique_by=str.casefold))
    table = pa.table({"plain": pa.array(rng.integers(0, 9, rows))})
    for name in names:
        table = table.append_column(name, _column(draw, rng, table))
    rules, kept = _rules(draw, rng, table)
    parameters = {
        "rules": rules,
        "conditions": _conditions(draw, rng, table.filter(pa.array(kept)), units),
        "target": draw(st.sampled_from([None, "plain", *table.column_names])),
        "balance": draw(st.lists(st.sampled_from(_balanced(table) or ["plain"]), max_size=1))
        if draw(st.booleans())
        else [],
    }
    return Anything(table, parameters)


def _balanced(table: pa.Table) -> list[str]:
    return [name for name in table.column_names if 2 <= pc.count_distinct(table.column(name)).as_py() <= 12]


def _column(draw: st.DrawFn, rng: Rng, table: pa.Table) -> pa.Array:
    kind = draw(st.sampled_from([*_PLAIN, *_DERIVED]))
    array = _DERIVED[kind](rng, table) if kind in _DERIVED else _PLAIN[kind](rng, table.num_rows)
    gaps = draw(st.sampled_from(["none", "none", "few", "some", "together", "most"]))
    if gaps == "none" or kind in ("key", "number key"):
        return array
    if gaps == "together":
        gone = np.logical_or.reduce([one.is_null().to_numpy() for one in table.columns])
    else:
        gone = rng.random(len(array)) < {"few": 0.02, "some": 0.3, "most": 0.97}[gaps]
    return pc.if_else(pa.array(gone), pa.scalar(None, array.type), array)


def _texts(rng: Rng, rows: int, levels: Sequence[str], shares: Sequence[float] | None = None) -> pa.Array:
    return pa.array(np.array(levels, object)[rng.choice(len(levels), rows, p=shares)], pa.string())


def _moments(rng: Rng, rows: int, type_: pa.DataType, step: int) -> pa.Array:
    ticks = rng.integers(15_000 * _DAY // step, 19_000 * _DAY // step, rows) * step
    return pa.array(ticks).cast(pa.timestamp("us", tz=type_.tz)).cast(type_)


def _identifiers(rng: Rng, rows: int) -> pa.Array:
    return pa.array([f"S{int(one) * 37 % 1000:03d}" for one in rng.zipf(1.5, rows)])


def _skewed(rng: Rng, rows: int) -> pa.Array:
    levels = rng.permutation(_LEVELS).tolist()
    shares = 0.5 ** np.arange(1, len(levels) + 1)
    return _texts(rng, rows, levels, (shares / shares.sum()).tolist())


_ZONES = [pa.timestamp("us"), pa.timestamp("s", tz="UTC"), pa.timestamp("ms", tz="Europe/Vienna"), pa.timestamp("ns")]


def _zoned(rng: Rng, rows: int, step: int) -> pa.Array:
    return _moments(rng, rows, _ZONES[int(rng.integers(len(_ZONES)))], step)


def _spiked(rng: Rng, rows: int) -> pa.Array:
    return pa.array(np.round(rng.gamma(2, 9, rows) * (rng.random(rows) < 0.4), 1))


def _decimal(rng: Rng, rows: int) -> pa.Array:
    return pa.array(rng.integers(0, 99_999, rows)).cast(pa.decimal128(21, 0)).cast(pa.decimal128(18, 2))


_PLAIN: dict[str, Callable[[Rng, int], pa.Array]] = {
    "small": lambda rng, rows: pa.array(rng.integers(0, 12, rows), pa.int16()),
    "whole": lambda rng, rows: pa.array(rng.integers(-500, 5000, rows)),
    "tail": lambda rng, rows: pa.array(np.rint(rng.lognormal(8, 3, rows)).astype(np.int64)),
    "wild": lambda rng, rows: pa.array(rng.standard_t(1, rows) * 1e3),
    "money": lambda rng, rows: pa.array(np.round(rng.gamma(2, 300, rows), 2)),
    "spiked": _spiked,
    "short": lambda rng, rows: pa.array(rng.normal(0, 1, rows).astype(np.float32)),
    "decimal": _decimal,
    "levels": lambda rng, rows: _texts(rng, rows, rng.permutation(_LEVELS)[:3].tolist()),
    "skewed": _skewed,
    "identifier": _identifiers,
    "flag": lambda rng, rows: pa.array(rng.random(rows) < 0.3),
    "day": lambda rng, rows: pa.array(rng.integers(-9000, 20_000, rows).astype(np.int32)).cast(pa.date32()),
    "moment": lambda rng, rows: _zoned(rng, rows, 60_000_000),
    "midnight": lambda rng, rows: _zoned(rng, rows, _DAY),
    "clock": lambda rng, rows: pa.array(rng.integers(0, 1440, rows) * 60, pa.int32()).cast(pa.time32("s")),
    "constant": lambda rng, rows: pa.array(["always"] * rows),
    "same": lambda rng, rows: pa.array([7] * rows),
    "nothing": lambda rng, rows: pa.nulls(rows, pa.string()),
    "key": lambda rng, rows: pa.array([f"K-{int(one):05d}" for one in rng.permutation(rows)]),
    "number key": lambda rng, rows: pa.array(rng.permutation(rows) + 1000),
    "titles": lambda rng, rows: pa.array([" ".join(rng.choice(_LEVELS, 3)) for _ in range(rows)]),
}


def _numbers(table: pa.Table) -> list[pa.Array]:
    return [one.combine_chunks().cast(pa.float64()) for one in table.columns if kind_of(one.type) == "number"]


def _sum(rng: Rng, table: pa.Table) -> pa.Array:
    terms = _numbers(table)
    total = terms[int(rng.integers(len(terms)))].to_numpy(zero_copy_only=False) + rng.integers(0, 50, table.num_rows)
    return pa.array(total, from_pandas=True)


def _later(rng: Rng, table: pa.Table) -> pa.Array:
    days = [one for one in table.columns if pa.types.is_date(one.type)]
    if not days:
        return _PLAIN["day"](rng, table.num_rows)
    first = days[0].combine_chunks().cast(pa.int32())
    return pc.add(first, pa.array(rng.geometric(0.1, table.num_rows).astype(np.int32))).cast(pa.date32())


def _follows(rng: Rng, table: pa.Table) -> pa.Array:
    texts = [one for one in table.columns if pa.types.is_string(one.type)]
    of = texts[-1] if texts else table.column("plain").cast(pa.string())
    encoded = of.combine_chunks().dictionary_encode()
    led = pa.array([f"group {int(one)}" for one in rng.integers(0, 3, len(encoded.dictionary))], pa.string())
    return led.take(encoded.indices)


_DERIVED: dict[str, Callable[[Rng, pa.Table], pa.Array]] = {"sum": _sum, "later": _later, "follows": _follows}


def _rules(draw: st.DrawFn, rng: Rng, table: pa.Table) -> tuple[list[str], Bools]:
    """Draw rules that forty rows keep together, and tell which rows do."""
    kept = np.ones(table.num_rows, bool)
    rules: list[str] = []
    for _ in range(draw(st.integers(0, 5))):
        text = _rule(draw, rng, table.filter(pa.array(kept)))
        if text is None:
            continue
        rule = read_rule(text)
        left = kept if rule.unique is not None else kept & rows_that_keep(rule, table)
        if left.sum() >= _LEAST_ROWS and text not in rules:
            rules.append(text)
            kept = left
    return rules, kept


def _rule(draw: st.DrawFn, rng: Rng, table: pa.Table) -> str | None:
    form = draw(st.sampled_from(["test", "test", "order", "unique", "implies", "implies order"]))
    if form == "unique":
        whole = [one.name for one in table.schema if pa.types.is_string(one.type) or pa.types.is_integer(one.type)]
        return f"unique {quoted(draw(st.sampled_from(whole)))}"
    then = _order(draw, table) if "order" in form else _test(draw, rng, table)
    when = _test(draw, rng, table) if "implies" in form else ""
    if then is None or when is None:
        return None
    return f"if {when} then {then}" if when else then


def _comparable(type_: Any) -> tuple[Any, ...]:
    return kind_of(type_), pa.types.is_boolean(type_), pa.types.is_timestamp(type_) and type_.tz is None


def _order(draw: st.DrawFn, table: pa.Table) -> str | None:
    """One column against another of its kind."""
    left = draw(st.sampled_from(table.column_names))
    kind = _comparable(table.schema.field(left).type)
    others = [one.name for one in table.schema if one.name != left and _comparable(one.type) == kind]
    if not others:
        return None
    signs = ["=", "≠"] if kind[0] is None else ["<=", ">=", "<", ">", "="]
    return f"{quoted(left)} {draw(st.sampled_from(signs))} {quoted(draw(st.sampled_from(others)))}"


def _test(draw: st.DrawFn, rng: Rng, table: pa.Table) -> str | None:
    """One column against values that it has."""
    name = draw(st.sampled_from(table.column_names))
    array = table.column(name).combine_chunks().drop_null()
    if draw(st.integers(0, 7)) == 0 or not len(array):
        return f"{quoted(name)} is {draw(st.sampled_from(['known', 'missing']))}"
    if kind_of(array.type) is None or draw(st.integers(0, 9)) == 0:
        chosen = [_written(array[int(place)]) for place in rng.integers(0, len(array), draw(st.integers(1, 5)))]
        return f"{quoted(name)} {draw(st.sampled_from(['in', 'not in']))} ({', '.join(dict.fromkeys(chosen))})"
    places = pc.sort_indices(array)
    at = places[int(draw(st.floats(0.05, 0.95)) * (len(array) - 1))].as_py()
    return f"{quoted(name)} {draw(st.sampled_from(['<=', '>=', '<', '>', '≠']))} {_written(array[at])}"


def _written(scalar: Any) -> str:
    given = scalar.as_py()
    return value(given.isoformat() if hasattr(given, "isoformat") else str(given))


def _conditions(draw: st.DrawFn, rng: Rng, table: pa.Table, units: int) -> list[str]:
    """Draw conditions with the shares that the table would have if its rows had other weights."""
    weights = rng.exponential(1.0, table.num_rows)
    found: list[str] = []
    for _ in range(draw(st.integers(0, 3))):
        tests = [one for _ in range(draw(st.integers(1, 2))) if (one := _test(draw, rng, table)) is not None]
        if not tests:
            continue
        text = " and ".join(tests)
        passed = rows_that_pass(read_tests(text), table)
        if not _LEAST_ROWS <= passed.sum() <= table.num_rows - _LEAST_ROWS:
            continue
        share = float(weights[passed].sum() / weights.sum())
        found.append(f"{text}: {100 * share:.4f} %")
    return found


def domain_faults(real: pa.Table, made: pa.Table) -> list[str]:
    """What is wrong with made columns against those they follow: types, missing values, and how far they reach."""
    faults = []
    for field in made.schema:
        old, new = real.column(field.name), made.column(field.name)
        if old.type != new.type:
            faults.append(f"{field.name}: {new.type} instead of {old.type}")
        elif new.null_count and not old.null_count:
            faults.append(f"{field.name}: missing where none was")
        elif (kind := kind_of(field.type)) is not None and new.null_count < len(new):
            was, now = as_floats(old, kind), as_floats(new, kind)
            if np.nanmin(was) >= 0 > np.nanmin(now):
                faults.append(f"{field.name}: below 0")
    return faults
