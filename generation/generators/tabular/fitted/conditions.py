"""Conditions: shares of rows that a buyer fixes or changes, by weighing the cells of the columns that are drawn first.

``fraud = yes: 20 %`` changes one share, ``fraud = yes: 500 rows`` says how many have it, ``sex = F and age >= 70 and
diagnosis = C50`` without a share fixes several columns on every row. Each column that a condition names is cut into
*parts*: rows that pass the same tests. The parts of all of them, joined, are cells that ``K`` people hold; their shares
are raked until every condition holds (iterative proportional fitting: W. Edwards Deming and Frederick F. Stephan, On a
Least Squares Adjustment of a Sampled Frequency Table When the Expected Marginal Totals are Known, Annals of
Mathematical Statistics 11, 1940). Rows are dealt out to the raked cells and the rest of each follows; nothing is drawn
and thrown away.

Two wishes are weighed in the same way: ``balance`` makes the levels of a column equally frequent, ``independent`` takes
away how a target hangs on a sensitive column, so that all of its other ties stay: the reweighing of Faisal Kamiran and
Toon Calders, Data preprocessing techniques for classification without discrimination, Knowledge and Information
Systems 33, 2012.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.privacy import Bools, Floats, Ints, K, People
from generation.sdk.rules import (
    Comparison,
    NotUnderstood,
    Test,
    column_of,
    columns_in,
    read_names,
    read_tests,
    rows_that_pass,
)

_SHARE = re.compile(r"(?P<tests>.*\S)\s*:\s*(?P<share>\d{1,3}(\.\d{1,6})?)\s*%\s*\Z", re.DOTALL)
_COUNTED = re.compile(r"(?P<tests>.*\S)\s*:\s*(?P<rows>\d{1,12})\s*rows?\s*\Z", re.DOTALL)
_MOST_TESTS = 62  # of one column: its parts are numbered by bits
_MOST_LEVELS = 60
_CLASSES = 10  # that a column of numbers is cut into where it is to be independent
_ROUNDS = 2_000
_CLOSE = 1e-9
_REACHED = 1e-5  # a share that is off by no more holds

HOW = "Write it like: fraud = yes: 20 %, or: fraud = yes: 500 rows. Without a share every row has it."


@dataclass(frozen=True)
class Condition:
    """The share of rows that are to pass all ``tests``; ``text`` is what the buyer wrote."""

    text: str
    tests: tuple[Test, ...]
    share: float


@dataclass(frozen=True)
class Wishes:
    """What a buyer wants of the columns that are drawn first; ``independent`` are (target, sensitive) columns.

    ``closed`` wishes want no row that meets none of the conditions.
    """

    conditions: tuple[Condition, ...] = ()
    balance: tuple[str, ...] = ()
    independent: tuple[tuple[str, str], ...] = ()
    closed: bool = False

    @cached_property
    def columns(self) -> list[str]:
        """The columns to draw first, each once, in the order in which they are named."""
        named = [name for one in self.conditions for name in columns_in(one.tests)]
        return list(dict.fromkeys([*named, *self.balance, *(name for pair in self.independent for name in pair)]))

    @cached_property
    def by_level(self) -> frozenset[str]:
        """The columns of which each level is a part of its own."""
        return frozenset({*self.balance, *(name for pair in self.independent for name in pair)})

    def tests_of(self, column: str) -> list[Test]:
        """All tests of one column, each once."""
        found = [test for one in self.conditions for test in one.tests if test.column == column]
        return list(dict.fromkeys(found))


def read_condition(text: str, units: int) -> Condition:
    """Read one condition on a table of ``units`` rows. Raises ``NotUnderstood``."""
    shared, counted = _SHARE.match(text.strip()), _COUNTED.match(text.strip())
    found = shared or counted
    tests = read_tests(found["tests"] if found else text)
    share = float(shared["share"]) / 100 if shared else int(counted["rows"]) / units if counted else 1.0
    if share > 1:
        more = "A share is more than 100 %." if shared else f"There are {units:,} rows in all."
        raise NotUnderstood(more, HOW)
    return Condition(text.strip(), tests, share)


def read_pair(text: str) -> tuple[str, str]:
    """Read ``income from sex``: the target and the sensitive column. Raises ``NotUnderstood``."""
    fault = NotUnderstood(
        f"“{text.strip()}” does not name two columns.",
        "Write it like: income from sex. Put names with spaces or signs in double quotes.",
    )
    try:
        target, sensitive = read_names(text, "from")
    except NotUnderstood as error:
        raise fault from error
    if target == sensitive:
        raise fault
    return target, sensitive


def faults_of(condition: Condition, schema: pa.Schema) -> Iterator[NotUnderstood]:
    """What a condition may not ask: it compares columns with values, numbers with one value at a time."""
    for test in condition.tests:
        if not isinstance(test, Comparison):
            continue
        if (other := column_of(test.other, schema)) is not None:
            message = f"It compares “{test.column}” with the column “{other}”."
            yield NotUnderstood(message, "Compare with a value; put the value in single quotes if it is one.")


def faults_of_wishes(wishes: Wishes) -> Iterator[NotUnderstood]:
    """What the conditions may not ask together: one column cannot be tested in any number of ways."""
    for name in wishes.columns:
        if (tests := len(wishes.tests_of(name))) > _MOST_TESTS:
            message = f"Column “{name}” is compared in {tests} ways; at most {_MOST_TESTS} are possible."
            yield NotUnderstood(message, "Write fewer conditions on this column, or wider ones.")


@dataclass(frozen=True)
class Parts:
    """A column cut into parts: each row's part; for each part the bits of the tests it passes, and its level or -1."""

    rows: Ints
    passes: Ints
    levels: Ints

    def __len__(self) -> int:
        return len(self.passes)


