"""Columns as whole units and back: numbers by their decimals, dates by days, moments by days and the clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.arrow import ArrowArray, pc
from generation.generators.tabular.fitted.features import Bins, Levels
from generation.generators.tabular.fitted.intervals import learn_numbers
from generation.generators.tabular.fitted.levels import Rare, learn_levels
from generation.generators.tabular.fitted.privacy import Bools, Floats, Ints, K, People
from generation.generators.tabular.fitted.understanding import ColumnPlan
from generation.generators.tabular.fitted.values import decimal_array

_DAY = 86_400_000_000  # microseconds
_STEPS = (3_600_000_000, 60_000_000, 1_000_000, 1_000, 1)
_DIGITS = 7
_DAYS = (-719_162, 2_932_896)  # the years 1 to 9999
_NANOSECOND_DAYS = (-106_000, 106_000)  # what 64 bits of nanoseconds hold


@dataclass(frozen=True)
class Coding:
    """How a column became features: ``decimals`` of its numbers, ``step`` of its clock in microseconds (0: none)."""

    decimals: int = 0
    step: int = 0


@dataclass(frozen=True)
class Learned:
    """The values of one feature, each row's place among them (-1: none), and the levels that too few people hold."""

    values: Bins | Levels
    places: Ints
    rare: Rare | None = None


def learn_column(array: ArrowArray, plan: ColumnPlan, people: People) -> tuple[Coding, list[Learned]]:
    """Learn the features of one column: two for a moment with a time of day, else one."""
    if pa.types.is_string(plan.type) or pa.types.is_boolean(plan.type):
        encoded = array.cast(pa.string()).dictionary_encode()
        codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        rest = pa.types.is_string(plan.type)
        return Coding(), [Learned(*learn_levels(codes, encoded.dictionary, people, rest=rest, public=plan.public))]
    known = pc.is_valid(array).to_numpy(zero_copy_only=False)
    if pa.types.is_date(plan.type):
        return Coding(), [Learned(*learn_numbers(_days(array), people, rounded=False))]
    if pa.types.is_timestamp(plan.type) or pa.types.is_time(plan.type):
        return _learn_clock(_microseconds(array), known, plan, people)
    numbers = _floats(array)
    decimals = _decimals(people.among(known).one_each(numbers[known]), plan)
    return Coding(decimals), [Learned(*learn_numbers(np.rint(numbers * 10.0**decimals), people, rounded=True))]


