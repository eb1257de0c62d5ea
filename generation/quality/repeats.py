"""How many rows of a table are there more than once: a sample of its distinct rows, each with how often it occurs.

The sample holds the distinct rows with the lowest hashes, the *bottom k* (Cohen and Kaplan, "Summarizing data using
bottom-k sketches", 2007): which rows these are depends on the rows alone, not on their order or on who saw which.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generation.quality.arrow import ArrowArray, pc
from generation.quality.sketches import (
    Hashes,
    firsts,
    hash_decimals,
    hash_numbers,
    hash_texts,
    mixed,
    packed,
    unpacked,
)

#: So many distinct rows are kept; up to here the count is exact.
KEPT = 4096
_NULL = np.uint64(0x6E756C6C)

#: Gives the hashes of values that are there, as ``hash_numbers`` and ``hash_texts`` make them.
Hashing = Callable[[], Hashes]


@dataclass(frozen=True)
class Repeated:
    """The share of rows that repeat an earlier one, and the standard error of that (0: exact)."""

    share: float
    standard_error: float


class Repeats:
    """What was seen of a table's rows so far."""

    def __init__(self) -> None:
        self._hashes: Hashes = np.empty(0, np.uint64)
        self._counts: NDArray[np.int64] = np.empty(0, np.int64)
        self._exact = True

    def add(self, rows: Hashes) -> None:
        """Take more rows, by the hash of each: of all its cells, ``folded`` into zeros in their order."""
        if len(rows):
            hashes, counts = np.unique(self._low(rows), return_counts=True)
            self._join(hashes, counts.astype(np.int64))

    def merge(self, other: Repeats) -> None:
        """Take what ``other`` has seen."""
        self._exact = self._exact and other._exact
        self._join(other._hashes, other._counts)

    def repeated(self) -> Repeated:
        """The share, exact or estimated from the sample."""
        seen = int(self._counts.sum())
        if not seen:
            return Repeated(0.0, 0.0)
        share = 1 - len(self._hashes) / seen
        if self._exact:
            return Repeated(share, 0.0)
        # In a sample without a repeat there may still be one just outside it.
        return Repeated(share, math.sqrt(max(share, 1 / seen) * (1 - share) / seen))

    def as_json(self) -> Mapping[str, str | bool]:
        return {
            "exact": self._exact,
            "hashes": packed(self._hashes.astype("<u8").tobytes()),
            "counts": packed(self._counts.astype("<i8").tobytes()),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, str | bool]) -> Repeats:
        repeats = cls()
        repeats._exact = bool(value["exact"])
        repeats._hashes = np.frombuffer(unpacked(str(value["hashes"])), "<u8").astype(np.uint64)
        repeats._counts = np.frombuffer(unpacked(str(value["counts"])), "<i8").astype(np.int64)
        return repeats

    def _low(self, hashes: Hashes) -> Hashes:
        """Those that may belong to the lowest; once the sample is full these are few."""
        return hashes if len(self._hashes) < KEPT else hashes[hashes <= self._hashes[-1]]

    def _join(self, hashes: Hashes, counts: NDArray[np.int64]) -> None:
        """Take different hashes, ascending, and their counts."""
        if not len(hashes):
            return
        both = np.concatenate([self._hashes, hashes])
        order = np.argsort(both, kind="stable")  # merges what is in order already
        both = both[order]
        starts = np.flatnonzero(firsts(both))
        total = np.add.reduceat(np.concatenate([self._counts, counts])[order], starts)
        self._exact = self._exact and len(starts) <= KEPT
        self._hashes, self._counts = both[starts[:KEPT]], total[:KEPT]


def folded(rows: Hashes, data: ArrowArray, hashing: Sequence[Hashing | None]) -> Hashes:
    """Return the hashes of rows of which one more column is looked at, given who hashes each of its chunks anyway."""
    chunks = data.chunks if isinstance(data, pa.ChunkedArray) else [data]
    cells = [_cells(chunk, one) for chunk, one in zip(chunks, hashing, strict=True)]
    return mixed(rows ^ (cells[0] if len(cells) == 1 else np.concatenate([*cells, rows[:0]])))


def _cells(array: ArrowArray, hashing: Hashing | None = None) -> Hashes:
    """One hash for each value of a column; those that are not there have one too."""
    if not array.null_count:
        return _values(array) if hashing is None else hashing()
    hashes = np.full(len(array), _NULL)
    there: NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    hashes[there] = _values(array.drop_null()) if hashing is None else hashing()
    return hashes


def _values(array: ArrowArray) -> Hashes:
    """The hashes of an array without nulls."""
    type_, is_ = array.type, pa.types
    if not len(array):
        return np.empty(0, np.uint64)
    if is_.is_struct(type_):
        return _joined(array.flatten(), len(array))
    if is_.is_list(type_) or is_.is_large_list(type_) or is_.is_fixed_size_list(type_):
        return _lists(array)
    if is_.is_fixed_size_binary(type_):
        return hash_texts(array.cast(pa.binary()))
    if is_.is_string(type_) or is_.is_large_string(type_) or is_.is_binary(type_) or is_.is_large_binary(type_):
        return hash_texts(array)
    if is_.is_decimal(type_):
        words = np.frombuffer(array.buffers()[1], "<u8").reshape(-1, 2)
        return hash_decimals(words[array.offset : array.offset + len(array)])
    if is_.is_boolean(type_):
        array = array.cast(pa.uint8())
    elif is_.is_temporal(type_):
        array = array.view(pa.int32() if type_.bit_width == 32 else pa.int64())
    return hash_numbers(array.to_numpy())


def _joined(parts: list[ArrowArray], rows: int) -> Hashes:
    hashes = np.zeros(rows, np.uint64)
    for part in parts:
        hashes = mixed(hashes ^ _cells(part))
    return hashes


def _lists(array: ArrowArray) -> Hashes:
    """Of each list its length, and its elements with their places."""
    lengths: NDArray[np.int64] = pc.list_value_length(array).to_numpy().astype(np.int64)
    starts = np.cumsum(lengths) - lengths
    places = np.arange(int(lengths.sum())) - np.repeat(starts, lengths)
    elements = mixed(_cells(array.flatten()) ^ mixed(places.astype(np.uint64)))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(elements, dtype=np.uint64)])
    return mixed(lengths.astype(np.uint64)) ^ mixed(sums[starts + lengths] - sums[starts])
