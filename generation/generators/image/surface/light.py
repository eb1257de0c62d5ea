"""Light and camera: anisotropic highlights on the surface's maps, then what a sensor makes of them.

The highlight is Ward's anisotropic lobe (G. Ward, "Measuring and Modeling Anisotropic Reflection", SIGGRAPH 1992); the
surroundings are a soft box and a dark floor that the metal mirrors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from generation.generators.image.surface.noise import Map, white, window
from generation.generators.image.surface.part import Part

if TYPE_CHECKING:
    from collections.abc import Callable

    def compiled(function: Callable[..., Any]) -> Callable[..., Any]: ...
else:
    from numba import njit

    compiled = njit(cache=True)

_TONES = 4096


@dataclass(frozen=True)
class Lighting:
    """One lamp and its surroundings: angles in degrees, ``ambient`` as a share of the lamp."""

    elevation: float
    azimuth: float
    ambient: float


def photograph(part: Part, lighting: Lighting, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the picture of a part: size × size × 3, RGB, sRGB encoded."""
    size = part.size
    linear = np.empty((size, size, 3), np.float32)
    _shade(
        part.height,
        part.albedo,
        part.specular,
        part.roughness,
        part.openness,
        part.along_x,
        part.along_y,
        _lamps(lighting, rng),
        np.array(part.lobe, np.float32),
        linear,
    )
    exposure = 0.42 / float(np.exp(np.log(linear[::4, ::4, 1] + 1e-3).mean())) * rng.uniform(0.85, 1.15)
    tint = np.array([rng.uniform(0.96, 1.04), 1.0, rng.uniform(0.96, 1.04)], np.float32)
    grain = window(rng, white(), size, size * 3).reshape(size, size, 3)
    picture = np.empty((size, size, 3), np.uint8)
    _develop(linear, grain, _srgb(), tint * np.float32(exposure), np.float32(rng.uniform(0.05, 0.3)), picture)
    return picture


def _lamps(lighting: Lighting, rng: np.random.Generator) -> Map:
    """Key lamp, fill lamp (position in picture widths, power), ambient, direction of the mirrored soft box."""
    elevation, azimuth = math.radians(lighting.elevation), math.radians(lighting.azimuth)
    flat, up = 2.2 * math.cos(elevation), 2.2 * math.sin(elevation)
    turn = azimuth + rng.uniform(2.0, 4.2)
    key = [flat * math.cos(azimuth), flat * math.sin(azimuth), up, 5.0]
    fill = [1.6 * math.cos(turn), 1.6 * math.sin(turn), 2.0, 1.1]
    box = [math.cos(azimuth), math.sin(azimuth), rng.uniform(-0.25, 0.25)]
    return np.array([*key, *fill, lighting.ambient, *box], np.float32)


def _srgb() -> NDArray[np.uint8]:
    values = np.arange(_TONES) / (_TONES - 1)
    encoded = np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055)
    return (encoded * 255 + 0.5).astype(np.uint8)


@compiled
def _shade(
    height: Map,
    albedo: Map,
    specular: Map,
    roughness: Map,
    openness: Map,
    along_x: Map,
    along_y: Map,
    lamps: Map,
    lobe: Map,
    out: Map,
) -> None:
    size = height.shape[0]
    for y in range(size):
        above, below = max(y - 1, 0), min(y + 1, size - 1)
        for x in range(size):
            left, right = max(x - 1, 0), min(x + 1, size - 1)
            slope_x = (height[y, right] - height[y, left]) / (right - left)
            slope_y = (height[below, x] - height[above, x]) / (below - above)
            inverse = 1.0 / math.sqrt(slope_x * slope_x + slope_y * slope_y + 1.0)
            nx, ny, nz = -slope_x * inverse, -slope_y * inverse, inverse
            px, py = x / size - 0.5, y / size - 0.5
            # The camera stands two and a half picture widths above the middle.
            vx, vy, vz = -px * 0.4, -py * 0.4, 1.0
            inverse = 1.0 / math.sqrt(vx * vx + vy * vy + 1.0)
            vx, vy, vz = vx * inverse, vy * inverse, vz * inverse
            # The brushing direction, laid into the surface, and the direction across it.
            lift = along_x[y, x] * nx + along_y[y, x] * ny
            tx, ty, tz = along_x[y, x] - lift * nx, along_y[y, x] - lift * ny, -lift * nz
            inverse = 1.0 / math.sqrt(tx * tx + ty * ty + tz * tz + 1e-9)
            tx, ty, tz = tx * inverse, ty * inverse, tz * inverse
            bx, by, bz = ny * tz - nz * ty, nz * tx - nx * tz, nx * ty - ny * tx
            wide_along, wide_across = lobe[0] * roughness[y, x], lobe[1] * roughness[y, x]
            diffuse, shine = 0.0, 0.0
            for lamp in range(2):
                lx, ly, lz = lamps[4 * lamp] - px, lamps[4 * lamp + 1] - py, lamps[4 * lamp + 2]
                distance = lx * lx + ly * ly + lz * lz
                inverse = 1.0 / math.sqrt(distance)
                lx, ly, lz = lx * inverse, ly * inverse, lz * inverse
                facing = nx * lx + ny * ly + nz * lz
                if facing <= 0.0:
                    continue
                power = lamps[4 * lamp + 3] * facing / distance
                diffuse += power
                hx, hy, hz = lx + vx, ly + vy, lz + vz
                towards = hx * nx + hy * ny + hz * nz
                along = (hx * tx + hy * ty + hz * tz) / wide_along
                across = (hx * bx + hy * by + hz * bz) / wide_across
                lobe_value = math.exp(-(along * along + across * across) / (towards * towards + 1e-6))
                shine += power * lobe_value * 0.08 / (wide_along * wide_across)
            mirrored = 2.0 * (vx * nx + vy * ny + vz * nz)
            rx, ry = mirrored * nx - vx, mirrored * ny - vy
            towards_box = 1.7 * (rx * lamps[9] + ry * lamps[10])
            beside_box = (ry * lamps[9] - rx * lamps[10] + lamps[11]) / 0.17
            room = 0.6 + 0.36 * towards_box / (1.0 + abs(towards_box)) + 0.45 * math.exp(-beside_box * beside_box)
            lit = (0.12 * diffuse + 0.3 * lamps[8]) * openness[y, x]
            gloss = specular[y, x] * (0.5 * shine + room * lamps[8] * 1.1) * openness[y, x]
            for channel in range(3):
                out[y, x, channel] = albedo[y, x, channel] * (lit + gloss) + 0.01 * gloss


@compiled
def _develop(
    linear: Map, grain: Map, tones: NDArray[np.uint8], gain: Map, vignette: float, out: NDArray[np.uint8]
) -> None:
    size = linear.shape[0]
    last = tones.shape[0] - 1
    for y in range(size):
        for x in range(size):
            from_centre = 2.0 * ((x / size - 0.5) ** 2 + (y / size - 0.5) ** 2)
            fall = 1.0 - vignette * from_centre
            for channel in range(3):
                value = linear[y, x, channel] * gain[channel] * fall
                value += grain[y, x, channel] * math.sqrt(max(value, 0.0) * 0.00022 + 0.000012)
                if value > 0.7:  # highlights roll off instead of clipping
                    value = 0.7 + 0.3 * (1.0 - math.exp(-(value - 0.7) / 0.3))
                out[y, x, channel] = tones[int(min(max(value, 0.0), 1.0) * last + 0.5)]
