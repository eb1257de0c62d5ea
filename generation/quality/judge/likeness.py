"""Likeness: does a made table look like the one it was learned from, column by column and pair by pair?

The figures are those of SDMetrics 0.32.0 (DataCebo, MIT; its documentation under "Quality Report"), computed anew so
that they compare: *shapes* is the mean over columns of ``shape``, *trends* the mean over those pairs whose columns
depend on each other in the fitted table (``STRONG``), *overall* the mean of both. ``judge_likeness`` returns::

    overall, shapes, trends   figures
    correlations              figure: 1 - mean absolute difference of Pearson's coefficients of all pairs of numbers
    missing_together          figure: 1 - total variation between the shares of the patterns in which cells are missing
    columns   [{"name", "kind", "measure": "KSComplement" | "TVComplement", "shape": figure,
                "missing": {"fitted", "holdout", "made"}: shares, "coverage": figure, "covered": figure}…]
    pairs     [{"columns": [a, b], "measure": "CorrelationSimilarity" | "ContingencySimilarity",
                "value", "holdout": scores, "fitted", "made": strengths (Pearson's r, Cramer's V), "counted": bool}…]
    pairs_of  how many pairs there are; at most ``PAIRS`` of them were looked at, drawn evenly

``coverage`` is which share of the range or of the levels of the fitted table the made one reaches, ``covered`` which
share of the fitted rows lies therein. Yardsticks: rows of the hold-out, a copy (1 by definition) and independent
columns in the place of the made ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.quality.judge.figures import Figure
from generation.quality.judge.frames import Column, Floats, Frame, Ints

#: From which strength in the fitted table on a pair counts for *trends*: Pearson's r, Cramer's V.
STRONG = {"CorrelationSimilarity": 0.5, "ContingencySimilarity": 0.3}
#: At most so many pairs of columns are compared.
PAIRS = 2_000
#: Rows of so many people at either end tell nothing of a column's range: what it reaches must not tell of one person.
OUTERMOST = 10

_DECIMALS = 14  # to which SDMetrics rounds numbers before it compares them
_BINS = 10  # of a number or time beside a category
_DENSE = 1 << 20  # cells of a table of counts that is kept whole


@dataclass(frozen=True)
class Pair:
    """Two columns compared. ``real`` and ``made`` are strengths of dependence, NaN where there is none to measure."""

    columns: tuple[str, str]
    measure: str
    score: float
    real: float
    made: float

    @property
    def counted(self) -> bool:
        """Whether the pair counts for *trends*: its columns depend on each other in the real table."""
        return bool(abs(self.real) > STRONG[self.measure])


def judge_likeness(
    fitted: Frame, holdout: Frame, made: Frame, *, people: Ints | None = None, rng: np.random.Generator
) -> dict[str, Any]:
    """Compare ``made`` with ``fitted`` and say what the yardsticks score. The shape is in this module's docstring.

    ``people`` says whose each fitted row is; without it a person is a row.
    """
    chosen = _chosen_pairs(fitted, rng)
    others = {"made": made, "holdout": holdout, "independent": independent(fitted, rng)}
    of = {name: _measured(fitted, other, chosen, people) for name, other in others.items()}
    return {
        **{name: _figure({who: of[who].summary[name] for who in of}).as_json() for name in of["made"].summary},
        "columns": [_column(fitted, others, of, place) for place in range(len(fitted.columns))],
        "pairs": [_pair(*both) for both in zip(of["made"].pairs, of["holdout"].pairs, strict=True)],
        "pairs_of": len(fitted.columns) * (len(fitted.columns) - 1) // 2,
    }


def independent(frame: Frame, rng: np.random.Generator) -> Frame:
    """Return the frame with each column put in an order of its own: the same columns, nothing that ties them."""
    columns = tuple(
        Column(one.name, one.kind, one.values[rng.permutation(frame.rows)], one.levels) for one in frame.columns
    )
    return Frame(columns, frame.rows)


def overall(real: Frame, made: Frame) -> float:
    """Return the overall score of SDMetrics' quality report: the mean of *shapes* and *trends* that can be measured."""
    return _measured(real, made, None).summary["overall"]


