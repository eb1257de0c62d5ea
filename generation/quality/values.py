"""Which values there are and how often: exact while they are few, sketched when they become many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generation.quality.arrow import ArrowArray, pc
from generation.quality.sketches import Digest, Distinct, Hashes, hash_numbers, hash_texts

#: So many different values are counted one by one.
MOST_COUNTED = 256
_LONGEST_COUNTED = 256  # bytes of a text
_SELDOM = 0.5  # the share of different texts beyond which looking for equal ones costs more than it saves

Counts = dict[Any, int]


@dataclass(frozen=True)
class Texts:
    """Strings without nulls: the different ones and the place of each row's among these.

    Where equal texts were not looked for, ``different`` are all of them, and there are no places.
    """

    different: ArrowArray
    places: NDArray[np.int32] | None = None

    @classmethod
    def encoded(cls, array: ArrowArray) -> Texts:
        encoded = array.dictionary_encode()
        return cls(encoded.dictionary, encoded.indices.to_numpy())

    @cached_property
    def hashes(self) -> Hashes:
        """The hashes of the different ones."""
        return hash_texts(self.different)

    @property
    def longest(self) -> int:
        longest: int = pc.max(pc.binary_length(self.different)).as_py()
        return longest

    def counts(self) -> Counts:
        """How often each of the different ones is there."""
        times = np.ones(len(self.different), np.intp) if self.places is None else np.bincount(self.places)
        return dict(zip(self.different.to_pylist(), times.tolist(), strict=True))

    def rows(self, found: NDArray[Any]) -> NDArray[Any]:
        """What was found of the different ones, for each row."""
        return found if self.places is None else found[self.places]


class Values:
    """Counts of up to 256 different values; beyond, how many differ and, if ``ordered``, their ranks.

    ``counts`` is ``None`` once there were too many; ``digest`` is ``None`` for what is not ordered.
    """

    def __init__(self, *, ordered: bool) -> None:
        self.counts: Counts | None = {}
        self.distinct = Distinct()
        self.digest = Digest() if ordered else None
        self._repeating = True

    def add_numbers(self, numbers: NDArray[Any], hashes: Callable[[], Hashes]) -> Counts | None:
        """Take finite numbers, and ``hash_numbers`` of them if need be; return how often each is there if all are still
        counted.
        """
        if self.counts is not None:
            found = pc.value_counts(pa.array(numbers))
            if len(found) <= MOST_COUNTED:
                keys, times = found.flatten()
                counts = dict(zip(keys.to_pylist(), times.to_pylist(), strict=True))
                if self.add_counted(counts):
                    return counts
            self._spill()
        self.distinct.add(hashes())
        if self.digest is not None:
            self.digest.add(numbers)
        return None

    def add_hashed(self, hashes: Hashes, numbers: NDArray[Any]) -> None:
        """Take finite numbers that double precision does not tell apart, and hashes that do."""
        self._spill()
        self.distinct.add(hashes)
        if self.digest is not None:
            self.digest.add(numbers)

    def texts(self, array: ArrowArray) -> Texts:
        """Look at strings without nulls, for equal ones too as long as there are many."""
        if not self._repeating:
            return Texts(array)
        texts = Texts.encoded(array)
        self._repeating = self.counts is not None or len(texts.different) <= _SELDOM * len(array)
        return texts

    def add_texts(self, texts: Texts) -> Counts | None:
        """Take strings; return how often each is there if all are still counted."""
        if self.counts is not None and len(texts.different) <= MOST_COUNTED and texts.longest <= _LONGEST_COUNTED:
            counts = texts.counts()
            if self.add_counted(counts):
                return counts
        self._spill()
        self.distinct.add(texts.hashes)
        return None

    def add_booleans(self, true: int, false: int) -> None:
        """Take so many of each."""
        self.add_counted({key: count for key, count in ((True, true), (False, false)) if count})

    def merge(self, other: Values) -> None:
        """Take what ``other`` has seen, after what this one has."""
        if other.counts is not None and self.add_counted(other.counts):
            return
        self._spill()
        other._spill()
        self.distinct.merge(other.distinct)
        if self.digest is not None and other.digest is not None:
            self.digest.merge(other.digest)

    def as_json(self) -> dict[str, Any]:
        if self.counts is not None:
            ordered = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
            return {"ordered": self.digest is not None, "counts": [list(item) for item in ordered]}
        return {"distinct": self.distinct.as_json(), "digest": self.digest.as_json() if self.digest else None}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Values:
        if "counts" in value:
            values = cls(ordered=value["ordered"])
            values.counts = dict(value["counts"])
            return values
        values = cls(ordered=value["digest"] is not None)
        values.counts = None
        values.distinct = Distinct.from_json(value["distinct"])
        values.digest = Digest.from_json(value["digest"]) if value["digest"] is not None else None
        return values

    def add_counted(self, found: Counts) -> bool:
        """Take values counted already if there is room to count them all here; return whether there was."""
        if self.counts is None or len(self.counts.keys() | found.keys()) > MOST_COUNTED:
            return False
        for key, count in found.items():
            self.counts[key] = self.counts.get(key, 0) + count
        return True

    def _spill(self) -> None:
        """Move what was counted into the sketches."""
        if self.counts is None:
            return
        counts, self.counts = self.counts, None
        if not counts:
            return
        keys = sorted(counts)
        self.distinct.add(_hashes(keys))
        if self.digest is not None:
            self.digest.add_weighted(np.array(keys, np.float64), np.array([counts[key] for key in keys], np.float64))


def _hashes(keys: list[Any]) -> Hashes:
    """Hash single values as ``add_numbers`` and ``add_texts`` hash arrays of them."""
    if isinstance(keys[0], str):
        return hash_texts(pa.array(keys, pa.string()))
    if any(isinstance(key, float) for key in keys):
        return hash_numbers(np.array(keys, np.float64))
    return hash_numbers(np.array([key % (1 << 64) for key in keys], np.uint64))
