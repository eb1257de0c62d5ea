"""How many rows are added, and like which: ``fraud = yes: 20 %`` of the whole table then, ``ward = ICU: 500 rows``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.conditions import (
    Condition,
    Parts,
    Wishes,
    cells_of,
    demands,
    faults_of,
    faults_of_wishes,
)
from generation.generators.tabular.fitted.privacy import Ints, K, People
from generation.sdk import Problem
from generation.sdk.rules import NotUnderstood, Rule, Test, columns_in, faults_in, read_tests, rows_that_pass

_LINE = re.compile(
    r"(?P<tests>.*\S)\s*:\s*((?P<share>\d{1,3}(\.\d{1,6})?)\s*%|(?P<rows>\d{1,3}(,\d{3})+|\d{1,9})\s*rows?)\s*\Z",
    re.DOTALL,
)
_FIELD = "oversample"
HOW = "Write it like: fraud = yes: 20 %, or: fraud = yes: 500 rows."


@dataclass(frozen=True)
class Addition:
    """Rows to add that pass all ``tests``: ``rows`` of them, or as many as bring these to a ``share`` of all rows."""

    text: str
    like: str
    tests: tuple[Test, ...]
    rows: int = 0
    share: float | None = None


def read_addition(text: str) -> Addition:
    """Read one line. Raises ``NotUnderstood``."""
    line = _LINE.match(text.strip())
    if line is None:
        raise NotUnderstood("It does not say how much.", HOW)
    tests = read_tests(line["tests"])
    if line["share"] is None:
        return Addition(text.strip(), line["tests"], tests, rows=int(line["rows"].replace(",", "")))
    if (share := float(line["share"]) / 100) >= 1:
        raise NotUnderstood("Its share is 100 % or more.", "Leave room for the rows of all others.")
    return Addition(text.strip(), line["tests"], tests, share=share)


def line_problems(lines: Sequence[str], schema: pa.Schema, learned: set[str]) -> list[Problem]:
    """Every fault of the lines against the columns of a table, of which only those ``learned`` can be asked for."""
    problems = [_problem(line, fault) for line in lines for fault in _faults(line, schema, learned)]
    if problems:
        return problems
    wishes = wishes_of([read_addition(line) for line in lines], [0] * len(lines))
    return [Problem(_FIELD, fault.message, fault.remedy) for fault in faults_of_wishes(wishes)]


def _faults(line: str, schema: pa.Schema, learned: set[str]) -> Iterator[NotUnderstood]:
    try:
        one = read_addition(line)
    except NotUnderstood as fault:
        yield fault
        return
    if found := faults_in(Rule(one.text, one.tests), schema):
        yield from found
        return
    yield from faults_of(Condition(one.text, one.tests, 1.0), schema)
    for name in columns_in(one.tests):
        if name not in learned:
            message = f"Column “{name}” is not learned: it is a key, free text, or empty."
            yield NotUnderstood(message, "Choose a column with numbers, categories, dates or booleans.")
    if one.share is None and not one.rows:
        yield NotUnderstood("It adds no row.", "Ask for one row at least.")


@dataclass(frozen=True)
class Counted:
    """How many ``rows`` a table has, how many of them each line speaks of, and of how many two lines speak."""

    rows: int
    of_each: Ints
    of_pairs: Ints


def count(additions: Sequence[Addition], batches: Iterable[pa.RecordBatch]) -> Counted:
    """Count the rows that each line speaks of."""
    rows = 0
    pairs = np.zeros((len(additions), len(additions)), np.int64)
    for batch in batches:
        passed = np.array([rows_that_pass(one.tests, batch) for one in additions], np.int64)
        pairs += passed @ passed.T
        rows += batch.num_rows
    return Counted(rows, np.diag(pairs).copy(), pairs)


def amounts(additions: Sequence[Addition], counted: Counted) -> Ints:
    """Return how many rows each line adds, so that all shares come true at once; fewer than none where one is passed.

    Of T rows in the end, a line that asks for the share s has s T. What is left of T are the rows of all others, which
    is known: so T is, too.
    """
    shared = np.array([one.share is not None for one in additions], bool)
    shares = np.array([one.share or 0.0 for one in additions])
    asked = np.array([one.rows for one in additions], np.int64)
    others = counted.rows - int(counted.of_each[shared].sum()) + int(asked[~shared].sum())
    total = others / max(1.0 - float(shares[shared].sum()), 1e-9)
    return np.where(shared, np.rint(shares * total).astype(np.int64) - counted.of_each, asked)


def count_problems(additions: Sequence[Addition], counted: Counted, most: int) -> list[Problem]:
    """What the rows of a table keep from being added: lines that overlap, shares that are reached, too many rows."""
    problems = []
    for place, one in enumerate(additions):
        for before, other in enumerate(additions[:place]):
            if counted.of_pairs[place, before]:
                message = f"Some rows are both “{other.like}” and “{one.like}”, so it is not clear what either adds."
                problems.append(Problem(_FIELD, message, "Write lines that speak of different rows, or order twice."))
    if sum(one.share or 0.0 for one in additions) > 1 - 1e-6:
        problems.append(Problem(_FIELD, "The shares come to 100 % or more.", "Leave room for the rows of all others."))
    if problems:
        return problems
    wanted = amounts(additions, counted)
    for one, more, there in zip(additions, wanted.tolist(), counted.of_each.tolist(), strict=True):
        if more <= 0:
            message = f"“{one.text}”: {there:,} of the {counted.rows:,} rows are, which is as much already."
            problems.append(Problem(_FIELD, message, "Ask for a larger share, or for a number of rows."))
    if not problems and counted.rows + int(wanted.sum()) > most:
        message = f"{counted.rows + int(wanted.sum()):,} rows are more than can be made in one order."
        problems.append(Problem(_FIELD, message, f"Ask for less: {most:,} rows in all is the most."))
    return problems


def wishes_of(additions: Sequence[Addition], more: Sequence[int]) -> Wishes:
    """The lines as conditions on the rows that are added, of which each has its part."""
    total = max(sum(more), 1)
    return Wishes(
        conditions=tuple(
            Condition(one.text, one.tests, rows / total) for one, rows in zip(additions, more, strict=True)
        ),
        closed=True,
    )


def rare_problems(additions: Sequence[Addition], parts: Sequence[Parts], people: People) -> list[Problem]:
    """The lines that fewer than ten people meet, in every combination of what the lines speak of."""
    masks = demands(wishes_of(additions, [0] * len(additions)), parts, cells_of(parts, people)).masks
    return [
        Problem(
            _FIELD,
            f"“{one.text}”: fewer than {K} people of those that may be learnt from are like this.",
            "Rows are made from what many have in common: ask for something that more people are.",
        )
        for one, mask in zip(additions, masks, strict=True)
        if not mask.any()
    ]


def _problem(line: str, fault: NotUnderstood) -> Problem:
    return Problem(_FIELD, f"“{line.strip()}”: {fault.message}", fault.remedy)
