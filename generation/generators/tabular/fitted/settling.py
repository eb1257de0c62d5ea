"""Rows brought to rest: relations, parts and rules are gone through until each of them holds.

Parts and rules have the last word; where a relation can only be kept against them, the row does not come to rest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.arrow import ArrowArray, pc
from generation.generators.tabular.fitted.demanded import Demanded, columns_of
from generation.generators.tabular.fitted.privacy import Bools, Floats, Ints
from generation.generators.tabular.fitted.rules import Choices, Columns, hold, hold_parts
from generation.generators.tabular.fitted.values import as_arrow
from generation.relations import ClockAcross, Lookup, Relation, as_floats, kind_of, lead_back, look_up, put_right
from generation.sdk.rules import rows_that_keep, rows_that_pass

_ROUNDS = 6


@dataclass(frozen=True)
class Held:
    """What rows are held to: relations, what may stand in where a rule forbids what was drawn, the bits of parts.

    ``shares`` are those of the cells of parts, if any are asked for; ``order`` sets cells side by side that are counted
    together. ``donors`` are made rows that keep everything, each with its cell: they stand in where a row does not come
    to rest.
    """

    relations: Sequence[Relation] = ()
    lookups: Sequence[Lookup] = ()
    choices: Mapping[str, Choices] | None = None
    passes: Sequence[Ints] = ()
    shares: Floats | None = None
    order: Ints | None = None
    donors: pa.Table | None = None

    def firm(self, columns: Collection[str]) -> Held:
        """The same, with relations that have others give way rather than ``columns``."""
        return replace(self, relations=[one.firm(columns) for one in self.relations])


def bound_by(asked: Demanded) -> frozenset[str]:
    """The columns whose values rules and conditions speak of."""
    tests = [test for rule in asked.rules for test in rule.then]
    compared = [name for rule in asked.rules for name in columns_of(rule)]
    return frozenset({*asked.wishes.columns, *(test.column for test in tests), *compared})


def touched(held: Held, asked: Demanded) -> list[str]:
    """The columns that may be changed, and so need random words."""
    names = {name for one in held.relations for name in (*one.changes, *one.columns)}
    leading = leading_to(bound_by(asked), held.lookups)
    return sorted({*names, *(held.choices or ()), *asked.wishes.columns, *leading})


def settle(
    held: Held, asked: Demanded, columns: Columns, parts: Sequence[Ints], words: Mapping[str, Any], types: pa.Schema
) -> Bools:
    """Put the drawn ``columns`` right and return the rows that do not come to rest, or keep not all that is asked.

    ``parts`` are those of each column of the wishes that a row was drawn for; ``words`` random ones for each column of
    ``touched``.
    """
    bound = bound_by(asked)
    firm = leading_to(bound, held.lookups)
    left = np.arange(len(next(iter(columns.values()))))
    wrong = np.zeros(len(left), bool)
    for turn in range(_ROUNDS):
        # rows at rest stay as they are, and most are after the first turn
        taken = {name: array.take(pa.array(left)) for name, array in columns.items()} if turn else columns
        some = dict(taken) if turn else columns
        chance = {name: one[left] for name, one in words.items()} if turn else words
        own = [one[left] for one in parts]
        if turn:
            _lead_back(held.lookups, firm, some, chance)
        _follow(held.firm(firm) if turn else held, some, chance, types)
        if not bound:
            return wrong
        _hold(held, asked, some, own, chance, types, turn)
        if turn:
            _put_back(columns, {name: one for name, one in some.items() if one is not taken[name]}, left)
        left = left[_off(held, asked, some, own, chance, types)]
        if not len(left):
            break
    wrong[left] = True
    return wrong


def _hold(
    held: Held,
    asked: Demanded,
    columns: Columns,
    parts: Sequence[Ints],
    words: Mapping[str, Any],
    types: pa.Schema,
    turn: int,
) -> None:
    """Have the drawn columns keep parts and rules."""
    choices, wishes = held.choices or {}, asked.wishes
    for name, part, passes in zip(wishes.columns, parts, held.passes, strict=True):
        hold_parts(wishes.tests_of(name), passes[part], columns, choices, words, types)
    hold(asked.rules, columns, choices, words, types, turn)


def _off(
    held: Held, asked: Demanded, columns: Columns, parts: Sequence[Ints], words: Mapping[str, Any], types: pa.Schema
) -> Bools:
    """The rows that break a rule or what was found, or left their part."""
    off = _broken(held, asked, columns, parts)
    for rows in unkept(held, columns, words, types).values():
        off |= rows
    return off


def _put_back(columns: Columns, some: Columns, rows: Ints) -> None:
    """Have ``columns`` hold the ``rows`` that were worked on, of the columns that were changed."""
    first = np.arange(len(next(iter(columns.values()))))
    first[rows] = len(first) + np.arange(len(rows))
    for name, array in some.items():
        columns[name] = pa.concat_arrays([columns[name], array]).take(pa.array(first))


def leading_to(bound: frozenset[str], lookups: Sequence[Lookup]) -> frozenset[str]:
    """The ``bound`` columns, and those that they are looked up by."""
    for one in reversed(lookups):
        if one.out in bound:
            bound |= {one.of}
    return bound


def _lead_back(lookups: Sequence[Lookup], firm: frozenset[str], columns: Columns, words: Mapping[str, Any]) -> None:
    """Have columns follow from what is looked up by them, where rules or parts moved that."""
    for one in reversed(lookups):
        if one.out in firm:
            lead_back(one, columns, words[one.of])


def _follow(held: Held, columns: Columns, words: Mapping[str, Any], types: pa.Schema) -> None:
    """Have the drawn columns keep what was found: what relations read is looked up before them, all else after."""
    read = frozenset(name for one in held.relations for name in _read_by(one))
    first = leading_to(read, held.lookups)
    stale = [one for one in held.lookups if one.out in first]
    for _ in range(_ROUNDS):
        look_up(stale, columns)
        before = dict(columns)
        _put_right(held.relations, columns, words, types)
        stale = _stale(stale, {name for name, array in columns.items() if array is not before[name]})
        if not stale:
            break
    look_up([one for one in held.lookups if one.out not in first], columns)


def _read_by(relation: Relation) -> tuple[str, ...]:
    return (*relation.columns, relation.of) if isinstance(relation, ClockAcross) else relation.columns


def _stale(lookups: Sequence[Lookup], changed: set[str]) -> list[Lookup]:
    """The lookups of what changed, and of what they look up themselves."""
    stale: list[Lookup] = []
    for one in lookups:
        if one.of in changed:
            stale.append(one)
            changed = changed | {one.out}
    return stale


def _put_right(relations: Sequence[Relation], columns: Columns, words: Mapping[str, Any], types: pa.Schema) -> None:
    """Have the drawn columns keep the relations."""
    before = _values(relations, columns, types)
    values = dict(before)
    put_right(relations, values, words)
    columns.update(_overwritten(before, values, types))


def _values(relations: Sequence[Relation], columns: Columns, types: pa.Schema) -> dict[str, Floats]:
    """The columns that relations name, as they are put right."""
    values: dict[str, Floats] = {}
    for name in sorted({name for one in relations for name in one.columns if name in columns}):
        kind = kind_of(types.field(name).type)
        if kind is not None:
            values[name] = as_floats(columns[name], kind)
    for one in relations:
        if isinstance(one, ClockAcross) and one.of in columns:
            encoded = columns[one.of].dictionary_encode(null_encoding="encode")
            values[one.places] = one.places_of(encoded.dictionary.to_pylist())[encoded.indices.to_numpy()]
    return values


def _overwritten(before: Mapping[str, Floats], after: Mapping[str, Floats], types: pa.Schema) -> Columns:
    """The columns that were put right, of their types."""
    return {
        name: as_arrow(numbers, types.field(name).type)
        for name, numbers in after.items()
        if numbers is not before[name] and not np.array_equal(numbers, before[name], equal_nan=True)
    }


def unkept(held: Held, columns: Columns, words: Mapping[str, Any], types: pa.Schema) -> dict[str, Bools]:
    """The rows that break each relation and lookup that is held, by its formula."""
    amount = len(next(iter(columns.values())))
    values = _values(held.relations, columns, types)
    found: dict[str, Bools] = {}
    for relation in held.relations:
        righted = dict(values)
        put_right([relation], righted, words)
        broken = _changed(columns, _overwritten(values, righted, types), amount)
        found[relation.formula] = broken & ~relation.explains(values) if broken.any() else broken
    for lookup in held.lookups:
        followed = {name: columns[name] for name in (lookup.out, lookup.of)}
        look_up([lookup], followed)
        found[lookup.formula] = _changed(columns, followed, amount)
    return found


def _changed(before: Mapping[str, ArrowArray], after: Mapping[str, ArrowArray], amount: int) -> Bools:
    """The rows in which any column has another value than before."""
    changed = np.zeros(amount, bool)
    for name, array in after.items():
        if array is not before[name]:
            other = pc.fill_null(pc.not_equal(array, before[name]), False)
            blank = pc.not_equal(pc.is_null(array), pc.is_null(before[name]))
            changed |= pc.or_(other, blank).to_numpy(zero_copy_only=False)
    return changed


def _broken(held: Held, asked: Demanded, columns: Mapping[str, ArrowArray], parts: Sequence[Ints]) -> Bools:
    """The rows that break a rule or left their part."""
    table = pa.table(dict(columns))
    broken = np.zeros(table.num_rows, bool)
    for rule in asked.rules:
        if rule.unique is None:
            broken |= ~rows_that_keep(rule, table)
    for name, part, passes in zip(asked.wishes.columns, parts, held.passes, strict=True):
        for bit, test in enumerate(asked.wishes.tests_of(name)):
            broken |= rows_that_pass([test], table) != (passes[part] >> bit & 1).astype(bool)
    return broken