def shape(real: Column, made: Column) -> float:
    """How alike two columns are by themselves, 0 to 1; NaN where either is empty.

    SDMetrics' KSComplement (numbers, times): 1 - the two-sample Kolmogorov-Smirnov statistic, of what is not missing.
    TVComplement (categories): 1 - half the sum of the absolute differences of shares, of what is not missing.
    """
    if real.missing.all() or made.missing.all():
        return float("nan")
    if real.kind == "category":
        return 1 - _variation(*(_shares(column.codes(), len(column.levels)) for column in (real, made)))
    ours, theirs = (np.sort(np.round(column.values[~column.missing], _DECIMALS)) for column in (real, made))
    steps = np.concatenate([ours, theirs])
    below = [np.searchsorted(one, steps, side="right") / len(one) for one in (ours, theirs)]
    return 1 - float(np.abs(below[0] - below[1]).max())


def compare_pairs(real: Frame, made: Frame, names: Iterable[tuple[str, str]] | None = None) -> list[Pair]:
    """Compare pairs of columns as SDMetrics' Column Pair Trends do; all of them unless ``names`` says which.

    Two numbers or times: CorrelationSimilarity, 1 - half the difference of Pearson's coefficients, of rows in which
    neither is missing. Otherwise ContingencySimilarity, 1 - the total variation distance of the shares of each
    combination, missing ones among them; a number or time is cut into ten equal parts of its own table's range first,
    what is missing in the same part as the greatest value.
    """
    coded = [{column.name: _coded(column) for column in frame.columns} for frame in (real, made)]
    asked = itertools.combinations(real.names, 2) if names is None else names
    columns = [{column.name: column for column in frame.columns} for frame in (real, made)]
    return [_compared(names, columns, coded) for names in asked]


def coverage(real: Column, made: Column, people: Ints | None = None) -> tuple[float, float]:
    """Return which share of the real column's range or levels the made one reaches, and of its rows that lie therein.

    SDMetrics' RangeCoverage and CategoryCoverage, save that a range ends where ``OUTERMOST`` people lie beyond it in
    the real table: of the real ends one could tell one person's extreme. NaN where there is nothing to reach.
    ``people`` says whose each real row is; without it a person is a row.
    """
    if real.kind == "category":
        held, reached = (_shares(column.codes(), len(column.levels)) for column in (real, made))
        if not held.any():
            return float("nan"), float("nan")
        return float((reached[held > 0] > 0).mean()), float(held[reached > 0].sum())
    ours, theirs = (np.sort(column.values[~column.missing]) for column in (real, made))
    low, high = _range_of_many(real, people)
    if not (low < high and len(theirs)):
        return float("nan"), float("nan")
    gap = max((theirs[0] - low) / (high - low), 0) + max((high - theirs[-1]) / (high - low), 0)
    inner = ours[(ours >= low) & (ours <= high)]
    return max(1 - gap, 0.0), float(((inner >= theirs[0]) & (inner <= theirs[-1])).mean())


def _range_of_many(column: Column, people: Ints | None) -> tuple[float, float]:
    """Where a range begins and ends with ``OUTERMOST`` people beyond either end; NaN where there are too few."""
    known = np.flatnonzero(~column.missing)
    order = known[np.argsort(column.values[known], kind="stable")]
    ends = []
    for rising in (order, order[::-1]):
        # The first rows of as many people as there are, in the order of their values.
        first = rising if people is None else rising[np.sort(np.unique(people[rising], return_index=True)[1])]
        ends.append(float(column.values[first[OUTERMOST]]) if len(first) > OUTERMOST else float("nan"))
    return ends[0], ends[1]


