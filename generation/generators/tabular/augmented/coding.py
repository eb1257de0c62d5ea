"""Rows put into codes that were learned from other rows: numbers into bins, texts into levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.arrow import ArrowArray, pc
from generation.generators.tabular.fitted.encoding import Coding, learn_column, units_of
from generation.generators.tabular.fitted.features import Bins, Feature, Levels
from generation.generators.tabular.fitted.gaps import may_be_missing
from generation.generators.tabular.fitted.privacy import Floats, Ints, People
from generation.generators.tabular.fitted.understanding import ColumnPlan


@dataclass(frozen=True)
class CodedColumn:
    """A column's coding, its features with their numbers among all, and whether its missing cells are to be filled."""

    plan: ColumnPlan
    coding: Coding
    numbers: tuple[int, ...]
    features: tuple[Feature, ...]
    filled: bool

    @property
    def streams(self) -> list[str]:
        """The names of its features' randomness."""
        return [f"fill {kind} {self.plan.name}" for kind in ("column", "clock")[: len(self.features)]]


def learn_columns(
    rows: pa.Table, plans: Sequence[ColumnPlan], filled: Sequence[str], people: People
) -> list[CodedColumn]:
    """Learn how to code the columns of ``plans`` from ``rows``, but for those of which no value may be used."""
    columns: list[CodedColumn] = []
    first = 0
    for plan in plans:
        array = rows.column(plan.name).combine_chunks()
        coding, learned = learn_column(array, plan, people)
        if not all(len(one.values) for one in learned):
            continue
        gone = pc.is_null(array).to_numpy(zero_copy_only=False)
        to_fill = plan.name in filled
        nullable = not to_fill and may_be_missing(gone, people)
        features = tuple(Feature(one.values, nullable) for one in learned)
        numbers = tuple(range(first, first + len(features)))
        columns.append(CodedColumn(plan, coding, numbers, features, to_fill))
        first += len(features)
    return columns


def places_in(column: CodedColumn, array: ArrowArray) -> list[Ints]:
    """Return for each feature of a column the place of each row's value, -1 where it is missing or no level of many."""
    if not column.features[0].ordered:
        levels = cast(Levels, column.features[0].values)
        found = pc.index_in(array.cast(pa.string()), levels.names.slice(0, levels.common))
        return [pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)]
    units = units_of(array, column.plan, column.coding)
    return [_bins(cast(Bins, one.values), found) for one, found in zip(column.features, units, strict=True)]


def _bins(bins: Bins, units: Floats) -> Ints:
    """The bin of each number: the value itself, else the interval around it, else the nearest; -1 where missing."""
    known = ~np.isnan(units)
    values = np.where(known, units, 0.0)
    middles = (bins.low + bins.high) / 2
    places = np.searchsorted((middles[1:] + middles[:-1]) / 2, values)
    single = bins.high - bins.low <= 1.0
    for chosen in (np.flatnonzero(~single), np.flatnonzero(single)):
        if not len(chosen):
            continue
        chosen = chosen[np.argsort(bins.low[chosen], kind="stable")]
        at = chosen[np.clip(np.searchsorted(bins.low[chosen], values, side="right") - 1, 0, len(chosen) - 1)]
        within = (bins.low[at] <= values) & (values < bins.high[at])
        places = np.where(within, at, places)
    return np.where(known, places, -1)
