"""Names made up for levels that too few people hold: by the characters or words that many names have in common.

Nothing of a single name is used: no character in a place, shape or word that fewer than ``K`` levels of different
people share. A name that came out as a real one is thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.arrow import ArrowArray, pc
from generation.generators.tabular.fitted.privacy import Bools, Ints, K

_KINDS = (("9", "0123456789"), ("A", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), ("a", "abcdefghijklmnopqrstuvwxyz"))
_SHAPES = (("[0-9]", "9"), (r"\p{Lu}", "A"), (r"\p{L}", "a"))
_OF_A_POOL = 5 * K  # names from which on a pool has characters of its own
_TURNS = 6
_SPARE = 8
_MOST_WORDS = 12


def invent(
    names: ArrowArray,
    pools: Ints,
    wanted: Sequence[int],
    taken: ArrowArray,
    speaking: Ints,
    rng: np.random.Generator,
) -> ArrowArray:
    """Return ``wanted[p]`` made-up names for each pool p, all different, none of ``names`` or ``taken``.

    ``pools`` gives the pool of each of ``names``; of them only those numbered in ``speaking`` say how names look.
    """
    heard = names.take(pa.array(speaking))
    words = bool(pc.mean(pc.cast(pc.match_substring(heard, " "), pa.float64())).as_py() > 0.5) if len(heard) else False
    whole: _Maker = _Words(heard) if words else _Shapes(heard)
    own = [heard.filter(pa.array(pools[speaking] == number)) for number in range(len(wanted))]
    makers = [whole if words or len(one) < _OF_A_POOL else _Shapes(one) for one in own]
    used = pc.unique(pa.concat_arrays([names, taken]))
    return _different(makers, whole, np.array(wanted, np.int64), used, rng)


def _different(
    makers: Sequence[_Maker], whole: _Maker, wanted: Ints, used: ArrowArray, rng: np.random.Generator
) -> ArrowArray:
    """Return ``wanted`` names of each maker, one after the other, all different and none in ``used``.

    What a maker does not find in some turns is made as all names are, and what is left over is numbered.
    """
    found, pools = pa.array([], pa.string()), np.empty(0, np.int64)
    for turn in range(_TURNS):
        missing = wanted - np.bincount(pools, minlength=len(wanted))
        if not missing.any():
            break
        amounts = np.where(missing > 0, missing + _SPARE, 0)
        makers = makers if turn < _TURNS // 2 else [whole] * len(makers)
        tried = [maker.make(amount, rng) for maker, amount in zip(makers, amounts.tolist(), strict=True)]
        found = pa.concat_arrays([found, *tried])
        pools = np.concatenate([pools, np.repeat(np.arange(len(wanted)), amounts)])
        fresh = np.flatnonzero(_first_of_each(found, used))
        kept = fresh[_within(pools[fresh], wanted)]
        found, pools = found.take(pa.array(kept)), pools[kept]
    missing = wanted - np.bincount(pools, minlength=len(wanted))
    numbers = pa.array(len(used) + len(found) + np.arange(int(missing.sum()))).cast(pa.string())
    found = pa.concat_arrays([found, pc.binary_join_element_wise("other", numbers, " ")])
    pools = np.concatenate([pools, np.repeat(np.arange(len(wanted)), missing)])
    return found.take(pa.array(np.argsort(pools, kind="stable")))


def _first_of_each(names: ArrowArray, used: ArrowArray) -> Bools:
    """Tell which names are neither empty nor in ``used``, nor any of those before them."""
    codes = names.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    first = np.zeros(len(names), bool)
    first[np.unique(codes, return_index=True)[1]] = True
    new = pc.and_(pc.invert(pc.is_in(names, used)), pc.not_equal(names, ""))
    fresh: Bools = first & new.to_numpy(zero_copy_only=False)
    return fresh


def _within(pools: Ints, wanted: Ints) -> Bools:
    """Tell which of ``pools`` are among the first ``wanted`` of their number."""
    order = np.argsort(pools, kind="stable")
    starts = np.searchsorted(pools[order], np.arange(len(wanted)))
    within = np.empty(len(pools), bool)
    within[order] = np.arange(len(pools)) - starts[pools[order]] < wanted[pools[order]]
    return within


class _Maker(Protocol):
    def make(self, amount: int, rng: np.random.Generator) -> ArrowArray:
        """Return ``amount`` names, not all different."""
        ...


class _Shapes:
    """Names by shape: what stands at each place of the names of one shape."""

    def __init__(self, names: ArrowArray) -> None:
        shapes = names
        for pattern, kind in _SHAPES:
            shapes = pc.replace_substring_regex(shapes, pattern, kind)
        counted = pc.value_counts(shapes)
        counts = counted.field("counts").to_numpy(zero_copy_only=False)
        common = np.flatnonzero(counts >= K)
        self.shares = counts[common] / max(int(counts[common].sum()), 1)
        self.places = [
            _places(names.filter(pc.equal(shapes, counted.field("values")[int(i)])), counted.field("values")[int(i)])
            for i in common
        ]

    def make(self, amount: int, rng: np.random.Generator) -> ArrowArray:
        """Return ``amount`` names, not all different."""
        if not self.places:
            numbers = pa.array(rng.integers(0, 10**9, amount)).cast(pa.string())
            return pc.binary_join_element_wise(pa.scalar("id"), numbers, "")
        of_shape = rng.multinomial(amount, self.shares)
        parts = [_written(places, int(count), rng) for places, count in zip(self.places, of_shape, strict=True)]
        return pa.concat_arrays(parts).take(pa.array(rng.permutation(amount)))


_Place = tuple[np.ndarray, np.ndarray]


def _places(names: ArrowArray, shape: ArrowArray) -> list[_Place]:
    """Return characters and cumulated shares for each place of names of one shape."""
    places = []
    for i, kind in enumerate(shape.as_py()):
        counted = pc.value_counts(pc.utf8_slice_codeunits(names, i, i + 1))
        counts = counted.field("counts").to_numpy(zero_copy_only=False)
        shared = counts >= K
        characters = np.array(counted.field("values").to_pylist(), dtype="U1")[shared]
        if not shared.any():
            characters = np.array(list(dict(_KINDS).get(kind, "-")), dtype="U1")
            counts, shared = np.ones(len(characters)), np.ones(len(characters), bool)
        places.append((characters, np.cumsum(counts[shared]) / counts[shared].sum()))
    return places


def _written(places: Sequence[_Place], amount: int, rng: np.random.Generator) -> ArrowArray:
    """Write ``amount`` names, each place drawn on its own."""
    if not amount or not places:
        return pa.array([""] * amount, pa.string())
    letters = np.stack(
        [characters[np.searchsorted(ends[:-1], rng.random(amount), side="right")] for characters, ends in places],
        axis=1,
    )
    return pa.array(np.ascontiguousarray(letters).view(f"U{len(places)}").ravel().tolist(), pa.string())


class _Words:
    """Names of several words: chains of which word follows which."""

    def __init__(self, names: ArrowArray) -> None:
        split = pc.split_pattern(names, " ")
        owners = pc.list_parent_indices(split).to_numpy()
        encoded = pc.list_flatten(split).dictionary_encode()
        words = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        size = len(encoded.dictionary)
        pairs = np.unique(owners.astype(np.int64) * size + words)
        common = np.bincount(pairs % size, minlength=size) >= K
        kept = common[words]
        self.words = [*encoded.dictionary.to_pylist(), ""]
        self.end = size
        self._chain(owners[kept], words[kept], len(names))

    def _chain(self, owners: Ints, words: Ints, names: int) -> None:
        """Index what follows each word; the empty word begins and ends every name."""
        first = np.append(True, owners[1:] != owners[:-1]) if len(owners) else np.empty(0, bool)
        last: Bools = np.append(first[1:], True) if len(owners) else first
        before = np.where(first, self.end, np.roll(words, 1))
        froms = np.concatenate([before, words[last]])
        tos = np.concatenate([words, np.full(int(last.sum()), self.end)])
        order = np.argsort(froms, kind="stable")
        self.following = tos[order]
        self.starts = np.searchsorted(froms[order], np.arange(self.end + 2))

    def make(self, amount: int, rng: np.random.Generator) -> ArrowArray:
        """Return ``amount`` names, not all different."""
        now = np.full(amount, self.end)
        going = np.ones(amount, bool)
        columns = []
        for _ in range(_MOST_WORDS):
            spans = self.starts[now + 1] - self.starts[now]
            going &= spans > 0
            at = self.starts[now] + (rng.random(amount) * spans).astype(np.int64)
            now = np.where(going, self.following[np.minimum(at, max(len(self.following) - 1, 0))], self.end)
            going &= now != self.end
            columns.append(now)
            if not going.any():
                break
        word = np.array(self.words, dtype=object)
        rows = word[np.stack(columns, axis=1)].tolist()
        return pa.array([" ".join(part for part in row if part) for row in rows], pa.string())
