"""The only randomness there is: named, counted streams derived from a committed seed.

Two processes that make different blocks never coordinate: a stream is found by its name and index, an exact total is
divided by a tree of binomials that anyone can descend, a permutation is a keyed bijection that anyone can evaluate.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_LEAF = 1024  # parts that one multinomial draw divides at once
_ROUNDS = 8
_LARGEST_PERMUTATION = 1 << 40  # keeps the round tables at a million entries


class Streams:
    """Randomness of one run: ``seed`` is 16 bytes, ``domain`` keeps a sample's streams apart from a run's."""

    def __init__(self, seed: bytes, domain: str = "run") -> None:
        if len(seed) != 16:
            raise ValueError(f"a seed has 16 bytes, this one has {len(seed)}")
        self._prefix = _framed(seed) + _framed(domain.encode())

    def rng(self, name: str, index: int = 0) -> np.random.Generator:
        """Return the generator named (name, index): Philox keyed with SHA-256(seed, domain, name, index)[:16].

        The index is part of the key, not of the counter, so that a key recovered from one block opens that block only.
        """
        key = np.frombuffer(self._key(name, index)[:16], dtype="<u8")
        return np.random.Generator(np.random.Philox(key=key))

    def split(self, name: str, total: int, parts: int, part: int) -> tuple[int, int]:
        """Return (first, count) of ``part`` when ``total`` items fall at random over ``parts`` equal parts.

        The counts of all parts add up to ``total`` exactly. Takes O(log parts) draws.
        """
        firsts, counts = self.splits(name, total, parts, range(part, part + 1))
        return int(firsts[0]), int(counts[0])

    def splits(self, name: str, total: int, parts: int, wanted: range) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return ``split`` for each part of the contiguous range ``wanted``: two arrays of ``len(wanted)``."""
        if not 0 <= wanted.start <= wanted.stop <= parts or wanted.step != 1:
            raise ValueError(f"{wanted} is not a contiguous range within {parts} parts")
        if total < 0:
            raise ValueError(f"a total is not negative, this one is {total}")
        leaves = -(-parts // _LEAF)
        firsts = [np.empty(0, np.int64)]
        counts = [np.empty(0, np.int64)]
        for leaf in range(wanted.start // _LEAF, -(-wanted.stop // _LEAF)):
            leaf_first, leaf_total = self._leaf(name, total, parts, leaves, leaf)
            size = min(_LEAF, parts - leaf * _LEAF)
            drawn = self.rng(f"split leaf:{name}", leaf).multinomial(leaf_total, np.full(size, 1.0 / size))
            low = max(wanted.start - leaf * _LEAF, 0)
            high = min(wanted.stop - leaf * _LEAF, size)
            firsts.append((leaf_first + np.cumsum(drawn) - drawn)[low:high])
            counts.append(drawn[low:high])
        return np.concatenate(firsts), np.concatenate(counts)

    def permute(self, name: str, indices: NDArray[np.int64] | range, n: int) -> NDArray[np.int64]:
        """Map each of ``indices`` by a keyed bijection of ``range(n)``; ``n`` is at most 2**40.

        An alternating Feistel network over a × b ≥ n (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002)
        whose round functions are tables of keyed BLAKE2b, with cycle walking.
        """
        values = np.asarray(indices, dtype=np.int64)
        if not 0 < n <= _LARGEST_PERMUTATION:
            raise ValueError(f"a permutation has 1 to 2**40 elements, not {n}")
        if values.size and not (int(values.min()) >= 0 and int(values.max()) < n):
            raise ValueError(f"an index lies outside range({n})")
        a, b, tables = _feistel(self._key(f"permute:{name}", n), n)
        result = _rounds(values, a, b, tables)
        while (outside := result >= n).any():
            result[outside] = _rounds(result[outside], a, b, tables)
        return result

    def _key(self, name: str, index: int) -> bytes:
        return hashlib.sha256(self._prefix + _framed(name.encode()) + index.to_bytes(8, "little")).digest()

    def _leaf(self, name: str, total: int, parts: int, leaves: int, leaf: int) -> tuple[int, int]:
        """Descend the tree of binomials to (first item, items) of one leaf of ``_LEAF`` parts."""
        low, high, first = 0, leaves, 0
        node = 1
        while high - low > 1:
            middle = (low + high) // 2
            left_parts = (middle - low) * _LEAF
            all_parts = min(high * _LEAF, parts) - low * _LEAF
            left = int(self.rng(f"split node:{name}", node).binomial(total, left_parts / all_parts))
            if leaf < middle:
                high, total, node = middle, left, 2 * node
            else:
                low, total, first, node = middle, total - left, first + left, 2 * node + 1
        return first, total


def _framed(value: bytes) -> bytes:
    return len(value).to_bytes(4, "little") + value


@lru_cache(maxsize=16)
def _feistel(key: bytes, n: int) -> tuple[int, int, tuple[NDArray[np.int64], ...]]:
    a = int(np.ceil(np.sqrt(n)))
    b = -(-n // a)
    tables = tuple(_table(key, i, *((b, a) if i % 2 == 0 else (a, b))) for i in range(_ROUNDS))
    return a, b, tables


def _table(key: bytes, number: int, size: int, modulus: int) -> NDArray[np.int64]:
    """``size`` values below ``modulus``, eight from each BLAKE2b digest in counter mode; the bias is under 2**-43."""
    digests = b"".join(
        hashlib.blake2b(counter.to_bytes(8, "little"), key=key, person=b"permute%d" % number).digest()
        for counter in range(-(-size // 8))
    )
    return (np.frombuffer(digests, "<u8")[:size] % np.uint64(modulus)).astype(np.int64)


def _rounds(values: NDArray[np.int64], a: int, b: int, tables: tuple[NDArray[np.int64], ...]) -> NDArray[np.int64]:
    left, right = values // b, values % b
    for i, table in enumerate(tables):
        if i % 2 == 0:
            left = (left + table[right]) % a
        else:
            right = (right + table[left]) % b
    return left * b + right
