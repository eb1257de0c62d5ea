"""Which values there are and how often: exact while they are few, sketched when they become many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generation.quality.arrow import ArrowArray, pc
from generation.quality.sketches import Digest, Distinct, Hashes, hash_numbers, hash_texts

#: So many different values are counted one by one.
MOST_COUNTED = 256
_LONGEST_COUNTED = 256  # bytes of a text

Counts = dict[Any, int]


class Values:
    """Counts of up to 256 different values; beyond, how many differ and, if ``ordered``, their ranks.

    ``counts`` is ``None`` once there were too many; ``digest`` is ``None`` for what is not ordered.
    """

    def __init__(self, *, ordered: bool) -> None:
        self.counts: Counts | None = {}
        self.distinct = Distinct()
        self.digest = Digest() if ordered else None

    def add_numbers(self, array: ArrowArray, numbers: NDArray[Any]) -> None:
        """Take finite numbers without nulls, given both as Arrow and as numpy."""
        if self._count(array) is not None:
            return
        self.distinct.add(hash_numbers(numbers))
        if self.digest is not None:
            self.digest.add(numbers)

    def add_hashed(self, hashes: Hashes, numbers: NDArray[Any]) -> None:
        """Take finite numbers that double precision does not tell apart, and hashes that do."""
        self._spill()
        self.distinct.add(hashes)
        if self.digest is not None:
            self.digest.add(numbers)

    def add_texts(self, array: ArrowArray) -> Counts | None:
        """Take strings without nulls; return how often each is there if all are still counted."""
        if self.counts is not None and pc.max(pc.binary_length(array)).as_py() > _LONGEST_COUNTED:
            self._spill()
        found = self._count(array)
        if found is None:
            self.distinct.add(hash_texts(array))
        return found

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

    def _count(self, array: ArrowArray) -> Counts | None:
        """Count the values of ``array`` and return the counts, if they are still few."""
        if self.counts is None:
            return None
        found = pc.value_counts(array)
        if len(found) <= MOST_COUNTED:
            keys, numbers = found.flatten()
            counts = dict(zip(keys.to_pylist(), numbers.to_pylist(), strict=True))
            if self.add_counted(counts):
                return counts
        self._spill()
        return None

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
