"""Times of day: numbers that are read as clocks, and what a clock shows some minutes after another one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

import numpy as np

from generation.relations.columns import Bools, Column, Floats, Sample, Words, all_known, uniforms
from generation.relations.relation import Drawn, Relation, share_of

DAY = 1440  # minutes
_HOLDS = 0.99
_LEAST_ROWS = 200
_LEAST_LENGTHS = 10


class Clock(Relation):
    """``out`` is a time of day written as hours and minutes in one number; what is none gets its minutes anew."""

    rank = -2
    kind: Literal["clock"] = "clock"
    midnight: bool

    @property
    def formula(self) -> str:
        return f"{self.out} is a time of day, hours and minutes"

    def put_right(self, drawn: Drawn, words: Mapping[str, Words]) -> None:
        old = drawn[self.out]
        hours, minutes = np.divmod(old, 100)
        minutes = np.where(minutes < 60, minutes, np.floor(uniforms(words[self.out], 7) * 60))
        new = np.clip(hours, 0, 23) * 100 + minutes
        drawn[self.out] = np.where(self.midnight & (old == 2400), old, new)


class ClockAfter(Relation):
    """``out`` is what a clock shows when the second input, a number of minutes, has passed since the first.

    ``as_number`` tells whether clocks are numbers such as 0905, else they are seconds of the day; ``midnight`` whether
    midnight is 2400.
    """

    kind: Literal["clock after"] = "clock after"
    as_number: bool
    midnight: bool

    @property
    def formula(self) -> str:
        return f"{self.out} = {self.inputs[0]} + {self.inputs[1]} minutes, round the clock"

    def put_right(self, drawn: Drawn, words: Mapping[str, Words]) -> None:
        start, length, old = drawn[self.inputs[0]], drawn[self.inputs[1]], drawn[self.out]
        new = clock_after(start, length, as_number=self.as_number, midnight=self.midnight)
        drawn[self.out] = np.where(np.isnan(old) | np.isnan(new), old, new)


def find_clock(sample: Sample, out: Column) -> Clock | None:
    """Say that ``out`` is a time of day written as a number, if it is."""
    if not out.is_clock:
        return None
    return Clock(out=out.name, inputs=(), share=1.0, midnight=bool((out.values == 24 * 100).any()))


def find_clock_after(sample: Sample, out: Column, others: Collection[Column]) -> ClockAfter | None:
    """Return the clock and the minutes among ``others`` that make ``out``."""
    for start, length, known in clocks_before(out, others):
        left = minutes_of(out)[known] - minutes_of(start)[known] - length.values[known]
        if (share := float((np.abs(left - np.rint(left / DAY) * DAY) < 1e-3).mean())) >= _HOLDS:
            return ClockAfter(
                out=out.name,
                inputs=(start.name, length.name),
                share=share_of(share),
                as_number=out.is_clock,
                midnight=never_zero(out),
            )
    return None


def clocks_before(out: Column, others: Collection[Column]) -> Iterator[tuple[Column, Column, Bools]]:
    """Yield each clock and number of minutes that may lead to ``out``, and the rows in which all three are known."""
    for start in others:
        if not are_clocks(out, start):
            continue
        for length in others:
            if length.kind != "number" or length.is_clock or length.distinct <= _LEAST_LENGTHS:
                continue
            known = all_known([out, start, length])
            if known.sum() >= _LEAST_ROWS:
                yield start, length, known


def clock_after(start: Floats, passed: Floats, *, as_number: bool, midnight: bool) -> Floats:
    """What clocks show when minutes have passed since ``start``, written as ``ClockAfter`` says."""
    if not as_number:
        seconds: Floats = np.mod(start + 60 * passed, 60 * DAY)
        return seconds
    after = np.mod(minutes(start) + passed, DAY)
    after = np.where((after == 0) & midnight, DAY, after)
    written: Floats = after // 60 * 100 + after % 60
    return written


def never_zero(clock: Column) -> bool:
    """Whether a column of clocks writes midnight otherwise than as zero, if at all."""
    return bool(np.nanmin(clock.values) > 0)


def are_clocks(one: Column, other: Column) -> bool:
    """Whether two columns are times of day, written alike."""
    return (one.is_clock and other.is_clock) or (one.kind == "time" and other.kind == "time")


def minutes_of(column: Column) -> Floats:
    """The minutes of the day of a column of clocks."""
    return minutes(column.values) if column.is_clock else column.values / 60


def minutes(clock: Floats) -> Floats:
    """The minutes of the day of clocks that are numbers such as 0905."""
    passed: Floats = np.floor_divide(clock, 100) * 60 + np.mod(clock, 100)
    return passed
