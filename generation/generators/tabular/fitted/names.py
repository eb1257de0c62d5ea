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
from generation.generators.tabular.fitted.persons import (
    Addresses,
    Emails,
    Names,
    are_addresses,
    are_emails,
    are_names,
    are_numbers,
)
from generation.generators.tabular.fitted.privacy import Bools, Ints, K

_KINDS = (("9", "0123456789"), ("A", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), ("a", "abcdefghijklmnopqrstuvwxyz"))
_SHAPES = (("[0-9]", "9"), (r"\p{Lu}", "A"), (r"\p{L}", "a"))
_OF_A_POOL = 5 * K  # names from which on a pool has characters of its own
_TURNS = 6
_SPARE = 8
_MOST_WORDS = 12
_LONG = 12  # words from which on a text is more than a name
_LONGEST = 400  # words
_STOPS = (".", "!", "?", "。")
_SHARED = 0.5  # of the names are of words that many share, or their words are not used where there is another way


def invent(
    names: ArrowArray,
    pools: Ints,
    wanted: Sequence[int],
    taken: ArrowArray,
    speaking: Ints,
    rng: np.random.Generator,
) -> ArrowArray:
    """Return ``wanted[p]`` made-up names for each pool p, none of ``names`` or ``taken``.

    All are different, but those of many words.

    ``pools`` gives the pool of each of ``names``; of them only those numbered in ``speaking`` say how names look.
    """
    heard = names.take(pa.array(speaking))
    whole = _maker(heard)
    own = [heard.filter(pa.array(pools[speaking] == number)) for number in range(len(wanted))]
    by_pool = isinstance(whole, _Shapes)
    makers = [_Shapes(one) if by_pool and len(one) >= _OF_A_POOL else whole for one in own]
    used = pc.unique(pa.concat_arrays([names, taken]))
    return _different(makers, whole, np.array(wanted, np.int64), used, rng)


def _maker(heard: ArrowArray) -> _Maker:
    """What makes names that look like those of ``heard``."""
    if are_emails(heard):
        return Emails()
    spaced = bool(pc.mean(pc.cast(pc.match_substring(heard, " "), pa.float64())).as_py() > 0.5) if len(heard) else False
    if not spaced or are_numbers(heard):
        return _Shapes(heard)
    if _are_long(heard):
        return _Sentences(heard)
    words = _Words(heard)
    if words.shared < _SHARED and are_names(heard):
        return Names()
    if words.shared < _SHARED and are_addresses(heard):
        return Addresses()
    return words


def _are_long(heard: ArrowArray) -> bool:
    return bool(pc.mean(pc.cast(pc.greater_equal(pc.count_substring(heard, " "), _LONG), pa.float64())).as_py() > 0.05)


