"""Categories as levels: those that many people hold by name; what becomes of the rare ones is decided with the rest.

Rows of rare levels are few, and then each takes the level of a row that is like it; or they are many, and then the
column is an identifier, and pools of made-up levels stand in for them (``surrogates``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.arrow import ArrowArray, pc
from generation.generators.tabular.fitted.features import Coded, Feature, Levels
from generation.generators.tabular.fitted.privacy import Bools, Floats, Ints, K, People
from generation.generators.tabular.fitted.surrogates import pool
from generation.sdk import Streams

#: The token of what too few people hold, where all of it together is held by enough.
REST = "other"
_FEW_ROWS = 0.05
_LEAST_POOLED = 20  # rare levels; fewer become the rest
_LEAST_ROWS = 30  # of a level of an identifier
_IDENTIFIER = 0.2  # share of rows in levels of fewer rows, from which on a column is one


@dataclass(frozen=True)
class Rare:
    """The rare levels of a column: each row's number among ``names``, -1 elsewhere; ``limit`` rows are not rare."""

    numbers: Ints
    names: ArrowArray
    limit: int


def learn_levels(
    codes: Ints, names: ArrowArray, people: People, *, rest: bool, public: bool = False
) -> tuple[Levels, Ints, Rare | None]:
    """Learn the levels of a category (``codes`` into ``names``, -1 where missing), the frequent ones first.

    Returns the levels that ``K`` people hold, each row's among them or -1, and those that fewer hold. Without ``rest``
    no rare level is to have a stand-in, and their rows count to the most frequent one. Of a ``public`` list all levels
    may be named, and none is rare.
    """
    known = codes >= 0
    rows = np.bincount(codes[known], minlength=len(names))
    holders = people.among(known).holders(codes[known], len(names))
    identifies = rest and len(names) > 50 and rows[rows < _LEAST_ROWS].sum() > _IDENTIFIER * rows.sum()
    limit = _LEAST_ROWS if identifies else K
    order = np.lexsort((_places(names), -rows))
    held = ((holders >= limit) | public)[order]
    kept, few = order[held], order[~held]
    place = np.full(len(names) + 1, -1, np.int64)
    place[kept] = np.arange(len(kept))
    levels = Levels(names.take(pa.array(kept)), len(kept), 0, np.empty(0))
    segments = place[codes]
    if not len(few):
        return levels, segments, None
    if not rest:
        return levels, np.where(known & (segments < 0) & bool(len(kept)), 0, segments), None
    number = np.full(len(names) + 1, -1, np.int64)
    number[few] = np.arange(len(few))
    return levels, segments, Rare(number[codes], names.take(pa.array(few)), limit)


def _places(names: ArrowArray) -> Ints:
    """Return the place of each name in their order."""
    places = np.empty(len(names), np.int64)
    places[pc.sort_indices(names).to_numpy()] = np.arange(len(names))
    return places


def settle(one: Coded, rare: Rare, others: Sequence[Coded], ties: Floats, people: People, streams: Streams) -> Coded:
    """Give the rows of rare levels a code: of an alike row, of the rest, or of a pool of made-up levels.

    ``ties`` says how much each of ``others`` tells about this column.
    """
    levels = cast(Levels, one.feature.values)
    at = rare.numbers >= 0
    common = one.known & ~at & (one.codes >= one.feature.nullable)
    if at.sum() > _FEW_ROWS * (at | common).sum() or not common.any():
        if len(rare.names) >= _LEAST_POOLED:
            return pool(one, rare.numbers, rare.names, rare.limit, others, people, streams)
        if people.count(at) >= K:
            return _with_rest(one, levels, at)
    if not common.any():
        return one
    return _alike(one, at, common, others, ties, streams)


def _with_rest(one: Coded, levels: Levels, at: Bools) -> Coded:
    """Make one level of all rare ones."""
    names = levels.names.to_pylist()
    if REST not in names:
        names = [*names, REST]
    feature = Feature(Levels(pa.array(names, pa.string()), len(names), 0, levels.ends), one.feature.nullable)
    place = names.index(REST) + feature.nullable
    return Coded(one.stream, feature, np.where(at, place, one.codes).astype(np.int32), one.known | at)


def _alike(one: Coded, at: Bools, common: Bools, others: Sequence[Coded], ties: Floats, streams: Streams) -> Coded:
    """Give each row of a rare level the common level of a row near it in the column that tells most."""
    rng = streams.rng(f"rare {one.stream}")
    rows, rare_rows = np.flatnonzero(common), np.flatnonzero(at)
    telling = [i for i in np.argsort(-ties, kind="stable") if others[i].known[at].mean() > 0.9]
    codes = one.codes.copy()
    if telling:
        key = others[telling[0]].codes + rng.random(len(codes))
        rows = rows[np.argsort(key[rows], kind="stable")]
        near = np.searchsorted(key[rows], key[rare_rows]) + rng.integers(-5, 5, len(rare_rows))
        codes[rare_rows] = codes[rows[np.clip(near, 0, len(rows) - 1)]]
    else:
        codes[rare_rows] = codes[rng.choice(rows, len(rare_rows))]
    return Coded(one.stream, one.feature, codes, one.known | at)