@dataclass(frozen=True)
class _Measured:
    """All that is compared of a table with the fitted one; ``shapes`` and ``coverages`` in the order of columns."""

    shapes: list[float]
    coverages: list[tuple[float, float]]
    pairs: list[Pair]
    summary: Mapping[str, float]


def _measured(real: Frame, made: Frame, names: list[tuple[str, str]] | None, people: Ints | None = None) -> _Measured:
    both = list(zip(real.columns, made.columns, strict=True))
    shapes = [shape(*columns) for columns in both]
    pairs = compare_pairs(real, made, names)
    trends = _mean(pair.score for pair in pairs if pair.counted)
    apart = _mean(abs(pair.real - pair.made) for pair in pairs if pair.measure == "CorrelationSimilarity")
    summary = {
        "overall": _mean([_mean(shapes), trends]),
        "shapes": _mean(shapes),
        "trends": trends,
        "correlations": 1 - apart,
        "missing_together": 1 - _variation(*_patterns(real, made)),
    }
    return _Measured(shapes, [coverage(*columns, people) for columns in both], pairs, summary)


def _mean(values: Iterable[float]) -> float:
    """Of those that could be measured."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _chosen_pairs(frame: Frame, rng: np.random.Generator) -> list[tuple[str, str]]:
    pairs = list(itertools.combinations(frame.names, 2))
    if len(pairs) <= PAIRS:
        return pairs
    return [pairs[place] for place in np.sort(rng.choice(len(pairs), PAIRS, replace=False))]


def _coded(column: Column) -> tuple[Ints, int]:
    """Number what the column has as ContingencySimilarity sees it; also how many numbers there are."""
    if column.kind == "category":
        return np.where(column.missing, len(column.levels), column.codes()), len(column.levels) + 1
    # Nanoseconds, as pandas has them: edges of parts round alike.
    values = np.round(column.values * 1e6) * 1e3 if column.kind == "time" else column.values
    try:
        edges = np.histogram_bin_edges(values[~column.missing], _BINS)
    except ValueError:  # doubles lie too far apart there to cut the range in so many parts
        edges = np.unique(values[~column.missing])[:_BINS]
    return np.digitize(values, edges).astype(np.int64), _BINS + 2


def _compared(
    names: tuple[str, str], columns: list[dict[str, Column]], coded: list[dict[str, tuple[Ints, int]]]
) -> Pair:
    real, made = ([table[name] for name in names] for table in columns)
    if all(column.kind != "category" for column in real):
        strengths = [_correlation(*pair) for pair in (real, made)]
        score = 1 - abs(strengths[0] - strengths[1]) / 2
        return Pair(names, "CorrelationSimilarity", score, *strengths)
    counts = [_combinations(*(table[name] for name in names)) for table in coded]
    score = 1 - _variation(*_aligned(*counts))
    association = [_association(cells, held, coded[0][names[1]][1]) for cells, held in counts]
    return Pair(names, "ContingencySimilarity", score, *association)


def _correlation(one: Column, other: Column) -> float:
    """Pearson's coefficient of the rows in which neither is missing; NaN where either column is constant."""
    there = ~(one.missing | other.missing)
    if there.sum() < 2 or _constant(one) or _constant(other):
        return float("nan")
    x, y = one.values[there], other.values[there]
    if x.min() == x.max() or y.min() == y.max():
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip((x / np.linalg.norm(x)) @ (y / np.linalg.norm(y)), -1, 1))


def _constant(column: Column) -> bool:
    there = column.values[~column.missing]
    return bool(len(there) and there.min() == there.max())


def _combinations(one: tuple[Ints, int], other: tuple[Ints, int]) -> tuple[Ints, Ints]:
    """Return the combinations that occur, as one number each in rising order, and how often each does."""
    (left, levels), (right, width) = one, other
    cells = left * width + right
    if levels * width <= _DENSE:
        counts = np.bincount(cells, minlength=levels * width)
        occurring = np.flatnonzero(counts)
        return occurring, counts[occurring]
    occurring, counts = np.unique(cells, return_counts=True)
    return occurring, counts


