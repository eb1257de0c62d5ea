"""Random words: one of 64 bits for each row and feature, the same however the rows are cut into blocks."""

from __future__ import annotations

from typing import cast

import numpy as np

from generation.generators.tabular.fitted.features import Words
from generation.sdk import Streams

_CELL = 20_000  # rows whose words one stream gives: those of a block
_ABREAST = 4  # words that come of one step of the stream


def words(streams: Streams, name: str, units: range) -> Words:
    """Return one word for each row of ``units``: the upper half chooses a code, the lower one a place in its bin."""
    cells = range(units.start // _CELL, -(-units.stop // _CELL))
    drawn = [_of_cell(streams, name, cell, units) for cell in cells]
    return drawn[0] if len(drawn) == 1 else np.concatenate([*drawn, np.empty(0, np.uint64)])


def _of_cell(streams: Streams, name: str, cell: int, units: range) -> Words:
    """Return the words of those rows of ``units`` that are in the cell, leaving out what comes before them."""
    first, last = max(units.start - cell * _CELL, 0), min(units.stop - cell * _CELL, _CELL)
    bits = cast(np.random.Philox, streams.rng(name, cell).bit_generator)
    bits.advance(first // _ABREAST)
    drawn: Words = bits.random_raw(last - first // _ABREAST * _ABREAST)
    return drawn[first % _ABREAST :]


def lower_halves(drawn: Words) -> np.ndarray:
    """Return numbers from 0 to 1 made of the lower halves of words."""
    return (drawn & np.uint64(0xFFFFFFFF)).astype(np.float64) / 2.0**32