def parts_of(tests: Sequence[Test], array: pa.ChunkedArray | pa.Array, levels: Ints | None) -> Parts:
    """Cut a column into parts: by the tests that each value passes and, if given, by each row's level.

    Of more than 60 levels the rarer ones are one part together. There are no more tests than ``faults_of_wishes`` says.
    """
    name = tests[0].column if tests else ""
    table = pa.table({name: array})
    passes = np.zeros(len(array), np.int64)
    for bit, test in enumerate(tests):
        passes |= rows_that_pass([test], table).astype(np.int64) << bit
    kept = np.full(len(array), -1, np.int64) if levels is None else _frequent(levels)
    codes, rows = np.unique(np.stack([passes, kept], axis=1), axis=0, return_inverse=True)
    return Parts(rows.ravel().astype(np.int64), codes[:, 0], codes[:, 1])


def _frequent(levels: Ints) -> Ints:
    counts = np.bincount(levels)
    rank = np.empty(len(counts), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return np.where(rank[levels] < _MOST_LEVELS, levels, len(counts))


def classes_of(numbers: Floats) -> Ints:
    """Cut numbers (NaN where missing, which is class 0) into ten classes of about equally many rows."""
    known = ~np.isnan(numbers)
    if not known.any():
        return np.zeros(len(numbers), np.int64)
    cuts = np.unique(np.quantile(numbers[known], np.arange(1, _CLASSES) / _CLASSES))
    return np.where(known, 1 + np.searchsorted(cuts, np.nan_to_num(numbers), side="right"), 0).astype(np.int64)


@dataclass(frozen=True)
class Cells:
    """Which parts occur together: ``codes`` (cells × columns) and the share of the rows that each cell has.

    ``left_out`` is the share of rows in cells that fewer than ``K`` people hold; the others stand for them.
    """

    codes: Ints
    shares: Floats
    left_out: float


def cells_of(parts: Sequence[Parts], people: People) -> Cells:
    """Count how the parts of several columns occur together."""
    table = np.stack([one.rows for one in parts], axis=1)
    codes, groups = np.unique(table, axis=0, return_inverse=True)
    groups = groups.ravel()
    held = people.holders(groups, len(codes)) >= K
    rows = np.bincount(groups, minlength=len(codes)).astype(np.float64)
    kept = rows[held]
    return Cells(codes[held], kept / max(kept.sum(), 1.0), 1.0 - float(kept.sum() / max(rows.sum(), 1.0)))


@dataclass(frozen=True)
class Demands:
    """What is asked of cells: ``masks`` (conditions × cells) with their shares, and groups of cells by column."""

    masks: Bools
    shares: Floats
    balanced: tuple[Ints, ...]
    independent: tuple[tuple[Ints, Ints], ...]


def demands(wishes: Wishes, parts: Sequence[Parts], cells: Cells) -> Demands:
    """Say for each wish which cells it speaks of. ``parts`` are those of ``wishes.columns``, in their order."""
    place = {name: number for number, name in enumerate(wishes.columns)}
    masks = np.ones((len(wishes.conditions), len(cells.codes)), dtype=bool)
    for number, condition in enumerate(wishes.conditions):
        for test in condition.tests:
            column = place[test.column]
            bit = wishes.tests_of(test.column).index(test)
            masks[number] &= (parts[column].passes[cells.codes[:, column]] >> bit & 1).astype(bool)
    by_level = {name: parts[place[name]].levels[cells.codes[:, place[name]]] for name in wishes.by_level}
    return Demands(
        masks=masks,
        shares=np.array([one.share for one in wishes.conditions]),
        balanced=tuple(_numbered(by_level[name]) for name in wishes.balance),
        independent=tuple((_numbered(by_level[a]), _numbered(by_level[b])) for a, b in wishes.independent),
    )


def side_by_side(asked: Demands) -> Ints:
    """The cells in an order in which those of one condition lie together, as far as those before it allow."""
    keys = [*asked.masks, *asked.balanced, *(groups for pair in asked.independent for groups in pair)]
    order: Ints = np.lexsort([np.arange(asked.masks.shape[1]), *keys[::-1]])
    return order


def _numbered(groups: Ints) -> Ints:
    numbers: Ints = np.unique(groups, return_inverse=True)[1].ravel()
    return numbers


def rake(shares: Floats, asked: Demands) -> tuple[Floats, float]:
    """Return the shares of cells nearest to ``shares`` (in information) that meet ``asked``, and by how much they miss.

    Each round makes every demand true in turn. Demands that can all be true are, in the end; else the last ones are.
    """
    weights = shares.copy()
    for _ in range(_ROUNDS):
        before = weights.copy()
        for mask, share in zip(asked.masks, asked.shares, strict=True):
            weights = _scaled(weights, mask, float(share))
        for groups in asked.balanced:
            weights = _levelled(weights, groups)
        for target, sensitive in asked.independent:
            weights = _untied(weights, target, sensitive)
        if np.abs(weights - before).max(initial=0.0) < _CLOSE:
            break
    return weights, _missed(weights, asked)


def _scaled(weights: Floats, mask: Bools, share: float) -> Floats:
    """Give the cells of ``mask`` together the wanted share, as far as there are any."""
    inside, outside = weights[mask].sum(), weights[~mask].sum()
    scaled = weights.copy()
    if inside > 0 and (outside > 0 or share > 0):
        scaled[mask] *= (share if outside > 0 else 1.0) / inside
    if outside > 0 and (inside > 0 or share < 1):
        scaled[~mask] *= ((1 - share) if inside > 0 else 1.0) / outside
    return scaled


def _levelled(weights: Floats, groups: Ints) -> Floats:
    totals = np.bincount(groups, weights)
    there = totals > 0
    scale = np.divide(weights.sum() / max(int(there.sum()), 1), totals, out=np.zeros_like(totals), where=there)
    levelled: Floats = weights * scale[groups]
    return levelled


def _untied(weights: Floats, target: Ints, sensitive: Ints) -> Floats:
    """Give each pair of a target's class and a sensitive one the product of both shares."""
    pairs = target * (sensitive.max(initial=0) + 1) + sensitive
    totals = np.bincount(pairs, weights)[pairs]
    wanted = np.bincount(target, weights)[target] * np.bincount(sensitive, weights)[sensitive]
    untied = np.divide(weights * wanted, totals, out=np.zeros_like(weights), where=totals > 0)
    sum_ = untied.sum()
    return untied / sum_ if sum_ > 0 else weights


def _missed(weights: Floats, asked: Demands) -> float:
    """By how much the worst demand is missed."""
    worst = [abs(float(weights[mask].sum()) - share) for mask, share in zip(asked.masks, asked.shares, strict=True)]
    for groups in asked.balanced:
        totals = np.bincount(groups, weights)
        worst.append(float(np.abs(totals - 1 / len(totals)).max()))
    for target, sensitive in asked.independent:
        width = int(sensitive.max(initial=0)) + 1
        joint = np.bincount(target * width + sensitive, weights, minlength=(int(target.max(initial=0)) + 1) * width)
        table = joint.reshape(-1, width)
        worst.append(float(np.abs(table - table.sum(axis=1)[:, None] * table.sum(axis=0)).max()))
    return max(worst, default=0.0)


@dataclass(frozen=True)
class Impossible:
    """A demand that cannot be met: ``number`` of the condition (``None``: a wish), and the nearest share that can.

    ``but_for_conditions`` tells of a wish whether it could be met if there were no conditions.
    """

    number: int | None
    nearest: float
    but_for_conditions: bool = False


def impossible(cells: Cells, asked: Demands) -> list[Impossible]:
    """Return what of ``asked`` cannot be met; every condition that fails alone, else the first that fails the rest."""
    if not len(cells.codes):
        return [Impossible(number, 0.0) for number in range(len(asked.shares))] or [Impossible(None, 0.0)]
    alone = [
        Impossible(number, 0.0 if not mask.any() else 1.0)
        for number, (mask, share) in enumerate(zip(asked.masks, asked.shares, strict=True))
        if (not mask.any() and share > 0) or (mask.all() and share < 1)
    ]
    if alone or rake(cells.shares, asked)[1] <= _REACHED:
        return alone
    for number in range(len(asked.shares)):
        if rake(cells.shares, _upto(asked, number + 1))[1] > _REACHED:
            return [Impossible(number, _nearest(cells, _upto(asked, number + 1)))]
    free = replace(asked, masks=asked.masks[:0], shares=asked.shares[:0])
    return [Impossible(None, 0.0, but_for_conditions=rake(cells.shares, free)[1] <= _REACHED)]


def _upto(asked: Demands, number: int) -> Demands:
    return Demands(asked.masks[:number], asked.shares[:number], (), ())


def _nearest(cells: Cells, asked: Demands) -> float:
    """The share nearest to what the last condition asks that is possible beside the others, by halving."""
    others = _upto(asked, len(asked.shares) - 1)
    free, _ = rake(cells.shares, others)
    good, bad = float(free[asked.masks[-1]].sum()), float(asked.shares[-1])
    for _ in range(14):
        tried = (good + bad) / 2
        shares = np.append(asked.shares[:-1], tried)
        if rake(cells.shares, Demands(asked.masks, shares, (), ()))[1] <= _REACHED:
            good = tried
        else:
            bad = tried
    return good


def effective_rows(rows: int, learned: Floats, wanted: Floats) -> float:
    """How many rows would tell as much without weights: Leslie Kish, Survey Sampling, 1965 (the design effect)."""
    there = learned > 0
    weight = wanted[there] / learned[there]
    return rows / float((learned[there] * weight**2).sum()) if there.any() else 0.0
