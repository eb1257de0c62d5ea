"""Numbers back into a column's Arrow type, in the units of ``generation.relations``: the other way of ``as_floats``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.arrow import ArrowArray, ArrowType
from generation.generators.tabular.fitted.privacy import Bools, Floats

_DAYS = (-719_162, 2_932_896)  # the years 1 to 9999
_SECONDS = (-62_135_596_800, 253_402_300_799)
_NANOSECONDS = (-9_223_372_036, 9_223_372_036)  # seconds that 64 bits of nanoseconds hold
_DAY = 86_400
_LONG_DIGITS = 18  # that any 64 bits hold


def as_arrow(values: Floats, type_: ArrowType) -> ArrowArray:
    """Return ``values`` (NaN where missing) as an array of ``type_``, within what that can hold."""
    missing = np.isnan(values)
    there = np.where(missing, 0.0, values)
    mask = missing if missing.any() else None
    if pa.types.is_integer(type_):
        bounds: Any = np.iinfo(np.dtype(type_.to_pandas_dtype()).name)
        whole = np.clip(np.rint(there), bounds.min, min(float(bounds.max), 2.0**63 - 1024)).astype(np.int64)
        return pa.array(whole, pa.int64(), mask=mask).cast(type_)
    if pa.types.is_date(type_):
        days = np.clip(np.rint(there), *_DAYS).astype(np.int32)
        return pa.array(days, pa.int32(), mask=mask).cast(pa.date32()).cast(type_)
    if pa.types.is_timestamp(type_):
        seconds = np.clip(there, *(_NANOSECONDS if type_.unit == "ns" else _SECONDS))
        ticks = pa.array(np.rint(seconds * 1e6).astype(np.int64), mask=mask)
        return ticks.cast(pa.timestamp("us", tz=type_.tz)).cast(type_, safe=False)
    if pa.types.is_time(type_):
        ticks = pa.array(np.rint(np.mod(there, _DAY) * 1e6).astype(np.int64) % (_DAY * 1_000_000), mask=mask)
        return ticks.cast(pa.time64("us")).cast(type_, safe=False)
    if pa.types.is_decimal(type_):
        return decimal_array(np.rint(there * 10.0**type_.scale), mask, type_)
    return pa.array(there, mask=mask).cast(type_, safe=False)


def decimal_array(units: Floats, missing: Bools | None, type_: ArrowType) -> ArrowArray:
    """Return 128-bit decimals of whole ``units`` of their last digit, up to the largest that ``type_`` can hold."""
    precision = min(type_.precision, _LONG_DIGITS)
    most = 10**precision - 1
    # of 16 digits and more the largest is no double, so it is cut once more as a whole number
    whole = np.clip(np.clip(units, -(10.0**precision), 10.0**precision).astype(np.int64), -most, most)
    # the upper half repeats the sign
    halves = np.stack([whole, whole >> 63], axis=1)
    valid = None if missing is None else pa.array(~missing).buffers()[1]
    return pa.Array.from_buffers(type_, len(whole), [valid, pa.py_buffer(halves.tobytes())])
