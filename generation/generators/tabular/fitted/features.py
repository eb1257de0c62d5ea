"""What the trees see of a column: one or two features, each row of which has one code.

Code 0 is "missing" where values may be missing. The other codes are bins of numbers in their order, or levels: common
ones by name, and then pools of rare ones, whose names are made up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from generation.generators.tabular.fitted.arrow import ArrowArray
from generation.generators.tabular.fitted.privacy import Bools, Floats, Ints

Codes: TypeAlias = NDArray[np.int32]
Words: TypeAlias = NDArray[np.uint64]
Bytes: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True)
class Bins:
    """``n`` bins of whole units in their order; ``low`` and ``high`` are halves.

    A bin holds the whole numbers between its ends; a single value v runs from v - ½ to v + ½. ``roundness`` (n × 9)
    says how round the values within are: cumulated 256ths of the multiples of ``rounding.STEPS``.
    """

    low: Floats
    high: Floats
    roundness: Bytes

    def __len__(self) -> int:
        return len(self.low)


@dataclass(frozen=True)
class Levels:
    """``common`` levels by name, then ``pools`` pools of made-up ones.

    ``names`` are the common ones and the made-up ones pool by pool. Of the made-up ones, ``ends`` holds the number of
    the pool plus the share of it that the level and those before it have.
    """

    names: ArrowArray
    common: int
    pools: int
    ends: Floats

    def __len__(self) -> int:
        return self.common + self.pools


@dataclass(frozen=True)
class Feature:
    """Where a code leads: ``nullable`` features have "missing" as code 0, their values from 1 on."""

    values: Bins | Levels
    nullable: bool = False

    @property
    def size(self) -> int:
        """How many codes there are."""
        return len(self.values) + self.nullable

    @property
    def ordered(self) -> bool:
        """Whether the order of the codes says something."""
        return isinstance(self.values, Bins)


@dataclass(frozen=True)
class Coded:
    """A feature of the source's rows: ``stream`` names its randomness, ``codes`` has one a row.

    Where a row has no value that may be used, ``known`` is false and the code is a stand-in.
    """

    stream: str
    feature: Feature
    codes: Codes
    known: Bools

    def shares(self) -> Floats:
        """Return the share of each code among the rows."""
        counts = np.bincount(self.codes, minlength=self.feature.size)
        return counts / max(len(self.codes), 1)

    def with_codes(self, codes: Ints | Codes, feature: Feature) -> Coded:
        """Return the same rows coded otherwise."""
        return replace(self, feature=feature, codes=codes.astype(np.int32))
