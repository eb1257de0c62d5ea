"""One code by another: ``region follows from city``, a whole column that is looked up in a table of levels.

The levels of the table are those that ``K`` people have. Any other level of the first column, and any that is made up,
leads to one and the same value each time: a number to what its nearest neighbour leads to, anything else to each value
as often as it occurs.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute
from pydantic import BaseModel, ConfigDict

from generation.relations.columns import Ints, K, Words, evenly, uniforms
from generation.relations.relation import share_of

_pc: Any = pyarrow.compute
_KINDS = ("category", "boolean", "number")
_HOLDS = 0.999
_MOST_LEVELS = 2_000  # among the rows that are looked at first
_MOST_COLUMNS = 100
_COVERED = 0.5  # of the rows, at least, lie in levels that K people have
_MOST_COMMON = 0.9  # share of the commonest value: what is nearly always the same follows from anything
_LEAST_ROWS = 300


class Lookup(BaseModel):
    """``out`` is ``values[i]`` where ``of`` is ``levels[i]``; elsewhere one of ``rest``, by ``shares``. All as text.

    ``weights`` say how often each of ``levels`` occurs, if ``lead_back`` is to choose among them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["lookup"] = "lookup"
    out: str
    of: str
    share: float
    levels: tuple[str, ...]
    values: tuple[str, ...]
    rest: tuple[str, ...]
    shares: tuple[float, ...]
    weights: tuple[float, ...] = ()

    @property
    def formula(self) -> str:
        """The lookup in one line."""
        return f"{self.out} follows from {self.of}"

    @property
    def formulas(self) -> frozenset[str]:
        """The lines that say the same: no other one does."""
        return frozenset({self.formula})

    @property
    def sentence(self) -> str:
        """The lookup for its owner."""
        return f"{self.formula} on {'every row' if self.share == 1 else f'{100 * self.share:.1f} % of rows'}"


def find_lookups(
    table: pa.Table, kinds: Mapping[str, str], people: Ints | None = None, keep: Collection[str] = ()
) -> list[Lookup]:
    """Return which columns of codes follow from another one, each once, none from what follows from it.

    They are sought on a few thousand rows and learned from all of ``table``. ``people`` says whose row each is, if a
    person has several; no column of ``keep`` is to be looked up. Of wide tables the first hundred such columns count.
    """
    names = [name for name in table.column_names if kinds.get(name) in _KINDS]
    some = evenly(table.num_rows)
    found = _found(_all_coded(table.select(names).take(pa.array(some))), None if people is None else people[some], keep)
    if len(some) < table.num_rows:
        whole = {name: _codes(table.column(name)) for name in {one.out for one in found} | {one.of for one in found}}
        learned = (_lookup(one.out, one.of, whole, people) for one in found)
        found = [one for one in learned if one is not None]
    return _first_things_first(found)


def _all_coded(table: pa.Table) -> dict[str, tuple[Ints, list[str]]]:
    coded: dict[str, tuple[Ints, list[str]]] = {}
    for name in table.column_names:
        if _holds_codes(table.column(name)):
            one = _codes(table.column(name))
            if 2 <= len(one[1]) <= _MOST_LEVELS and len(coded) < _MOST_COLUMNS:
                coded[name] = one
    return coded


def _found(coded: Mapping[str, tuple[Ints, list[str]]], people: Ints | None, keep: Collection[str]) -> list[Lookup]:
    found: list[Lookup] = []
    by_levels = sorted(coded, key=lambda name: (len(coded[name][1]), name))
    for out in by_levels:
        if out in keep or _is_common(coded[out][0]):
            continue
        for of in by_levels:
            if of == out or len(coded[of][1]) < len(coded[out][1]) or _leads_to(out, of, found):
                continue
            if (lookup := _lookup(out, of, coded, people)) is not None:
                found.append(lookup)
                break
    return found


def look_up(found: Sequence[Lookup], columns: MutableMapping[str, Any]) -> None:
    """Overwrite the columns that are looked up, in the order of ``found``; what is missing stays so."""
    for one in found:
        if one.out not in columns or one.of not in columns:
            continue
        given, drawn = columns[one.of].cast(pa.string()), columns[one.out]
        encoded = given.dictionary_encode()
        of_the_rest = _nearest(one) if pa.types.is_integer(columns[one.of].type) else _of_the_rest(one)
        known = dict(zip(one.levels, one.values, strict=True))
        drawn_levels = encoded.dictionary.to_pylist()
        made = pa.array([known[level] if level in known else of_the_rest(level) for level in drawn_levels])
        values = made.cast(pa.string()).take(encoded.indices).cast(drawn.type)
        there = _pc.and_(_pc.is_valid(given), _pc.is_valid(drawn))
        columns[one.out] = _pc.if_else(there, values, drawn)


