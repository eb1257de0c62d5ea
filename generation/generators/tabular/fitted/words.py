"""Random words: one of 64 bits for each row and feature, the same however the rows are cut into blocks."""

from __future__ import annotations

import numpy as np

from generation.generators.tabular.fitted.features import Words
from generation.sdk import Streams

_CELL = 4096  # rows whose words one stream gives


def words(streams: Streams, name: str, units: range) -> Words:
    """Return one word for each row of ``units``: the upper half chooses a code, the lower one a place in its bin."""
    cells = range(units.start // _CELL, -(-units.stop // _CELL))
    drawn = [streams.rng(name, cell).bit_generator.random_raw(_CELL) for cell in cells]
    first = units.start - cells.start * _CELL
    return np.concatenate([*drawn, np.empty(0, np.uint64)])[first : first + len(units)]


def lower_halves(drawn: Words) -> np.ndarray:
    """Return numbers from 0 to 1 made of the lower halves of words."""
    return (drawn & np.uint64(0xFFFFFFFF)).astype(np.float64) / 2.0**32
