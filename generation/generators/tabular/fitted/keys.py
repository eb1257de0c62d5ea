"""Keys made anew: unique over all blocks without coordination, in the source's style, never one of the source's own.

A made key is one digit longer than the keys it imitates (or has so many free characters that a chance meeting is as
good as impossible), so it can be told from them and is none of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from generation.generators.tabular.fitted.arrow import ArrowArray, ArrowType, pc
from generation.generators.tabular.fitted.privacy import Ints, K
from generation.sdk import Streams

_DIGITS = "0123456789"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_ALPHABETS = (
    _DIGITS,
    _DIGITS + "abcdef",
    _DIGITS + "ABCDEF",
    _LOWER,
    _LOWER.upper(),
    _DIGITS + _LOWER,
    _DIGITS + _LOWER.upper(),
)
_MOST = 10**10  # a permutation's tables grow with the root of its size
_LONG = 12


class KeyStyle(BaseModel):
    """How made keys are written.

    Texts: one string a place, the characters that may stand there (a single one is a literal). Whole numbers: no
    places, ``size`` keys from ``first`` on. ``size`` is at least the number of units.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    places: tuple[str, ...] = ()
    first: int = 0
    size: int


def learn_style(array: ArrowArray, units: int) -> KeyStyle:
    """Learn how the keys in ``array`` are written, from what ``K`` different ones share, for ``units`` new ones."""
    array = pc.unique(array).drop_null()
    if pa.types.is_string(array.type):
        return _sized(_places(array), units)
    numbers = array.cast(pa.int64()).cast(pa.string())
    counts = np.bincount(pc.utf8_length(pc.utf8_ltrim(numbers, "-")).to_numpy(zero_copy_only=False), minlength=2)
    first = 10 ** int(np.flatnonzero(counts >= K).max(initial=1))
    top = largest_key(array.type)
    if first + units > top:
        first = 1
    return KeyStyle(first=first, size=max(units, min(9 * first, top - first, _MOST)))


def largest_key(type_: ArrowType) -> int:
    """Return the largest whole number that a key of an Arrow type can be."""
    return min(int(np.iinfo(type_.to_pandas_dtype()).max), 2**63 - 1)


def _places(array: ArrowArray) -> list[str]:
    """Find the commonest shape of the keys and what stands in its places; "K" and a number if none is common."""
    shapes = pc.replace_substring_regex(array, "[0-9A-Za-z]", "x")
    counted = pc.value_counts(shapes)
    pairs = zip(counted.field("counts").to_pylist(), counted.field("values").to_pylist(), strict=True)
    count, shape = max(pairs, default=(0, ""))
    if count < max(K, len(array) // 2):
        return ["K"]
    alike = array.filter(pc.equal(shapes, shape))
    return [_alphabet(pc.unique(pc.utf8_slice_codeunits(alike, i, i + 1)).to_pylist()) for i in range(len(shape))]


def _alphabet(seen: Sequence[str]) -> str:
    """Widen the characters seen in one place to a whole alphabet, so that none tells of the key it came from."""
    if len(seen) == 1:
        return seen[0]
    return next((one for one in _ALPHABETS if set(seen) <= set(one)), _DIGITS + _LOWER + _LOWER.upper())


def _sized(places: list[str], units: int) -> KeyStyle:
    """Add digits behind the last free place: one to differ from the source's keys, more until ``units`` keys fit."""
    free = [i for i, one in enumerate(places) if len(one) > 1]
    end = free[-1] + 1 if free else len(places)
    if len(free) < _LONG:
        places.insert(end, _DIGITS)
    while (size := _capacity(places)) < 10 * units:
        places.insert(end, _DIGITS)
    return KeyStyle(places=tuple(places), size=min(size, max(_MOST, units)))


def _capacity(places: Sequence[str]) -> int:
    size = 1
    for one in places:
        size *= len(one)
    return size


def make_keys(style: KeyStyle, name: str, type_: ArrowType, streams: Streams, units: range) -> ArrowArray:
    """Return the keys of ``units``: numbers drawn without repetition by a keyed permutation, written in the style."""
    numbers = streams.permute(f"key {name}", units, style.size)
    if not style.places:
        return pa.array(numbers + style.first).cast(type_)
    return _written(style, numbers, streams.rng(f"key {name}", units.start))


def _written(style: KeyStyle, numbers: Ints, rng: np.random.Generator) -> ArrowArray:
    """Write numbers in mixed radix over the free places, the last first; places left over are filled at random."""
    rest, size = numbers, style.size
    columns: list[np.ndarray] = []
    for one in reversed(style.places):
        characters = [character.encode() for character in one]
        if len(characters) == 1:
            literal = np.frombuffer(characters[0], np.uint8)
            columns.append(np.broadcast_to(literal, (len(numbers), len(literal))))
            continue
        alphabet = np.frombuffer(one.encode(), np.uint8)
        digits = rest % len(one) if size > 1 else rng.integers(0, len(one), len(numbers))
        rest, size = rest // len(one), -(-size // len(one))
        columns.append(alphabet[digits][:, None])
    text = np.concatenate(columns[::-1], axis=1)
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * text.shape[1]
    return pa.Array.from_buffers(
        pa.string(),
        len(numbers),
        [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(np.ascontiguousarray(text).tobytes())],
    )
