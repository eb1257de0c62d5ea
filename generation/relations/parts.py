"""Parts of another column: quotients and remainders of whole numbers, and what a date or moment has by itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from generation.relations.columns import Column, Floats, Sample, Words, all_known
from generation.relations.relation import Drawn, Relation, share_of

_DIVISORS = (10, 12, 60, 100, 1000)
_HOLDS = 0.999
_LEAST_ROWS = 200
_OFF_THE_MODE = 0.2  # of a part's values: what is nearly always 0 is the part of anything

Dates = NDArray[Any]
Part = Literal["year", "quarter", "month", "week", "day", "weekday", "weekday from 1", "day of the year", "hour"]


class Quotient(Relation):
    """``out`` is the whole quotient or the remainder of one column by a whole number."""

    kind: Literal["quotient"] = "quotient"
    by: int
    rest: bool

    @property
    def formula(self) -> str:
        of = "remainder" if self.rest else "whole part"
        return f"{self.out} = {of} of {self.inputs[0]} ÷ {self.by:,}"

    def put_right(self, drawn: Drawn, words: Mapping[str, Words]) -> None:
        old, new = drawn[self.out], _divided(drawn[self.inputs[0]], self.by, rest=self.rest)
        drawn[self.out] = np.where(np.isnan(old) | np.isnan(new), old, new)


class PartOfDate(Relation):
    """``out`` is the year, month, hour … of a column of dates or moments."""

    kind: Literal["part of date"] = "part of date"
    part: Part
    moments: bool

    @property
    def formula(self) -> str:
        return f"{self.out} = {self.part} of {self.inputs[0]}"

    def put_right(self, drawn: Drawn, words: Mapping[str, Words]) -> None:
        old, new = drawn[self.out], _part(drawn[self.inputs[0]], self.part, moments=self.moments)
        drawn[self.out] = np.where(np.isnan(old) | np.isnan(new), old, new)


def find_quotient(sample: Sample, out: Column, others: Collection[Column]) -> Quotient | None:
    """Return the quotient or remainder of one of ``others`` that ``out`` is."""
    if not out.is_whole:
        return None
    for one in others:
        if not one.is_whole or one.distinct < out.distinct or not _often_together(out, one):
            continue
        known = all_known([out, one])
        for by in _DIVISORS:
            for rest in (False, True):
                part = _divided(one.values[known], by, rest=rest)
                if (holds := _share_held(part, out.values[known], one.values[known])) >= _HOLDS:
                    return Quotient(out=out.name, inputs=(one.name,), share=share_of(holds), by=by, rest=rest)
    return None


def find_part_of_date(sample: Sample, out: Column) -> PartOfDate | None:
    """Return the part of a date or moment that ``out`` is."""
    if not out.is_whole or not out.within(0, 9999):
        return None
    for one in sample.columns.values():
        moments = one.kind == "moment"
        if one.kind not in ("date", "moment") or not _often_together(out, one):
            continue
        known = all_known([out, one])
        for part in _PARTS if moments else [part for part in _PARTS if part != "hour"]:
            made = _part(one.values[known], part, moments=moments)
            if (holds := _share_held(made, out.values[known], None)) >= _HOLDS:
                return PartOfDate(out=out.name, inputs=(one.name,), share=share_of(holds), part=part, moments=moments)
    return None


def _often_together(out: Column, other: Column) -> bool:
    return int((out.known & other.known).sum()) >= _LEAST_ROWS and bool(other.known[out.known].mean() > 0.95)


def _share_held(part: Floats, values: Floats, whole: Floats | None) -> float:
    """The share of rows that have the part; 0 if it is nearly always the same, or the column itself."""
    off_the_mode = float((part != np.median(part)).mean())
    if off_the_mode <= _OFF_THE_MODE or (whole is not None and bool((whole == values).all())):
        return 0.0
    return float((part == values).mean())


def _divided(values: Floats, by: int, *, rest: bool) -> Floats:
    divided: Floats = np.mod(values, by) if rest else np.floor_divide(values, by)
    return divided


def _part(values: Floats, part: Part, *, moments: bool) -> Floats:
    known = ~np.isnan(values)
    seconds = np.where(known, values, 0.0) * (1.0 if moments else 86_400.0)
    days = np.floor(seconds / 86_400.0).astype(np.int64).astype("datetime64[D]")
    made: Floats = _PARTS[part](days, seconds).astype(np.float64)
    return np.where(known, made, np.nan)


def _years(days: Dates) -> Dates:
    return days.astype("datetime64[Y]")


def _week(days: Dates) -> Dates:
    """The number of the week in which most of its days lie (ISO 8601): that of its Thursday."""
    thursday = days - _weekday(days) + 3
    week: Dates = (thursday - _years(thursday).astype("datetime64[D]")).astype(np.int64) // 7 + 1
    return week


def _weekday(days: Dates) -> Dates:
    """0 for Monday: 1 January 1970 was a Thursday."""
    return (days.astype(np.int64) + 3) % 7


_PARTS: Mapping[Part, Callable[[Dates, Floats], Dates]] = {
    "year": lambda days, _: _years(days).astype(np.int64) + 1970,
    "quarter": lambda days, _: days.astype("datetime64[M]").astype(np.int64) % 12 // 3 + 1,
    "month": lambda days, _: days.astype("datetime64[M]").astype(np.int64) % 12 + 1,
    "week": lambda days, _: _week(days),
    "day": lambda days, _: (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1,
    "weekday": lambda days, _: _weekday(days),
    "weekday from 1": lambda days, _: _weekday(days) + 1,
    "day of the year": lambda days, _: (days - _years(days).astype("datetime64[D]")).astype(np.int64) + 1,
    "hour": lambda _, seconds: np.floor(seconds / 3600) % 24,
}
