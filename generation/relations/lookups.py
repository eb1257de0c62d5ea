"""One code by another: ``region follows from city``, a whole column that is looked up in a table of levels.

The levels of the table are those that ``K`` people have; any other level of the first column, and any that is made up,
leads to one and the same value each time, as often to each as such values occur.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, MutableMapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute
from pydantic import BaseModel, ConfigDict

from generation.relations.columns import Ints, K, evenly
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
    """``out`` is ``values[i]`` where ``of`` is ``levels[i]``; elsewhere one of ``rest``, by ``shares``. All as text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["lookup"] = "lookup"
    out: str
    of: str
    share: float
    levels: tuple[str, ...]
    values: tuple[str, ...]
    rest: tuple[str, ...]
    shares: tuple[float, ...]

    @property
    def formula(self) -> str:
        """The lookup in one line."""
        return f"{self.out} follows from {self.of}"

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
        known = dict(zip(one.levels, one.values, strict=True))
        drawn_levels = encoded.dictionary.to_pylist()
        made = pa.array([known[level] if level in known else _of_the_rest(one, level) for level in drawn_levels])
        values = made.cast(pa.string()).take(encoded.indices).cast(drawn.type)
        there = _pc.and_(_pc.is_valid(given), _pc.is_valid(drawn))
        columns[one.out] = _pc.if_else(there, values, drawn)


def _of_the_rest(lookup: Lookup, level: str) -> str:
    """A value for a level that the table does not have: always the same one."""
    chance = int.from_bytes(hashlib.blake2b(level.encode(), digest_size=8).digest(), "big") / 2.0**64
    return lookup.rest[min(int(np.searchsorted(np.cumsum(lookup.shares), chance, "right")), len(lookup.rest) - 1)]


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
