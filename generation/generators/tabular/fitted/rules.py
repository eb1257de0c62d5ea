"""Rules that a buyer declares: what can be held is held when rows are drawn, and the writer checks every row.

Numbers and dates move to the nearest value that a rule allows: back from a border as far as they lay beyond it. A
category takes one of the levels that are allowed, as often as those occur. Two columns in the wrong order change
places. What ``if … then …`` asks is done on the rows that it speaks of. Whether one rule undoes another is seen by
going through them again; what cannot be held that way, the writer refuses, and the order ends unpaid.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.arrow import ArrowArray, ArrowType, pc
from generation.generators.tabular.fitted.privacy import Bools, Floats, Ints, K, People
from generation.generators.tabular.fitted.values import as_arrow
from generation.relations import as_floats, kind_of
from generation.relations.columns import Words, decimals_of, uniforms
from generation.sdk import Json
from generation.sdk.rules import (
    Among,
    Comparison,
    NotUnderstood,
    Presence,
    Rule,
    Sign,
    Test,
    column_of,
    faults_in,
    rows_that_keep,
    rows_that_pass,
    value_of,
)

_CLASSES = 9
_SWAPS = 2  # turns in which two columns in the wrong order change places
Columns = MutableMapping[str, ArrowArray]


@dataclass(frozen=True)
class Choices:
    """What stands in where a rule forbids what was drawn.

    ``levels`` of a category that ``K`` people hold with their ``shares``; of numbers nine values that stand for a ninth
    of the people each. ``decimals`` are those of numbers, which may be ``negative`` or not.
    """

    levels: tuple[Any, ...]
    shares: tuple[float, ...]
    decimals: int
    negative: bool = True

    def as_json(self) -> Json:
        return {
            "levels": list(self.levels),
            "shares": list(self.shares),
            "decimals": self.decimals,
            "negative": self.negative,
        }

    @classmethod
    def from_json(cls, value: Any) -> Choices:
        return cls(tuple(value["levels"]), tuple(value["shares"]), value["decimals"], value["negative"])

    def may_be(self, values: Floats) -> Bools:
        """Which of ``values`` a column of numbers can have."""
        return (values >= 0) | self.negative


def faults_of_rules(rules: Sequence[Rule], schema: pa.Schema) -> list[tuple[Rule, NotUnderstood]]:
    """Everything that keeps rules from being held on a table of ``schema``, each with its rule."""
    found = [(rule, fault) for rule in rules for fault in faults_in(rule, schema) or _unholdable(rule, schema)]
    wrong = {rule for rule, _ in found}
    return found + _contradictions([rule for rule in rules if rule not in wrong], schema)


def _unholdable(rule: Rule, schema: pa.Schema) -> list[NotUnderstood]:
    if rule.unique is not None:
        type_ = schema.field(rule.unique).type
        if pa.types.is_string(type_) or pa.types.is_integer(type_):
            return []
        message = f"Column “{rule.unique}” ({type_}) cannot be made anew for every row."
        return [NotUnderstood(message, "Only texts and whole numbers can be unique.")]
    return [
        NotUnderstood(f"“{test.column}” and “{test.other.text}” cannot be held apart.", "Leave the rule out.")
        for test in rule.then
        if isinstance(test, Comparison) and test.sign == "≠" and column_of(test.other, schema) is not None
    ]


def _contradictions(rules: Sequence[Rule], schema: pa.Schema) -> list[tuple[Rule, NotUnderstood]]:
    """Rules about all rows whose borders leave no value between them."""
    found = []
    borders: dict[str, tuple[float, float]] = {}
    for rule in rules:
        for test in rule.then if not rule.when else ():
            if not isinstance(test, Comparison) or column_of(test.other, schema) is not None:
                continue
            type_ = schema.field(test.column).type
            if kind_of(type_) is None or test.sign == "≠":
                continue
            low, high = borders.get(test.column, (-np.inf, np.inf))
            value = _number(test.other.text, type_)
            low = max(low, value) if test.sign in ("=", "≥", ">") else low
            high = min(high, value) if test.sign in ("=", "≤", "<") else high
            if low > high:
                message = f"No value of “{test.column}” keeps this rule and those before it."
                found.append((rule, NotUnderstood(message, "Change one of the borders.")))
            borders[test.column] = (low, high)
    return found


def learn_choices(rules: Sequence[Rule], rows: pa.Table, people: People) -> dict[str, Choices]:
    """Learn what may stand in for what rules forbid, for each column that a rule changes."""
    tests = [test for rule in rules for test in rule.then]
    others = {_other(test, rows.schema) for test in tests}
    names = ({test.column for test in tests} | {str(other) for other in others if other}) & set(rows.column_names)
    return {name: _choices(rows.column(name).combine_chunks(), people) for name in sorted(names)}


def _choices(array: ArrowArray, people: People) -> Choices:
    kind = kind_of(array.type)
    known = pc.is_valid(array).to_numpy(zero_copy_only=False)
    if kind is None:
        encoded = array.filter(pa.array(known)).dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        held = np.flatnonzero(people.among(known).holders(codes, len(encoded.dictionary)) >= K)
        rows = np.bincount(codes, minlength=len(encoded.dictionary))[held]
        order = np.argsort(-rows, kind="stable")
        levels = encoded.dictionary.take(pa.array(held[order])).to_pylist()
        return Choices(tuple(levels), tuple((rows[order] / max(rows.sum(), 1)).tolist()), 0)
    values = people.among(known).one_each(as_floats(array.filter(pa.array(known)), kind))
    decimals = decimals_of(values) if kind == "number" else 6 if kind in ("moment", "time") else 0
    decimals = 6 if decimals is None else decimals
    negative = bool((values < 0).any())
    if len(values) < K * _CLASSES:
        return Choices((), (), decimals, negative)
    means = [float(np.round(part.mean(), decimals)) for part in np.array_split(np.sort(values), _CLASSES)]
    return Choices(tuple(means), (1 / _CLASSES,) * _CLASSES, decimals, negative)


def hold(
    rules: Sequence[Rule],
    columns: Columns,
    choices: Mapping[str, Choices],
    words: Mapping[str, Words],
    types: pa.Schema,
    turn: int = 0,
) -> set[str]:
    """Make the drawn ``columns`` keep each rule once, in order; return the names of those that were changed.

    ``words`` are the random words of each column. A rule about uniqueness is held by making the column a key. From the
    third ``turn`` on two columns in the wrong order become equal, now by the left one and now by the right one.
    """
    changed: set[str] = set()
    for rule in rules:
        if rule.unique is not None:
            continue
        broken = ~rows_that_keep(rule, _table(rule, columns, types))
        for test in rule.then if broken.any() else ():
            changed |= _hold_test(test, broken, columns, choices, words, types, turn)
    return changed


def _table(rule: Rule, columns: Columns, types: pa.Schema) -> pa.Table:
    names = {test.column for test in (*rule.when, *rule.then)}
    names |= {other for test in (*rule.when, *rule.then) if (other := _other(test, types)) is not None}
    return pa.table({name: columns[name] for name in sorted(names)})


def _other(test: Test, types: pa.Schema) -> str | None:
    return column_of(test.other, types) if isinstance(test, Comparison) else None


def _hold_test(
    test: Test,
    broken: Bools,
    columns: Columns,
    choices: Mapping[str, Choices],
    words: Mapping[str, Words],
    types: pa.Schema,
    turn: int = 0,
) -> set[str]:
    """Make the ``broken`` rows pass one test."""
    type_ = types.field(test.column).type
    kind = kind_of(type_)
    other = _other(test, types)
    if isinstance(test, Presence) and not test.known:
        columns[test.column] = pc.if_else(pa.array(broken), pa.scalar(None, type_), columns[test.column])
        return {test.column}
    if isinstance(test, Comparison) and other is not None:
        return _hold_order(test, other, broken, columns, choices, types, turn)
    if kind is None or isinstance(test, Presence):
        return _hold_level(test, broken, columns, choices[test.column], words[test.column], type_)
    values = as_floats(columns[test.column], kind)
    moved = _moved(test, values, type_, choices[test.column])
    moved = np.where(broken & ~np.isnan(values), moved, values)
    if np.array_equal(moved, values, equal_nan=True):
        return set()
    columns[test.column] = as_arrow(moved, type_)
    return {test.column}


def _moved(test: Comparison | Among, values: Floats, type_: ArrowType, choices: Choices) -> Floats:
    """Move numbers to where the test allows them."""
    if isinstance(test, Among) and not test.inside:
        taken = np.isin(values, [_number(text, type_) for text in test.values])
        return np.where(taken, values + _step(kind_of(type_), choices), values)
    if isinstance(test, Among):
        allowed: Floats = np.sort(np.array([_number(text, type_) for text in test.values]))
        return np.asarray(allowed[np.abs(np.nan_to_num(values)[:, None] - allowed).argmin(axis=1)], float)
    border = _number(test.other.text, type_)
    step = _step(kind_of(type_), choices)
    if test.sign == "=":
        return np.full(len(values), border)
    if test.sign == "≠":
        return np.where(values == border, values + step, values)
    upper = test.sign in ("≤", "<")
    last = border if test.sign in ("≤", "≥") else border - step if upper else border + step
    # as far back from the border as it lay beyond, so that no crowd gathers at it, unless hardly anybody is there
    back = 2 * last - values
    usual = (min(choices.levels), max(choices.levels)) if choices.levels else (last, last)
    inside = np.where((back >= usual[0]) & (back <= usual[1]), back, last)
    return np.where(values > last, inside, values) if upper else np.where(values < last, inside, values)


def _step(kind: str | None, choices: Choices) -> float:
    """How far apart values lie that are next to each other, in the units of ``as_floats``."""
    return 10.0**-choices.decimals if kind == "number" else 1.0


def _hold_order(
    test: Comparison,
    other: str,
    broken: Bools,
    columns: Columns,
    choices: Mapping[str, Choices],
    types: pa.Schema,
    turn: int,
) -> set[str]:
    """Have two columns change places where they are in the wrong order; equal ones move apart where they may not be."""
    kind = kind_of(types.field(test.column).type)
    if kind is None:
        right = columns[other].cast(types.field(test.column).type, safe=False)
        columns[test.column] = pc.if_else(pa.array(~broken), columns[test.column], right)
        return {test.column}
    left, right = as_floats(columns[test.column], kind), as_floats(columns[other], kind)
    below = test.sign in ("≤", "<")
    wrong = broken & ((left != right) if test.sign == "=" else (left > right) if below else (left < right))
    swaps = turn < _SWAPS and test.sign != "="
    to_left = wrong & (choices[test.column].may_be(right)) & (swaps or turn % 2 == 0)
    to_right = wrong & (choices[other].may_be(left)) & (swaps | ~to_left)
    left, right = np.where(to_left, right, left), np.where(to_right, left, right)
    same = broken & (left == right) & (test.sign in ("<", ">"))
    # the larger one goes up, for there may be nothing below the smaller one
    left = np.where(same & (not below), left + _step(kind, choices[test.column]), left)
    right = np.where(same & below, right + _step(kind, choices[other]), right)
    for name, values in ((test.column, left), (other, right)):
        columns[name] = as_arrow(values, types.field(name).type)
    return {test.column, other}


def _hold_level(
    test: Test, broken: Bools, columns: Columns, choices: Choices, words: Words, type_: ArrowType
) -> set[str]:
    """Give the broken rows one of the levels that the test allows, as often as those occur."""
    kind = kind_of(type_)
    offered = as_arrow(np.array(choices.levels, float), type_) if kind else pa.array(choices.levels, type_)
    allowed = rows_that_keep(Rule("", (test,)), pa.table({test.column: offered})) if len(offered) else np.empty(0, bool)
    array = columns[test.column]
    failing = broken & ~rows_that_keep(Rule("", (test,)), pa.table({test.column: array}))
    if not allowed.any() or not failing.any():
        return set()
    shares = np.array(choices.shares)[allowed]
    ends = np.cumsum(shares / shares.sum())
    chosen: Ints = np.minimum(np.searchsorted(ends, uniforms(words, 11), side="right"), len(ends) - 1)
    drawn = offered.filter(pa.array(allowed)).take(pa.array(chosen))
    columns[test.column] = pc.if_else(pa.array(failing), drawn, array)
    return {test.column}


def _number(text: str, type_: ArrowType) -> float:
    """The value that ``text`` says, in the units of ``as_floats``."""
    kind = kind_of(type_)
    value = value_of(text, type_)
    if kind == "number" or kind is None:
        return float(value)
    return float(as_floats(pa.array([value], type_), kind)[0])


def hold_parts(
    tests: Sequence[Test],
    passes: Ints,
    columns: Columns,
    choices: Mapping[str, Choices],
    words: Mapping[str, Words],
    types: pa.Schema,
) -> None:
    """Make each row pass the tests of one column that its part passes, and no other: ``passes`` has their bits."""
    for bit, test in enumerate(tests):
        wanted = (passes >> bit & 1).astype(bool)
        for rows, one in ((wanted, test), (~wanted, _opposite(test))):
            passed = rows_that_pass([test], pa.table({test.column: columns[test.column]}))
            wrong = rows & (passed != wanted)
            if wrong.any():
                _hold_test(one, wrong, columns, choices, words, types)
                still = pc.is_null(columns[test.column]).to_numpy(zero_copy_only=False) & wrong & wanted
                if still.any() and not isinstance(test, Presence):
                    _hold_level(one, still, columns, choices[test.column], words[test.column], _type(test, types))


def _type(test: Test, types: pa.Schema) -> ArrowType:
    return types.field(test.column).type


_OPPOSITE: Mapping[Sign, Sign] = {"=": "≠", "≠": "=", "<": "≥", "≥": "<", ">": "≤", "≤": ">"}


def _opposite(test: Test) -> Test:
    """The test that a known value passes if it does not pass this one."""
    if isinstance(test, Presence):
        return Presence(test.column, not test.known)
    if isinstance(test, Comparison):
        return Comparison(test.column, _OPPOSITE[test.sign], test.other)
    return Among(test.column, test.values, not test.inside)