def _different(
    makers: Sequence[_Maker], whole: _Maker, wanted: Ints, used: ArrowArray, rng: np.random.Generator
) -> ArrowArray:
    """Return ``wanted`` names of each maker, one after the other, all different and none in ``used``.

    What a maker does not find in some turns is made as all names are, and what is left over is numbered; texts of
    sentences are repeated instead.
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
    if isinstance(whole, _Sentences) and len(found):
        rest = found.take(pa.array(rng.integers(0, len(found), int(missing.sum()))))
    else:
        numbers = pa.array(len(used) + len(found) + np.arange(int(missing.sum()))).cast(pa.string())
        rest = pc.binary_join_element_wise("other", numbers, " ")
    found = pa.concat_arrays([found, rest])
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


class _Shared:
    """The words of names that enough names share: ``owners`` and ``words`` tell whose they are, in their order.

    The word numbered ``end`` is the empty one, after the last of every name.
    """

    def __init__(self, names: ArrowArray) -> None:
        split = pc.split_pattern(names, " ")
        owners = pc.list_parent_indices(split).to_numpy().astype(np.int64)
        encoded = pc.list_flatten(split).dictionary_encode()
        words = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        size = len(encoded.dictionary)
        kept = shared_by_many(words, owners)
        #: The share of names all of whose words are shared.
        self.whole = 1 - len(np.unique(owners[~kept])) / max(len(names), 1)
        self.dictionary = [*encoded.dictionary.to_pylist(), ""]
        self.end = size
        self.owners, self.words = owners[kept], words[kept]

    def written(self, numbers: Ints) -> ArrowArray:
        """Return names of the words of these ``numbers``; shape (names, words)."""
        rows = np.array(self.dictionary, dtype=object)[numbers].tolist()
        return pa.array([" ".join(part for part in row if part) for row in rows], pa.string())


def shared_by_many(things: Ints, owners: Ints) -> Bools:
    """Tell which of ``things`` at least ``K`` different ``owners`` have."""
    codes = np.unique(things, return_inverse=True)[1].astype(np.int64)
    several = int(owners.max(initial=0)) + 1
    pairs = np.unique(codes * several + owners)
    many: Bools = (np.bincount(pairs // several) >= K)[codes] if len(codes) else np.empty(0, bool)
    return many


class _Words:
    """Names of several words: chains of which word follows which."""

    def __init__(self, names: ArrowArray) -> None:
        self._shared = _Shared(names)
        self.shared, self.end = self._shared.whole, self._shared.end
        self._chain(self._shared.owners, self._shared.words)

    def _chain(self, owners: Ints, words: Ints) -> None:
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
        return self._shared.written(np.stack(columns, axis=1))


class _Sentences:
    """Texts of many words: which word follows two others, as far as ten texts have the three in that order.

    Where none does, one that follows the last of the two, if ten texts have those; else the text is at its end.
    """

    def __init__(self, texts: ArrowArray) -> None:
        self._words = _Shared(texts)
        owners, words, end = self._words.owners, self._words.words, self._words.end
        lengths = np.sort(np.bincount(owners, minlength=len(texts)))
        #: Words that ten texts have, and the longest made one.
        self.most = int(min(lengths[-K:][0], _LONGEST)) if len(lengths) else 0
        holder, place = np.unique(owners, return_index=True)
        after = np.insert(words, np.append(place[1:], len(words)), end) if len(words) else words
        holders = np.insert(owners, np.append(place[1:], len(words)), holder) if len(words) else owners
        first = np.append(True, holders[1:] != holders[:-1]) if len(holders) else np.empty(0, bool)
        before = np.where(first, end, np.roll(after, 1))
        earlier = np.where(first, end, np.roll(before, 1))  # a text begins after two ends
        last = before[after == end]
        self._last = np.array([word.endswith(_STOPS) for word in self._words.dictionary])
        self._last[last[shared_by_many(last, holders[after == end])]] = True
        self._pairs = _Followers(before, after, holders, end + 1)
        self._threes = _Followers(earlier * (end + 1) + before, after, holders, end + 1)

    def make(self, amount: int, rng: np.random.Generator) -> ArrowArray:
        """Return ``amount`` texts, not all different."""
        end = self._words.end
        earlier, before = np.full(amount, end), np.full(amount, end)
        columns = [before]
        for _ in range(self.most):
            draws = rng.random(amount)
            now = self._threes.drawn(earlier * (end + 1) + before, draws)
            unknown = now < 0
            now[unknown] = self._pairs.drawn(before[unknown], draws[unknown])
            now[now < 0] = end
            if len(columns) > 1:
                now[before == end] = end
            if (now == end).all():
                break
            columns.append(now)
            earlier, before = before, now
        rows = np.stack(columns, axis=1)
        cut = np.flatnonzero(rows[:, -1] != end)
        rows[cut] = np.where(np.arange(rows.shape[1]) > self._end_of(rows[cut])[:, None], end, rows[cut])
        return self._words.written(rows)

    def _end_of(self, rows: Ints) -> Ints:
        """Return the last place of each row at which texts end, or else its last one."""
        ending = self._last[rows[:, ::-1]]
        back = np.where(ending.any(axis=1), ending.argmax(axis=1), 0)
        place: Ints = rows.shape[1] - 1 - back
        return place


class _Followers:
    """What follows a context, as often as it does, where ``K`` owners have the two. ``words`` are below ``size``."""

    def __init__(self, contexts: Ints, words: Ints, owners: Ints, size: int) -> None:
        self._contexts, codes = np.unique(contexts, return_inverse=True)
        both = codes * size + words
        both = np.sort(both[shared_by_many(both, owners)])
        self._words = both % size
        self._starts = np.searchsorted(both, np.arange(len(self._contexts) + 1) * size)

    def drawn(self, contexts: Ints, draws: np.ndarray) -> Ints:
        """Return a word for each context by a draw from [0, 1); -1 where nothing follows."""
        if not len(self._words):
            return np.full(len(contexts), -1)
        at = np.minimum(np.searchsorted(self._contexts, contexts), len(self._contexts) - 1)
        spans = np.where(self._contexts[at] == contexts, self._starts[at + 1] - self._starts[at], 0)
        found = self._starts[at] + (draws * spans).astype(np.int64)
        return np.where(spans > 0, self._words[np.minimum(found, len(self._words) - 1)], -1)
