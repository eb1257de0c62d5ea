"""What plots are drawn from: numbers that belong together, checked when they are put together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Literal

from marketplace.web.templatetags.units import percent, thousands

_LONGEST_LABEL = 34


@dataclass(frozen=True)
class Histogram:
    """Counts of a numeric column between ``edges`` (one more than counts, rising), and of its reference, if it has one.

    The two may count different numbers of rows: shares are drawn. ``log`` draws the axis by the logarithm. ``low`` and
    ``high`` are the ends as a reader knows them ("00:00", "€1.75"); the outer edges if empty. Raises ValueError when
    the numbers make no histogram.
    """

    edges: Sequence[float]
    counts: Sequence[float]
    reference: Sequence[float] | None = None
    log: bool = False
    low: str = ""
    high: str = ""

    def __post_init__(self) -> None:
        _check_counts(self.counts, self.reference)
        if len(self.edges) != len(self.counts) + 1:
            raise ValueError(f"{len(self.counts)} bins have {len(self.counts) + 1} edges, not {len(self.edges)}")
        if not all(math.isfinite(edge) for edge in self.edges):
            raise ValueError("an edge of a histogram is a finite number")
        one_value = len(self.counts) == 1 and self.edges[0] == self.edges[1]
        if not one_value and any(a >= b for a, b in pairwise(self.edges)):
            raise ValueError("the edges of a histogram rise")
        if self.log and self.edges[0] <= 0:
            raise ValueError("a logarithmic axis begins above 0")

    @property
    def ends(self) -> tuple[str, str]:
        """Both ends of the axis in words."""
        return self.low or thousands(self.edges[0]), self.high or thousands(self.edges[-1])

    def finding(self, name: str) -> str:
        """For whoever does not see the plot: the range, where most values lie, the distance to the reference."""
        total = sum(self.counts)
        if not total:
            return f"{name}: no values."
        top = max(range(len(self.counts)), key=self.counts.__getitem__)
        low, high = self.ends
        where = f"{thousands(self.edges[top])} to {thousands(self.edges[top + 1])}"
        said = f"{name}: {low} to {high}; most often {where}, {percent(self.counts[top] / total)}."
        return said + _distance(self.counts, self.reference)


@dataclass(frozen=True)
class Categories:
    """Counts of the values of a column by name, most frequent first, and of its reference in the same order.

    ``other`` counts all values that are not named. Raises ValueError for counts that are none.
    """

    items: Sequence[tuple[str, float]]
    reference: Sequence[float] | None = None
    other: float = 0

    def __post_init__(self) -> None:
        _check_counts([*self.counts, self.other], None if self.reference is None else [*self.reference, 0])

    @property
    def counts(self) -> list[float]:
        return [count for _, count in self.items]

    @property
    def total(self) -> float:
        """All values counted, named or not."""
        return sum(self.counts) + self.other

    @property
    def ends(self) -> tuple[str, str]:
        """The first and the last value named."""
        return (cut(self.items[0][0]), cut(self.items[-1][0])) if len(self.items) > 1 else (self._first, "")

    @property
    def _first(self) -> str:
        return cut(self.items[0][0]) if self.items else ""

    def finding(self, name: str) -> str:
        """For whoever does not see the plot: the most frequent value, and the distance to the reference."""
        if not self.total:
            return f"{name}: no values."
        top, count = max(self.items, key=lambda item: item[1], default=("other", self.other))
        said = f"{name}: most often {cut(top)}, {percent(count / self.total)}, of {len(self.items)} named."
        return said + _distance(self.counts, self.reference)


Plot = Histogram | Categories


@dataclass(frozen=True)
class Rate:
    """How fast something went: values at moments, their unit ("rows"), and what happened when ("worker 5 lost")."""

    moments: Sequence[datetime]
    values: Sequence[float]
    unit: str
    happened: Sequence[tuple[datetime, str]] = ()

    def __post_init__(self) -> None:
        if len(self.moments) != len(self.values):
            raise ValueError(f"{len(self.moments)} moments and {len(self.values)} values do not belong together")
        if any(a >= b for a, b in pairwise(self.moments)):
            raise ValueError("the moments of a rate follow each other")
        _check_counts(self.values, None)

    def finding(self) -> str:
        """One sentence: from when to when, the least, the most, and the value now."""
        if not self.values:
            return f"{self.unit.capitalize()} a second: nothing measured yet."
        least, most, now = (thousands(round(v, 1)) for v in (min(self.values), max(self.values), self.values[-1]))
        span = f"{clock(self.moments[0])} to {clock(self.moments[-1])} UTC"
        told = "".join(f" {clock(moment)}: {what}." for moment, what in self.happened)
        return f"{self.unit.capitalize()} a second, {span}: least {least}, most {most}, last {now}.{told}"


@dataclass(frozen=True)
class Stacks:
    """Amounts by name ("Nov"), each the sum of parts: what a part is, and its amount for every name in their order."""

    names: Sequence[str]
    parts: Sequence[tuple[str, Sequence[float]]]

    def __post_init__(self) -> None:
        for _, amounts in self.parts:
            _check_counts(amounts, None)
            if len(amounts) != len(self.names):
                raise ValueError(f"{len(amounts)} amounts do not belong to {len(self.names)} names")

    @property
    def totals(self) -> list[float]:
        """The whole amount of each name."""
        return [sum(amounts[n] for _, amounts in self.parts) for n in range(len(self.names))]


@dataclass(frozen=True)
class ShardCell:
    """One shard of a run: its state, the share of its rows made (0 to 1), and whether it was made a second time."""

    state: Literal["waiting", "run", "done", "failed"]
    share: float = 0.0
    again: bool = False


@dataclass(frozen=True)
class Gauge:
    """One measure on a track with both ends written: ``reference`` is the yardstick, ``watch`` asks for attention.

    ``interval`` are the bounds within which the value lies for nearly certain; ``marks`` are further yardsticks, each
    with its words. Raises ValueError where the ends are not in order.
    """

    low: float
    high: float
    value: float
    reference: float | None = None
    watch: bool = False
    interval: tuple[float, float] | None = None
    marks: Sequence[tuple[str, float]] = ()

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"a gauge rises from its low end: {self.low} is not below {self.high}")

    def finding(self, name: str) -> str:
        """One sentence: the value, its yardsticks, and the ends of the scale."""
        between = "" if self.interval is None else f" ({thousands(self.interval[0])} to {thousands(self.interval[1])})"
        yardstick = "" if self.reference is None else f", yardstick {thousands(self.reference)}"
        others = "".join(f", {words} {thousands(value)}" for words, value in self.marks)
        watch = ", to watch" if self.watch else ""
        ends = f"scale {thousands(self.low)} to {thousands(self.high)}"
        return f"{name}: {thousands(self.value)}{between}{yardstick}{others}{watch}; {ends}."


@dataclass(frozen=True)
class Curve:
    """A measure over shares from 0 to 1, beside a level that it is read against; ``best`` is the place to be marked.

    Raises ValueError for shares that do not rise from point to point, and for a place that is none.
    """

    points: Sequence[tuple[float, float]]
    reference: float | None = None
    best: int | None = None

    def __post_init__(self) -> None:
        places = [place for place, _ in self.points]
        if any(a >= b for a, b in pairwise(places)) or any(not 0 <= place <= 1 for place in places):
            raise ValueError("the points of a curve lie one after the other, from 0 to 1")
        if not all(math.isfinite(value) for _, value in self.points):
            raise ValueError("a point of a curve is a finite number")
        if self.best is not None and not 0 <= self.best < len(self.points):
            raise ValueError(f"there is no point {self.best} of {len(self.points)}")

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest of all that is drawn, a little apart."""
        drawn = [value for _, value in self.points] + ([] if self.reference is None else [self.reference])
        low, high = min(drawn, default=0.0), max(drawn, default=1.0)
        return (low, high) if low < high else (low - 0.5, high + 0.5)

    def finding(self, name: str) -> str:
        """One sentence: both ends, the best point and the level beside it."""
        if not self.points:
            return f"{name}: nothing measured."
        said = ", ".join(f"{percent(place)} {thousands(value)}" for place, value in (self.points[0], self.points[-1]))
        best = "" if self.best is None else f"; best at {percent(self.points[self.best][0])}"
        level = "" if self.reference is None else f"; beside {thousands(self.reference)}"
        return f"{name}: {said}{best}{level}."


def shares(counts: Sequence[float]) -> list[float]:
    """Each count over their sum; zeros when there is nothing."""
    total = sum(counts)
    return [count / total for count in counts] if total else [0.0 for _ in counts]


def clock(moment: datetime) -> str:
    """The time of day, in UTC."""
    return f"{moment.astimezone(UTC):%H:%M:%S}"


def cut(label: str) -> str:
    """A label as long as a plot has room for."""
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"


def _check_counts(counts: Sequence[float], reference: Sequence[float] | None) -> None:
    if any(not math.isfinite(count) or count < 0 for count in [*counts, *(reference or ())]):
        raise ValueError("a count is a finite number, 0 or more")
    if reference is not None and len(reference) != len(counts):
        raise ValueError(f"{len(counts)} counts cannot be set against a reference of {len(reference)}")


def _distance(counts: Sequence[float], reference: Sequence[float] | None) -> str:
    """How far the reference is: the share of rows that would have to move (total variation)."""
    if reference is None:
        return ""
    moved = sum(abs(a - b) for a, b in zip(shares(counts), shares(reference), strict=True)) / 2
    return f" {percent(moved)} of rows lie elsewhere than in the reference."
