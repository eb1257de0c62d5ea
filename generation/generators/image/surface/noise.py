"""Noise from periodic tiles that are part of the engine: the same in every process, cut anew for every picture."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]

TILE = 1024  # pixels a side; every tile has mean 0 and deviation 1
_SEED = 0x5EED_0F_B0A7


@lru_cache(maxsize=16)
def white() -> Map:
    """Independent values."""
    return _normalised(_rng(0).standard_normal((TILE, TILE)))


@lru_cache(maxsize=16)
def cloud(slope: float) -> Map:
    """Noise whose power falls with frequency to the power ``-slope``: 0.5 is fine grain, 2.5 soft clouds."""
    rows, columns = np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None]
    gain = (np.hypot(rows, columns) + 1.5 / TILE) ** (-slope / 2)
    return _filtered(_rng(1 + int(slope * 10)), gain)


@lru_cache(maxsize=16)
def streaks(length: float) -> Map:
    """Brush strokes along x of about ``length`` pixels, with some that run four times as far."""
    rows, columns = np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None]
    along = np.exp(-8 * (columns * length) ** 2) + 0.15 * np.exp(-8 * (columns * length / 4) ** 2)
    across = np.exp(-((rows * 0.9) ** 2) * 2) + 2.2 * np.exp(-((rows * 11) ** 2))
    return _filtered(_rng(100 + int(length)), along * across)


def window(rng: np.random.Generator, tile: Map, height: int, width: int) -> Map:
    """A random window of a tile, mirrored at random; at most ``TILE`` a side."""
    top, left = rng.integers(0, TILE, 2)
    mirror_rows, mirror_columns = rng.integers(0, 2, 2)
    rows = (top + np.arange(height)) % TILE
    columns = (left + np.arange(width)) % TILE
    cut = tile[np.ix_(rows[:: -1 if mirror_rows else 1], columns[:: -1 if mirror_columns else 1])]
    return np.ascontiguousarray(cut)


def _rng(number: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=_SEED + number))


def _filtered(rng: np.random.Generator, gain: NDArray[np.float64]) -> Map:
    gain = gain.copy()
    gain[0, 0] = 0
    return _normalised(np.fft.irfft2(np.fft.rfft2(rng.standard_normal((TILE, TILE))) * gain, (TILE, TILE)))


def _normalised(values: NDArray[np.float64]) -> Map:
    return np.ascontiguousarray((values - values.mean()) / values.std(), dtype=np.float32)
