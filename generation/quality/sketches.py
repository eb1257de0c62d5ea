"""Sketches that merge and are deterministic: a t-digest made in fixed order, and a HyperLogLog.

Both take whole arrays, and the same values in the same order give the same bytes. (KLL and REQ sketches are random.)
"""

from __future__ import annotations

import base64
import hashlib
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generation.quality.arrow import ArrowArray

Floats = NDArray[np.float64]
Numbers = NDArray[Any]
Hashes = NDArray[np.uint64]

#: A quantile from ``Digest`` lies within this share of the rows of where it should: between the middles of two clusters
#: an estimate is off by one and a half of the largest at most (0.5 %), and merged clusters overlap by one more.
RANK_ERROR = 0.01
_DELTA = 1000
_BUFFERED = 1 << 16
#: The shares of the weight at which the scale function k1 passes a whole number: a cluster ends at each.
_CUTS: Floats = (np.sin(np.arange(1 - _DELTA // 4, _DELTA // 4) * (2 * np.pi / _DELTA)) + 1) / 2

_REGISTER_BITS = 12
_OF_REGISTER = np.uint64(_REGISTER_BITS)
_RANKS = 64 - _REGISTER_BITS
#: By the rank that a register holds, the largest word that would raise it: the highest rank is raised by none but zero.
_MOST_WITH: Hashes = np.array([(1 << (64 - min(rank, _RANKS))) - 1 for rank in range(_RANKS + 2)], np.uint64)
#: The standard error of ``Distinct`` beyond its exact range: 1.04 / sqrt(4096).
DISTINCT_ERROR = 1.04 / (1 << _REGISTER_BITS) ** 0.5
_EXACT = 1024
_FIRST = 4 * _EXACT  # hashes among which it mostly shows already that there are too many
_LONG = 128  # bytes; longer values are hashed one by one


class Digest:
    """Approximate ranks of weighted numbers: the merging t-digest of Dunning and Ertl ("Computing extremely accurate
    quantiles using t-digests", 2019) with the scale function k1, its clusters cut by the floor of k.
    """

    def __init__(self) -> None:
        self._means: Floats = np.empty(0)
        self._weights: Floats = np.empty(0)
        self._waiting: list[Numbers] = []  # values that count once
        self._waiting_count = 0

    def add(self, values: Numbers) -> None:
        """Take finite numbers, always of one type."""
        self._waiting.append(values)
        self._waiting_count += len(values)
        if self._waiting_count >= _BUFFERED:
            self._compress()

    def add_weighted(self, values: Floats, weights: Floats) -> None:
        """Take finite values, each counted as often as its weight says."""
        self._compress()
        if len(values):
            self._join(values, weights)

    def merge(self, other: Digest) -> None:
        """Take what ``other`` has seen, after what this one has."""
        self.add_weighted(*other.clusters())

    def clusters(self) -> tuple[Floats, Floats]:
        """Return means, ascending, and weights."""
        self._compress()
        return self._means, self._weights

    def as_json(self) -> str:
        means, weights = self.clusters()
        return packed(np.stack([means, weights]).astype("<f8").tobytes())

    @classmethod
    def from_json(cls, text: str) -> Digest:
        digest = cls()
        digest._means, digest._weights = np.frombuffer(unpacked(text), "<f8").reshape(2, -1)
        return digest

    def _compress(self) -> None:
        """Make clusters of what waits, and join them to the others."""
        if not self._waiting:
            return
        values = _sorted(np.concatenate(self._waiting))
        self._waiting, self._waiting_count = [], 0
        starts = np.ceil(_CUTS * len(values) - 0.5).astype(np.intp)
        self._join(*_clustered(values, 1.0, starts, np.arange(1.0, len(values) + 1)))

    def _join(self, means: Floats, weights: Floats) -> None:
        """Take clusters beside those that there are; at least one."""
        means = np.concatenate([self._means, means])
        weights = np.concatenate([self._weights, weights])
        order = np.argsort(means, kind="stable")
        means, weights = means[order], weights[order]
        total = np.cumsum(weights)
        cuts = _CUTS * total[-1]
        # A point with two cuts or more in it, many equal values, is cut: else its cluster is as wide as they are many.
        heavy = np.searchsorted(cuts, total) - np.searchsorted(cuts, total - weights) > 1
        within = np.minimum(np.searchsorted(total, cuts), len(total) - 1)
        ends = _ascending(np.concatenate([total, cuts[heavy[within]]]))
        points = np.minimum(np.searchsorted(total, ends), len(total) - 1)
        weights = np.diff(ends, prepend=0.0)
        starts = np.searchsorted(ends - weights / 2, cuts)
        self._means, self._weights = _clustered(means[points], weights, starts, ends)


def _clustered(
    points: Floats, weights: Floats | float, starts: NDArray[np.intp], total: Floats
) -> tuple[Floats, Floats]:
    """Return means and weights of the clusters, cut at ``starts``, of sorted points whose weights sum to ``total``."""
    starts = _ascending(np.concatenate([[0], starts[starts < len(points)], _heavy_runs(points, starts)]))
    starts = starts[starts < len(points)]
    ends = np.append(starts[1:], len(points)) - 1
    sizes = np.diff(total[ends], prepend=0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        means = np.add.reduceat(points * weights, starts) / sizes
    if not np.isfinite(means).all():  # sums are beyond double precision
        means = np.add.reduceat(points * (weights / np.repeat(sizes, np.diff(starts, append=len(points)))), starts)
    return means.clip(points[starts], points[ends]), sizes  # equal values keep their value


def _heavy_runs(points: Floats, starts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return where runs of equal points begin and end that one of ``starts`` falls into.

    Clusters do not reach across these: one that holds many equal values and a few others would stand beside them all
    once digests are merged, and its mean, just past the value, at ranks that are the value's own.
    """
    within = starts[(starts > 0) & (starts < len(points))]
    cut = points[within[points[within - 1] == points[within]]]
    return np.concatenate([np.searchsorted(points, cut), np.searchsorted(points, cut, "right")])


def _ascending(values: NDArray[Any]) -> NDArray[Any]:
    """Return the different values in order, as ``np.unique`` does, which hashes them and is slower for it."""
    values = np.sort(values)
    return values[firsts(values)]


def firsts(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where, in values that are in order, another one begins."""
    first = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return first


def _sorted(values: Numbers) -> Floats:
    """Return numbers in order, in double precision; whole ones are sorted in half the width where they fit."""
    if values.dtype.kind in "iu" and values.itemsize == 8:
        bounds = np.iinfo(np.int32)
        if values.min() >= bounds.min and values.max() <= bounds.max:
            values = values.astype(np.int32)
    return np.sort(values).astype(np.float64, copy=False)


def _scale(low: float, high: float) -> float:
    """Return a power of two that keeps the difference of the extremes finite: 1 but for the largest numbers."""
    return 1.0 if math.isfinite(high - low) else 0.25


def quantiles(means: Floats, weights: Floats, shares: Sequence[float], low: float, high: float) -> Floats:
    """Return the values below which ``shares`` of the weight lie, between the known extremes ``low`` and ``high``."""
    middles = (np.cumsum(weights) - weights / 2) / weights.sum()
    scale = _scale(low, high)
    found: Floats = np.interp(shares, [0.0, *middles, 1.0], np.array([low, *means, high]) * scale) / scale
    return found


def ranks(means: Floats, weights: Floats, values: Floats, low: float, high: float) -> Floats:
    """Return the share of the weight at or below each of ``values``."""
    middles = (np.cumsum(weights) - weights / 2) / weights.sum()
    scale = _scale(low, high)
    at: Floats = np.interp(values * scale, np.array([low, *means, high]) * scale, [0.0, *middles, 1.0])
    at[values >= high] = 1.0
    return at


class Distinct:
    """How many different values there are: exact up to 1,024, then HyperLogLog (Flajolet and others, 2007)."""

    def __init__(self) -> None:
        self._seen: Hashes | None = np.empty(0, np.uint64)
        self._registers = np.zeros(1 << _REGISTER_BITS, np.uint8)

    @property
    def exact(self) -> bool:
        return self._seen is not None

    def add(self, hashes: Hashes) -> None:
        """Take the hashes of values, in any order and as often as they come."""
        if self._seen is not None:
            seen = _ascending(np.concatenate([self._seen, hashes[:_FIRST]]))
            if len(seen) <= _EXACT:
                seen = _ascending(np.concatenate([seen, hashes[_FIRST:]]))
            if len(seen) <= _EXACT:
                self._seen = seen
                return
            hashes, self._seen = np.concatenate([self._seen, hashes]), None
        # Few hashes have zeros enough at the front to raise a register, and only of these the zeros are counted.
        hashes = hashes[hashes << _OF_REGISTER <= _MOST_WITH[self._registers.min()]]
        index = (hashes >> np.uint64(64 - _REGISTER_BITS)).view(np.int64)
        higher = np.flatnonzero(hashes << _OF_REGISTER <= _MOST_WITH[self._registers][index])
        np.maximum.at(self._registers, index[higher], _leading_zeros(hashes[higher] << _OF_REGISTER))

    def merge(self, other: Distinct) -> None:
        """Take what ``other`` has seen."""
        if other._seen is not None:
            self.add(other._seen)
            return
        if self._seen is not None:
            seen, self._seen = self._seen, None
            self.add(seen)
        self._registers = np.maximum(self._registers, other._registers)

    def count(self) -> int:
        """Return the number, exact or estimated."""
        if self._seen is not None:
            return len(self._seen)
        return round(_estimate(np.bincount(self._registers, minlength=_RANKS + 2)))

    def as_json(self) -> Mapping[str, str]:
        if self._seen is not None:
            return {"seen": packed(self._seen.astype("<u8").tobytes())}
        return {"registers": packed(self._registers.tobytes())}

    @classmethod
    def from_json(cls, value: Mapping[str, str]) -> Distinct:
        distinct = cls()
        if "seen" in value:
            distinct._seen = np.frombuffer(unpacked(value["seen"]), "<u8").astype(np.uint64)
        else:
            distinct._seen = None
            distinct._registers = np.frombuffer(unpacked(value["registers"]), np.uint8).copy()
        return distinct


def _estimate(counts: NDArray[np.intp]) -> float:
    """Return how many values were seen, given how many registers hold each rank.

    Ertl's improved raw estimator ("New cardinality estimation algorithms for HyperLogLog sketches", 2017): its error is
    the same for few values and for many, where the first estimator changes its formula and is biased.
    """
    size = float(counts.sum())
    total = size * _tau(1 - counts[_RANKS + 1] / size)
    for count in counts[_RANKS:0:-1]:
        total = 0.5 * (total + float(count))
    total += size * _sigma(counts[0] / size)
    return size * size / (2 * math.log(2) * total)


def _sigma(share: float) -> float:
    """Return share + the sum of 2**(k - 1) * share**(2**k) over k from 1."""
    if share == 1:
        return math.inf
    weight, total, before = 1.0, share, -1.0
    while total != before:
        share *= share
        before, total = total, total + share * weight
        weight *= 2
    return total


def _tau(share: float) -> float:
    """Return a third of 1 - share - the sum of 2**-k * (1 - share**(2**-k))**2 over k from 1."""
    if share in (0, 1):
        return 0.0
    weight, total, before = 1.0, 1 - share, -1.0
    while total != before:
        share = math.sqrt(share)
        weight /= 2
        before, total = total, total - (1 - share) ** 2 * weight
    return total / 3


def hash_decimals(words: NDArray[np.uint64]) -> Hashes:
    """Return 64-bit hashes of decimals by the two words that each is stored in."""
    return mixed(mixed(words[:, 0]) ^ words[:, 1])


def hash_numbers(values: NDArray[Any]) -> Hashes:
    """Return 64-bit hashes of integers or floating-point numbers by their 64 bits (SplitMix64's finaliser)."""
    if values.dtype.kind == "f":
        return mixed((values.astype(np.float64) + 0.0).view(np.uint64))  # adding zero makes minus zero zero
    return mixed(values.astype(np.uint64 if values.dtype.kind == "u" else np.int64).view(np.uint64))


def hash_texts(array: ArrowArray) -> Hashes:
    """Return 64-bit hashes of strings or binaries without nulls, word by word over all values at once."""
    offset_type = np.int64 if pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type) else np.int32
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, offset_type)[array.offset : array.offset + len(array) + 1].astype(np.int64)
    starts, lengths = ends[:-1], np.diff(ends)
    content = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    content = content[ends[0] : ends[-1]]
    starts = starts - ends[0]
    hashes = mixed(lengths.astype(np.uint64))
    short = lengths <= _LONG
    _fold(hashes, content, starts, np.where(short, lengths, 0))
    for row in np.flatnonzero(~short):
        value = content[starts[row] : starts[row] + lengths[row]].tobytes()
        hashes[row] = int.from_bytes(hashlib.blake2b(value, digest_size=8).digest(), "little")
    return hashes


def _fold(hashes: Hashes, content: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> None:
    """Mix the bytes of each value into its hash, eight at a time."""
    padded = np.concatenate([content, np.zeros(8, np.uint8)])
    words = np.ndarray(len(content) + 1, "<u8", padded.data, strides=(1,))
    rows = np.flatnonzero(lengths)
    place = 0
    while len(rows):
        left = lengths[rows] - place
        word = words[starts[rows] + place]
        keep = np.minimum(left, 8).astype(np.uint64) * np.uint64(8)
        word &= np.uint64(0xFFFFFFFFFFFFFFFF) >> (np.uint64(64) - keep)
        hashes[rows] = mixed(hashes[rows] ^ word)
        place += 8
        rows = rows[left > 8]


def mixed(values: NDArray[np.uint64]) -> Hashes:
    """Return a hash of each 64-bit word (SplitMix64's finaliser)."""
    words: Hashes = values + np.uint64(0x9E3779B97F4A7C15)
    shifted = words >> np.uint64(30)
    words ^= shifted
    words *= np.uint64(0xBF58476D1CE4E5B9)
    words ^= np.right_shift(words, np.uint64(27), out=shifted)
    words *= np.uint64(0x94D049BB133111EB)
    words ^= np.right_shift(words, np.uint64(31), out=shifted)
    return words


def _leading_zeros(values: Hashes) -> NDArray[np.uint8]:
    """Return one more than the leading zeros of each value, at most one more than the bits that are left."""
    high = (values >> np.uint64(_REGISTER_BITS)).astype(np.float64)  # 52 bits: exact
    bits = np.frexp(high)[1]
    result: NDArray[np.uint8] = (64 - _REGISTER_BITS - bits + 1).astype(np.uint8)
    return result


def packed(content: bytes) -> str:
    """Return bytes as JSON holds them: compressed, in base64."""
    return base64.b64encode(zlib.compress(content, 6)).decode()


def unpacked(text: str) -> bytes:
    """Return what ``packed`` was given."""
    return zlib.decompress(base64.b64decode(text))
