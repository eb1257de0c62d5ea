"""Keys made anew: unique over all blocks without coordination, in the source's style, never one of the source's own.

A made text goes past the longest key of the source that is written like it (or has so many free characters that a
chance meeting is as good as impossible), a made number past the largest by a power of ten, so each can be told from the
keys that it imitates and is none of them. How far that is tells a number of digits and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from generation.generators.tabular.fitted.arrow import ArrowArray, ArrowType, pc
from generation.generators.tabular.fitted.persons import are_emails
from generation.generators.tabular.fitted.privacy import Ints, K
from generation.sdk import Problem, Streams

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
_MARGIN = 10**9  # how many times more texts there are than pairs of a key and a made one, so that none meet


class KeyStyle(BaseModel):
    """How made keys are written.

    Texts: one string a place, the characters that may stand there (a single one is a literal). Whole numbers: no
    places, ``size`` keys from ``first`` on. ``size`` is at least the number of units.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    places: tuple[str, ...] = ()
    first: int = 0
    size: int


def learn_styles(rows: pa.Table, batches: Iterable[pa.RecordBatch], units: int) -> dict[str, KeyStyle]:
    """Learn how the keys in the columns of ``rows`` are written, from what ``K`` different ones share.

    ``units`` new ones are none of those in ``batches``, which may have more rows. Raises ``ValueError`` where a type
    has no room for so many.
    """
    texts = [name for name in rows.column_names if pa.types.is_string(rows.schema.field(name).type)]
    shapes = {name: _shape(pc.unique(rows.column(name)).drop_null()) for name in texts}
    reaches = _reaches(batches, rows.schema, {name: shape.pattern for name, shape in shapes.items()})
    styles = {}
    for field in rows.schema:
        reach = reaches[field.name]
        if field.name in shapes:
            styles[field.name] = _sized(shapes[field.name], reach, units)
            continue
        free = _free(reach, field.type)
        if len(free) < units:
            raise ValueError(f"{field.type} has room for {len(free):,} new keys, not for {units:,}")
        styles[field.name] = KeyStyle(first=free.start, size=max(units, min(9 * free.start, len(free), _MOST)))
    return styles


def key_problems(schema: pa.Schema, batches: Iterable[pa.RecordBatch], units: int) -> Iterator[Problem]:
    """Yield the columns of whole numbers, of those in ``schema``, whose type has no room for ``units`` new keys."""
    whole = pa.schema([field for field in schema if pa.types.is_integer(field.type)])
    for name, reach in _reaches(batches, whole, {}).items():
        type_ = whole.field(name).type
        if (room := len(_free(reach, type_))) < units:
            message = f"Column “{name}” ({type_}) has room for {room:,} keys that the source does not have."
            fewer = f", or ask for at most {room:,} rows" if room else ""
            yield Problem("columns", message, f"Upload the column as text, or leave it out{fewer}.")


def largest_key(type_: ArrowType) -> int:
    """Return the largest whole number that a key of an Arrow type can be."""
    return min(int(np.iinfo(type_.to_pandas_dtype()).max), 2**63 - 1)


@dataclass(frozen=True)
class _Shape:
    """What stands in the places of keys, and behind how many of these digits are put in."""

    places: list[str]
    end: int

    @property
    def pattern(self) -> str:
        """The regular expression of every key that is written so, whatever digits are put in."""
        written = [f"[{one}]" if len(one) > 1 else re.escape(one) for one in self.places]
        return "".join((r"\A", *written[: self.end], "[0-9]*", *written[self.end :], r"\z"))


@dataclass
class _Reach:
    """How many keys there are, and the least and the most of them: numbers from 0 on, or lengths of texts."""

    keys: int = 0
    least: int = 0
    most: int = 0


def _reaches(batches: Iterable[pa.RecordBatch], schema: pa.Schema, patterns: Mapping[str, str]) -> dict[str, _Reach]:
    """How far the columns of ``schema`` reach; those of texts as far as they match their pattern."""
    reaches = {name: _Reach() for name in schema.names}
    for batch in batches if reaches else ():
        for name, reach in reaches.items():
            array = batch.column(name)
            if name in patterns:
                numbers = pc.utf8_length(array.filter(pc.match_substring_regex(array, patterns[name])))
            else:
                numbers = array.filter(pc.greater_equal(array, 0))  # none that is made is less
            ends = pc.min_max(numbers).as_py()
            if ends["min"] is not None:
                reach.least = min(reach.least, ends["min"]) if reach.keys else ends["min"]
                reach.most = max(reach.most, ends["max"])
            reach.keys += len(numbers)
    return reaches


def _free(reach: _Reach, type_: ArrowType) -> range:
    """The whole numbers that are no keys: of more digits than the largest one, or, if these are more, of fewer.

    A tenth is left between, since there are rows that nothing may be learned from.
    """
    above = range(10 ** len(str(reach.most + reach.most // 10)), largest_key(type_) + 1)
    digits = len(str(reach.least - reach.least // 10))
    below = range(10 ** max(digits - 2, 0), 10 ** (digits - 1))
    return max(above, below, key=len)


def _shape(keys: ArrowArray) -> _Shape:
    """Find the commonest shape of the keys and what stands in its places; "K" and a number if none is common.

    E-mail addresses are at a domain that belongs to nobody. Digits are put in behind the last place that is free.
    """
    if are_emails(keys):
        return _Shape([*"person", _DIGITS, *"@example.org"], 7)
    shapes = pc.replace_substring_regex(keys, "[0-9A-Za-z]", "x")
    counted = pc.value_counts(shapes)
    pairs = zip(counted.field("counts").to_pylist(), counted.field("values").to_pylist(), strict=True)
    count, shape = max(pairs, default=(0, ""))
    if count < max(K, len(keys) // 2):
        return _Shape(["K"], 1)
    alike = keys.filter(pc.equal(shapes, shape))
    places = [_alphabet(pc.unique(pc.utf8_slice_codeunits(alike, i, i + 1)).to_pylist()) for i in range(len(shape))]
    return _Shape(places, max((i for i, one in enumerate(places, 1) if len(one) > 1), default=len(places)))


def _alphabet(seen: Sequence[str]) -> str:
    """Widen the characters seen in one place to a whole alphabet, so that none tells of the key it came from."""
    if len(seen) == 1:
        return seen[0]
    return next((one for one in _ALPHABETS if set(seen) <= set(one)), _DIGITS + _LOWER + _LOWER.upper())


def _sized(shape: _Shape, reach: _Reach, units: int) -> KeyStyle:
    """Put digits in until a text is longer than every key that is written like it, and ``units`` of them fit.

    One more is for keys in rows that nothing may be learned from.
    """
    places, end = list(shape.places), shape.end
    if _capacity(places) < _MARGIN * units * max(reach.keys, 1):
        places[end:end] = [_DIGITS] * (max(reach.most - len(places), 0) + 2)
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
