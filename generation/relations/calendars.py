"""Calendars: a day of the month is never past its month's end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from generation.relations.columns import Column, Floats, Ints, Sample, Words, all_known
from generation.relations.relation import Drawn, Relation

_LENGTHS: Ints = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_SHORT = (2, 4, 6, 9, 11)
_SURPRISES = 5  # days beyond a short month's end that independent columns would have at least


class DayOfMonth(Relation):
    """``out`` is a day of the month that the first input names, in the year of the second if there is one."""

    kind: Literal["day of month"] = "day of month"

    @property
    def formula(self) -> str:
        return f"{self.out} is a day of the {' and '.join(self.inputs)}"

    def put_right(self, drawn: Drawn, words: Mapping[str, Words]) -> None:
        days, months = drawn[self.out], drawn[self.inputs[0]]
        years = drawn[self.inputs[1]] if len(self.inputs) > 1 else np.full(len(days), np.nan)
        drawn[self.out] = np.where(np.isnan(days) | np.isnan(months), days, np.minimum(days, _last(months, years)))


def find_day_of_month(sample: Sample, out: Column) -> DayOfMonth | None:
    """Return the month, and the year, whose day ``out`` is."""
    if not (out.is_whole and out.within(1, 31) and np.nanmax(out.values) == 31):
        return None
    for month in sample.columns.values():
        if not (month.is_whole and month.within(1, 12) and np.nanmax(month.values) == 12) or month.name == out.name:
            continue
        known = all_known([out, month])
        days, months = out.values[known], month.values[known]
        surprises = (days > 30).mean() * np.isin(months, _SHORT).mean() * known.sum()
        if surprises >= _SURPRISES and (days <= _last(months, np.full(len(days), np.nan))).all():
            year = _year(sample, out, month)
            inputs = (month.name,) if year is None else (month.name, year.name)
            return DayOfMonth(out=out.name, inputs=inputs, share=1.0)
    return None


def _year(sample: Sample, day: Column, month: Column) -> Column | None:
    """The column of years in which every day exists, the 29th of February too."""
    for one in sample.columns.values():
        if one.is_whole and one.within(1800, 2200) and one.name not in (day.name, month.name):
            known = all_known([one, day, month])
            if known.any() and (day.values[known] <= _last(month.values[known], one.values[known])).all():
                return one
    return None


def _last(months: Floats, years: Floats) -> Floats:
    """The last day of each month; of February without a year the 29th."""
    month = np.clip(np.nan_to_num(months, nan=1.0), 1, 12).astype(np.int64)
    year = np.nan_to_num(years, nan=2000.0).astype(np.int64)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    last: Floats = (_LENGTHS[month - 1] - ((month == 2) & ~leap)).astype(np.float64)
    return last