def _aligned(one: tuple[Ints, Ints], other: tuple[Ints, Ints]) -> tuple[Floats, Floats]:
    """Return the shares of all combinations that occur in either."""
    cells = np.union1d(one[0], other[0])
    shares = []
    for occurring, counts in (one, other):
        share = np.zeros(len(cells))
        share[np.searchsorted(cells, occurring)] = counts / max(counts.sum(), 1)
        shares.append(share)
    return shares[0], shares[1]


def _association(cells: Ints, counts: Ints, width: int) -> float:
    """Cramer's V without correction (Cramer 1946); NaN where either column is constant."""
    left, right = np.divmod(cells, width)
    rows, columns = (np.bincount(side, counts) for side in (left, right))
    smaller = min(np.count_nonzero(rows), np.count_nonzero(columns)) - 1
    if smaller < 1:
        return float("nan")
    squared = float((counts.astype(np.float64) ** 2 / (rows[left] * columns[right])).sum()) - 1
    return float(np.sqrt(max(squared, 0.0) / smaller))


def _shares(codes: Ints, levels: int) -> Floats:
    """Return the share of each level among what is not missing; shape (levels,)."""
    counts: Floats = np.bincount(codes[codes >= 0], minlength=levels).astype(np.float64)
    return counts / max(float(counts.sum()), 1.0)


def _variation(one: Floats, other: Floats) -> float:
    """Total variation distance of two distributions over the same things."""
    return float(np.abs(one - other).sum()) / 2


def _patterns(real: Frame, made: Frame) -> tuple[Floats, Floats]:
    """Return the shares of each pattern of missing cells that occurs in either table."""
    packed = [_packed(frame) for frame in (real, made)]
    patterns, place = np.unique(np.concatenate(packed), return_inverse=True)
    held = place[: real.rows], place[real.rows :]
    return _shares(held[0], len(patterns)), _shares(held[1], len(patterns))


def _packed(frame: Frame) -> NDArray[np.void]:
    """Which cells of each row are missing, as one value a row."""
    gaps = np.zeros((frame.rows, max(len(frame.columns), 1)), bool)
    for place, column in enumerate(frame.columns):
        gaps[:, place] = column.missing
    packed = np.ascontiguousarray(np.packbits(gaps, axis=1))
    whole: NDArray[np.void] = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    return whole


def _column(fitted: Frame, others: Mapping[str, Frame], of: Mapping[str, _Measured], place: int) -> dict[str, Any]:
    column = fitted.columns[place]
    missing = {"fitted": column.missing, **{who: others[who].columns[place].missing for who in ("holdout", "made")}}
    return {
        "name": column.name,
        "kind": column.kind,
        "measure": "TVComplement" if column.kind == "category" else "KSComplement",
        "shape": _figure({who: of[who].shapes[place] for who in of}).as_json(),
        "missing": {who: round(float(gaps.mean()), 6) if len(gaps) else None for who, gaps in missing.items()},
        "coverage": _figure({who: of[who].coverages[place][0] for who in of}).as_json(),
        "covered": _figure({who: of[who].coverages[place][1] for who in of}).as_json(),
    }


def _pair(made: Pair, holdout: Pair) -> dict[str, Any]:
    numbers = {"value": made.score, "holdout": holdout.score, "fitted": made.real, "made": made.made}
    known = {name: None if np.isnan(number) else round(number, 6) for name, number in numbers.items()}
    return {"columns": list(made.columns), "measure": made.measure, **known, "counted": made.counted}


def _figure(values: Mapping[str, float]) -> Figure:
    """A score whose best is 1, which a copy has."""
    known = {name: None if np.isnan(value) else value for name, value in values.items()}
    if known["made"] is None:
        return Figure(None, why="There is nothing to measure it on.")
    return Figure(
        known["made"], yardsticks={"holdout": known["holdout"], "copy": 1.0, "independent": known["independent"]}
    )