def _learn_clock(moments: Ints, known: Bools, plan: ColumnPlan, people: People) -> tuple[Coding, list[Learned]]:
    days, clock = np.divmod(moments, _DAY)
    step = _step(clock[known])
    features = []
    if pa.types.is_timestamp(plan.type):
        features.append(Learned(*learn_numbers(np.where(known, days, np.nan), people, rounded=False)))
    if step or not features:
        ticks = np.where(known, clock // max(step, 1), np.nan)
        features.append(Learned(*learn_numbers(ticks, people, rounded=False)))
    return Coding(step=step), features


def units_of(array: ArrowArray, plan: ColumnPlan, coding: Coding) -> list[Floats]:
    """Return the whole units of a column that has no levels, for each feature that ``learn_column`` found in it."""
    if pa.types.is_date(plan.type):
        return [_days(array)]
    if not (pa.types.is_timestamp(plan.type) or pa.types.is_time(plan.type)):
        return [np.rint(_floats(array) * 10.0**coding.decimals)]
    known = pc.is_valid(array).to_numpy(zero_copy_only=False)
    days, clock = np.divmod(_microseconds(array), _DAY)
    units = [np.where(known, days, np.nan)] if pa.types.is_timestamp(plan.type) else []
    if coding.step or not units:
        units.append(np.where(known, clock // max(coding.step, 1), np.nan))
    return units


def _step(clock: Ints) -> int:
    """The coarsest step of the clock that 95 % of the times keep, 0 if they are all but midnight."""
    if len(clock) < K or (clock == 0).mean() >= 0.95:
        return 0
    return next(step for step in _STEPS if step == 1 or (clock % step == 0).mean() >= 0.95)


def _decimals(numbers: Floats, plan: ColumnPlan) -> int:
    """The decimals to keep, fewer than none for huge numbers; of endless ones as many as give seven digits.

    ``numbers`` are one each of the people. Units stay below 2**50 for all but the ``K`` largest, so that halves between
    them exist.
    """
    if len(numbers) < K:
        return 0
    room = int(np.floor(np.log10(2.0**50 / max(float(np.partition(np.abs(numbers), -K)[-K]), 1e-200))))
    if pa.types.is_integer(plan.type):
        return min(0, room)
    if pa.types.is_decimal(plan.type):
        return min(int(plan.type.scale), room)
    if plan.decimals is not None:
        return min(plan.decimals, room)
    low, high = np.quantile(numbers, (0.05, 0.95))
    spread = float(high / 2 - low / 2) or abs(float(high)) or 1.0
    return int(np.clip(_DIGITS - 1 - np.floor(np.log10(spread)), -300, min(room, 300)))


def decode_units(units: list[Floats], missing: Bools | None, plan: ColumnPlan, coding: Coding) -> ArrowArray:
    """Return an array of the column's type from drawn whole units of each feature."""
    type_ = plan.type
    if pa.types.is_date(type_):
        days = np.clip(units[0], *_DAYS).astype(np.int32)
        return pa.array(days, pa.int32(), mask=missing).cast(pa.date32()).cast(type_)
    if pa.types.is_timestamp(type_) or pa.types.is_time(type_):
        return _from_clock(units, missing, plan, coding)
    if pa.types.is_integer(type_):
        bounds: Any = np.iinfo(np.dtype(type_.to_pandas_dtype()).name)
        # 2**63 - 1 is no double; the largest one below it is
        top = min(float(bounds.max), 2.0**63 - 1024)
        whole = np.clip(_scaled(units[0], coding.decimals), bounds.min, top).astype(np.int64)
        return pa.array(whole, pa.int64(), mask=missing).cast(type_)
    if pa.types.is_decimal(type_):
        return decimal_array(_scaled(units[0], coding.decimals - type_.scale), missing, type_)
    return pa.array(_scaled(units[0], coding.decimals), pa.float64(), mask=missing).cast(type_, safe=False)


def _scaled(units: Floats, decimals: int) -> Floats:
    """Divide by a power of ten: only a division gives the double nearest to the decimal number."""
    scaled: Floats = units / 10.0**decimals if decimals >= 0 else units * 10.0**-decimals
    return scaled


def _from_clock(units: list[Floats], missing: Bools | None, plan: ColumnPlan, coding: Coding) -> ArrowArray:
    clock = units[-1].astype(np.int64) * max(coding.step, 1) % _DAY
    if pa.types.is_time(plan.type):
        return pa.array(clock, pa.int64(), mask=missing).cast(pa.time64("us")).cast(plan.type, safe=False)
    days = np.clip(units[0], *(_NANOSECOND_DAYS if plan.type.unit == "ns" else _DAYS))
    moments = days.astype(np.int64) * _DAY
    if len(units) > 1:
        moments = moments + clock
    in_utc = pa.timestamp("us", tz=plan.type.tz)
    return pa.array(moments, pa.int64(), mask=missing).cast(in_utc).cast(plan.type, safe=False)


def _days(array: ArrowArray) -> Floats:
    return _floats(array.cast(pa.date32()).cast(pa.int32()))


def _floats(array: ArrowArray) -> Floats:
    numbers: Floats = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers


def _microseconds(array: ArrowArray) -> Ints:
    target = pa.time64("us") if pa.types.is_time(array.type) else pa.timestamp("us", tz=array.type.tz)
    moments = pc.fill_null(array.cast(target, safe=False).cast(pa.int64()), 0)
    numbers: Ints = moments.to_numpy(zero_copy_only=False)
    return numbers
