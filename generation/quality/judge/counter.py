"""What would counter a bias that grew: parameters of the generator ``tabular``, in lines that it reads.

A target that hangs more on a column is to be made independent of it. A group that became rarer is to be balanced where
its column has levels; of numbers, which have none, its band is to have the share that it has in the real table. Where
a band begins and ends is told in rounded numbers that ten people hold or nobody, never in one of a few people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from generation.quality.judge.frames import Column, Floats, Frame, Ints
from generation.quality.judge.privacy import PEOPLE, people_of

#: Bands that a number is cut into at its quartiles: above the one, up to the other.
BANDS = ("lowest quarter", "second quarter", "third quarter", "highest quarter")
#: What is called where nothing is.
MISSING = "missing"

#: Lines that the generator takes of each kind.
_LINES = {"independent": 10, "balance": 10, "conditions": 50}
_PLAIN = re.compile(r"[^\W\d]\w*")
_JOINING = frozenset({"and", "if", "then", "in", "is", "not", "from"})
_DIGITS = (2, 3, 4, 5, 6)  # of a number's spread, to which an edge is rounded: the fewest that will do
_MOVED = 0.01  # the share of the rows that a rounded edge may put into another band


@dataclass(frozen=True)
class Grown:
    """A bias that grew: ``rarer`` is a group that became so, else what is predicted hangs more on the column."""

    column: str
    sentence: str
    rarer: str | None = None


def quartiles(column: Column) -> Floats:
    """Return where the bands of a number or time end, the last excepted; a value at an edge is below it."""
    known = column.values[~column.missing]
    edges: Floats = np.quantile(known, (0.25, 0.5, 0.75)) if len(known) else np.zeros(3)
    return edges


def counter(
    target: str, grown: Sequence[Grown], fitted: Frame, made: Frame, people: Ints | None = None
) -> dict[str, list[str]] | None:
    """Return the parameters that would counter what grew; None where there are none.

    For bands of times none are known. Columns that came out empty were not learned, so nothing can be asked of them.
    """
    learned = [one for one in grown if not made.column(one.column).missing.all()]
    rarer = [(fitted.column(one.column), one.rarer) for one in learned if one.rarer is not None]
    found = {
        "independent": [pair_line(target, one.column) for one in learned if one.rarer is None],
        "balance": [column.name for column, _ in rarer if column.kind == "category"],
        "conditions": [line for column, band in rarer for line in _conditions(column, band, fitted.names, people)],
    }
    return {name: list(dict.fromkeys(lines))[: _LINES[name]] for name, lines in found.items() if lines} or None


def pair_line(target: str, sensitive: str) -> str:
    """Return the line that makes a target independent of a sensitive column."""
    return f"{_named(target)} from {_named(sensitive)}"


def _named(column: str) -> str:
    """Return the name of a column as the generator reads it: in double quotes unless it is one word of its own."""
    if _PLAIN.fullmatch(column) and column.lower() not in _JOINING:
        return column
    return '"' + column.replace('"', '""') + '"'


def _conditions(column: Column, band: str, names: Sequence[str], people: Ints | None) -> Iterator[str]:
    """Yield the line that gives a band of a number its share of the real table, if it can be told."""
    if column.kind != "number":
        return
    if band == MISSING:
        yield from _shared([f"{_named(column.name)} is missing"], float(column.missing.mean()))
        return
    edges, place = quartiles(column), BANDS.index(band)
    low = None if place == 0 else _rounded(column, float(edges[place - 1]), people)
    high = None if place == len(edges) else _rounded(column, float(edges[place]), people)
    tests, inside = [], ~column.missing
    for edge, sign, needed in ((low, ">", place > 0), (high, "<=", place < len(edges))):
        if needed and edge is None:
            return
        if edge is not None:
            # A column may be called like a number: in single quotes it is one for sure.
            tests.append(f"{_named(column.name)} {sign} " + (f"'{edge}'" if edge in names else edge))
            inside &= column.values > float(edge) if sign == ">" else column.values <= float(edge)
    yield from _shared(tests, float(inside.mean()))


def _shared(tests: Sequence[str], share: float) -> Iterator[str]:
    percent = round(100 * share, 1)
    if 0 < percent < 100:
        yield f"{' and '.join(tests)}: {percent:g} %"


def _rounded(column: Column, edge: float, people: Ints | None) -> str | None:
    """Return a number near an edge that tells of nobody, and leaves nearly all rows on their side; None without one."""
    known = column.values[~column.missing]
    low, high = np.quantile(known, (0.05, 0.95))
    spread = float(high - low) or float(known.std()) or 1.0
    for digits in _DIGITS:
        decimals = digits - 1 - int(np.floor(np.log10(spread)))
        for half in (0.0, 0.5):  # between two round numbers, where few people hold the one
            text = _written(round(edge, decimals) + half * 10.0**-decimals, decimals + 1)
            moved = abs(float((known <= float(text)).mean() - (known <= edge).mean()))
            if moved <= _MOVED and _tells_of_nobody(column, float(text), people):
                return text
    return None


def _written(number: float, decimals: int) -> str:
    return f"{number + 0.0:.{max(decimals, 1)}f}".rstrip("0").rstrip(".")


def _tells_of_nobody(column: Column, number: float, people: Ints | None) -> bool:
    holders = people_of(np.where(column.values == number, 0, -1), 1, people)[0]
    return bool(holders == 0 or holders >= PEOPLE)