def lead_back(lookup: Lookup, columns: MutableMapping[str, Any], words: Words) -> None:
    """Where ``out`` is not what ``of`` leads to, overwrite ``of`` with a level that leads to it, as often as it occurs.

    Whatever no level leads to stays as it is. ``words`` are random ones.
    """
    given, wanted = columns[lookup.of], columns[lookup.out].cast(pa.string())
    followed = dict(columns)
    look_up([lookup], followed)
    off = _pc.fill_null(_pc.not_equal(followed[lookup.out].cast(pa.string()), wanted), False)
    if not lookup.weights or not off.true_count:
        return
    leading: dict[str, list[int]] = {}
    for place, value in enumerate(lookup.values):
        leading.setdefault(value, []).append(place)
    encoded = wanted.dictionary_encode()
    codes = _pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    off, chance = off.to_numpy(zero_copy_only=False), uniforms(words, 13)
    chosen: Ints = np.full(len(codes), -1, np.int64)
    for code, value in enumerate(encoded.dictionary.to_pylist()):
        here = np.flatnonzero(off & (codes == code))
        if len(here) and value in leading:
            places = np.array(leading[value])
            ends = np.cumsum(np.array(lookup.weights)[places])
            drawn = np.searchsorted(ends / ends[-1], chance[here], side="right")
            chosen[here] = places[np.minimum(drawn, len(places) - 1)]
    levels = pa.array(lookup.levels).take(pa.array(chosen, mask=chosen < 0)).cast(given.type)
    columns[lookup.of] = _pc.if_else(pa.array(chosen >= 0), levels, given)


def _of_the_rest(lookup: Lookup) -> Callable[[str], str]:
    """What a level that the table does not have leads to, by its digest."""
    ends = np.cumsum(lookup.shares)

    def value(level: str) -> str:
        chance = int.from_bytes(hashlib.blake2b(level.encode(), digest_size=8).digest(), "big") / 2.0**64
        return lookup.rest[min(int(np.searchsorted(ends, chance, "right")), len(lookup.rest) - 1)]

    return value


def _nearest(lookup: Lookup) -> Callable[[str], str]:
    """What a number that the table does not have leads to: few have it, so that it often lies beside those of many."""
    ordered = sorted(zip(map(int, lookup.levels), lookup.values, strict=True))
    numbers = [number for number, _ in ordered]

    def value(level: str) -> str:
        place = bisect_left(numbers, int(level))
        near = ordered[max(place - 1, 0) : place + 1]
        return min(near, key=lambda one: abs(one[0] - int(level)))[1]

    return value


def _holds_codes(column: pa.ChunkedArray) -> bool:
    type_ = column.type
    return bool(pa.types.is_string(type_) or pa.types.is_integer(type_) or pa.types.is_boolean(type_))


def _codes(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    """Each row's level (-1: none), and the levels."""
    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    codes: Ints = _pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, encoded.dictionary.to_pylist()


def _is_common(codes: Ints) -> bool:
    known = codes[codes >= 0]
    return len(known) < _LEAST_ROWS or bool(np.bincount(known).max() > _MOST_COMMON * len(known))


def _leads_to(of: str, out: str, found: Sequence[Lookup]) -> bool:
    """Whether ``out`` follows from ``of``, directly or through others."""
    return any(one.out == out and (one.of == of or _leads_to(of, one.of, found)) for one in found)


def _lookup(out: str, of: str, coded: Mapping[str, tuple[Ints, list[str]]], people: Ints | None) -> Lookup | None:
    (values, value_names), (levels, level_names) = coded[out], coded[of]
    both = (values >= 0) & (levels >= 0)
    if both.sum() < _LEAST_ROWS:
        return None
    width = len(value_names)
    pairs, groups = np.unique(levels[both] * width + values[both], return_inverse=True)
    rows = np.bincount(groups.ravel())
    held = rows if people is None else _holders(groups.ravel(), people[both], len(pairs))
    order = np.lexsort((rows, pairs // width))
    last = np.append(np.diff(pairs[order] // width) != 0, True)
    modes = order[last]
    kept = modes[held[modes] >= K]
    per_level = np.bincount(pairs // width, rows, len(level_names))
    several = per_level[pairs[modes] // width] >= 2
    share = float(rows[modes][several].sum() / max(per_level[pairs[modes] // width][several].sum(), 1))
    if share < _HOLDS or rows[kept].sum() < _COVERED * both.sum():
        return None
    totals = np.bincount(pairs[kept] % width, rows[kept], width)
    there = np.flatnonzero(totals)
    if len(there) < 2:
        return None
    return Lookup(
        out=out,
        of=of,
        share=share_of(share),
        levels=tuple(level_names[int(pair) // width] for pair in pairs[kept]),
        values=tuple(value_names[int(pair) % width] for pair in pairs[kept]),
        rest=tuple(value_names[int(place)] for place in there),
        shares=tuple(float(one) for one in np.round(totals[there] / totals.sum(), 3)),
        weights=tuple(float(one) for one in np.maximum(np.round(rows[kept] / rows[kept].sum(), 6), 1e-6)),
    )


def _holders(groups: Ints, people: Ints, size: int) -> Ints:
    pairs = np.unique(np.stack([groups, people]), axis=1)
    return np.bincount(pairs[0], minlength=size)


def _first_things_first(found: list[Lookup]) -> list[Lookup]:
    """Nothing is looked up by what is looked up later."""
    ordered: list[Lookup] = []
    left = list(found)
    while left:
        outs = {one.out for one in left}
        ordered += [one for one in left if one.of not in outs]
        left = [one for one in left if one.of in outs]
    return ordered
