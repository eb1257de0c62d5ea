"""Defects of metal. Each edits the part's maps within a window and returns where it is; severity is 0 to 1.

Severity drives both size and depth, with randomness of its own, so that neither tells it alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.generators.image.surface.noise import Map, cloud, window
from generation.generators.image.surface.part import Part

if TYPE_CHECKING:

    def compiled(function: Callable[..., Any]) -> Callable[..., Any]: ...
else:
    from numba import njit

    compiled = njit(cache=True)

Mask = NDArray[np.bool_]

_FAR = 1e3
_KNOTS = 40


@dataclass(frozen=True)
class Spot:
    """A window of the maps and the coordinates in it, relative to the middle of a defect, in pixels."""

    rows: slice
    columns: slice
    dx: Map
    dy: Map

    @property
    def at(self) -> tuple[slice, slice]:
        """The window as an index."""
        return self.rows, self.columns


def scratch(rng: np.random.Generator, part: Part, severity: float) -> Mask:
    """A groove with a burr along its sides; it has a brushing direction of its own."""
    width = (0.6 + 1.1 * severity * rng.uniform(0.6, 1.2)) * part.scale
    length = (34 + 165 * severity * rng.uniform(0.4, 1.0)) * part.scale
    angle = float(rng.uniform(0, math.pi))
    distance, position, at = _stroke(rng, part, length, width, angle)
    depth = _wander(rng, position)
    groove = np.exp(-((distance / width) ** 2)) * depth
    side = np.where(distance > 0, rng.uniform(0.5, 1.0), rng.uniform(0.1, 0.6))
    rough = 1 + 0.5 * window(rng, cloud(0.5), *distance.shape)
    burr = np.exp(-(((np.abs(distance) - 1.9 * width) / (0.75 * width)) ** 2)) * depth * side * rough.clip(0)
    part.height[at] += (0.4 + 0.85 * severity) * width * (0.6 * burr - groove)
    bare = (groove * (0.35 + 0.5 * severity)).clip(0, 1)[..., None]
    part.albedo[at] += part.albedo[at] * 0.25 * bare
    cut = groove > 0.35
    part.along_x[at][cut], part.along_y[at][cut] = math.cos(angle), math.sin(angle)
    part.openness[at] *= 1 - 0.25 * severity * groove.clip(0, 1)
    return _placed(part, at, (groove > 0.22) | (burr > 0.45))


def dent(rng: np.random.Generator, part: Part, severity: float) -> Mask:
    """A shallow bowl with a raised rim; the surface itself is whole."""
    radius = (10 + 31 * severity * rng.uniform(0.6, 1.1)) * part.scale
    spot = _spot(rng, part, 2.4 * radius)
    inside = _blob(rng, spot, radius, irregular=0.05, flat=rng.uniform(0.6, 1.0))
    depth = radius * (0.07 + 0.17 * severity)
    bowl = np.where(inside < 1, (1 - inside * inside) ** 2, 0).astype(np.float32) * np.float32(1.25 * depth)
    smooth = np.asarray(cv2.GaussianBlur(bowl, (0, 0), 0.06 * radius + 0.3), np.float32)
    rim = 0.1 * depth * np.exp(-(((inside - 1.12) / 0.2) ** 2))
    part.height[spot.at] += rim - smooth
    part.openness[spot.at] *= 1 - (0.12 + 0.25 * severity) * (1 - inside).clip(0, 1)
    return _placed(part, spot.at, inside < 0.95)


def stain(rng: np.random.Generator, part: Part, severity: float) -> Mask:
    """Rust, a dried drop or oil: colour and gloss change, height hardly."""
    radius = (12 + 31 * severity * rng.uniform(0.6, 1.1)) * part.scale
    spot = _spot(rng, part, 2.2 * radius)
    inside = _blob(rng, spot, radius, irregular=0.12, rough=0.13, flat=rng.uniform(0.55, 1.0))
    cover = _soft((inside - 1) * 9)
    ring = np.exp(-(((inside - 0.97) / 0.06) ** 2))
    patches = window(rng, cloud(1.6), *inside.shape)
    amount = cover * (0.3 + 0.5 * severity + 0.22 * patches).clip(0.05, 0.95)
    kind = rng.choice(3, p=[0.5, 0.25, 0.25])
    albedo = part.albedo[spot.at]
    if kind == 0:
        rust = np.array([0.21, 0.125, 0.075], np.float32) * np.float32(rng.uniform(0.8, 1.4))
        rust = rust * (1 + 0.25 * patches)[..., None]
        albedo += (rust.clip(0.02, 1) - albedo) * (amount * (0.5 + 0.4 * severity))[..., None]
        part.specular[spot.at] *= 1 - 0.75 * amount
        part.height[spot.at] += 0.25 * amount * patches
    elif kind == 1:
        albedo *= (1 - 0.14 * cover * severity - (0.12 + 0.22 * severity) * ring * (1 + 0.4 * patches))[..., None]
        part.roughness[spot.at] *= 1 + 0.8 * cover
    else:
        film = (amount * (0.5 + 0.3 * severity) + 0.2 * severity * ring).clip(0, 0.85)[..., None]
        albedo *= 1 - film * np.array([0.75, 0.85, 1.0], np.float32)
        part.specular[spot.at] *= 1 - 0.4 * amount
    return _placed(part, spot.at, inside < 1)


def hole(rng: np.random.Generator, part: Part, severity: float) -> Mask:
    """A punched hole: a dark inside with a lit wall, and a burr around it."""
    radius = (4 + 11 * severity * rng.uniform(0.6, 1.1)) * part.scale
    spot = _spot(rng, part, 2.5 * radius + 4)
    inside = _blob(rng, spot, radius, irregular=0.015, flat=rng.uniform(0.93, 1.0))
    opening = _soft((inside - 1) * radius / 0.45)
    around = np.arctan2(spot.dy, spot.dx)
    burr = np.exp(-(((inside - 1.1) / (0.5 * part.scale / radius + 0.06)) ** 2))
    burr = burr * (1 + 0.5 * np.cos(2 * around + rng.uniform(0, 6.28)))
    part.height[spot.at] += part.scale * ((0.3 + 1.1 * severity) * burr - 2.5 * opening)
    wall = ((spot.dx * rng.choice([-1.0, 1.0]) + spot.dy) / (1.4 * radius)).clip(0, 1) * _soft((0.55 - inside) * 8)
    part.albedo[spot.at] *= (1 - opening * (0.97 - 0.25 * wall))[..., None]
    part.openness[spot.at] *= 1 - 0.9 * opening
    part.specular[spot.at] *= 1 - 0.95 * opening
    return _placed(part, spot.at, inside < 1.02)


#: The classes in the order of their index in masks, from 1.
DEFECTS: dict[str, Callable[[np.random.Generator, Part, float], Mask]] = {
    "scratch": scratch,
    "dent": dent,
    "stain": stain,
    "hole": hole,
}


def _spot(rng: np.random.Generator, part: Part, reach: float) -> Spot:
    """A window of ``reach`` pixels around a random place that lies well within the picture."""
    x, y = rng.uniform(0.12, 0.88, 2) * part.size
    top, left = max(int(y - reach), 0), max(int(x - reach), 0)
    bottom, right = min(int(y + reach) + 1, part.size), min(int(x + reach) + 1, part.size)
    rows, columns = np.mgrid[top:bottom, left:right].astype(np.float32)
    return Spot(slice(top, bottom), slice(left, right), columns - np.float32(x), rows - np.float32(y))


def _blob(
    rng: np.random.Generator, spot: Spot, radius: float, *, irregular: float, flat: float, rough: float = 0.0
) -> Map:
    """A field that is below 1 inside an irregular round shape: few low harmonics, so never a star."""
    turn = rng.uniform(0, math.pi)
    u = spot.dx * np.float32(math.cos(turn)) + spot.dy * np.float32(math.sin(turn))
    v = (spot.dy * np.float32(math.cos(turn)) - spot.dx * np.float32(math.sin(turn))) / np.float32(flat)
    around = np.arctan2(spot.dy, spot.dx)
    uneven = np.zeros_like(around)
    for harmonic in (2, 3, 4, 5):
        swing = np.float32(irregular * rng.normal() / harmonic)
        uneven += swing * np.cos(harmonic * around + np.float32(rng.uniform(0, 6.28)))
    field = np.sqrt(u * u + v * v) / np.float32(radius) * (1 + uneven)
    if rough:
        field = field + np.float32(rough) * window(rng, cloud(2.9), *field.shape)
    return np.asarray(field, np.float32)


def _stroke(
    rng: np.random.Generator, part: Part, length: float, width: float, angle: float
) -> tuple[Map, Map, tuple[slice, slice]]:
    """Signed distance to a slightly bent line, position along it (0 to 1), and the window of both."""
    x, y = rng.uniform(0.12, 0.88, 2) * part.size
    along = np.linspace(-0.5, 0.5, _KNOTS)
    off = rng.normal(0, 0.15) * length * (4 * along * along - 0.3) + np.cumsum(rng.normal(0, 0.1, _KNOTS)) * part.scale
    xs = x + length * along * math.cos(angle) - off * math.sin(angle)
    ys = y + length * along * math.sin(angle) + off * math.cos(angle)
    reach = 4 * width + 2
    top, left = max(int(ys.min() - reach), 0), max(int(xs.min() - reach), 0)
    bottom, right = min(int(ys.max() + reach) + 1, part.size), min(int(xs.max() + reach) + 1, part.size)
    shape = (max(bottom - top, 1), max(right - left, 1))
    top, left = min(top, part.size - shape[0]), min(left, part.size - shape[1])
    distance, position = np.full(shape, _FAR, np.float32), np.zeros(shape, np.float32)
    _distance_to_line(xs - left, ys - top, reach, distance, position)
    return distance, position, (slice(top, top + shape[0]), slice(left, left + shape[1]))


def _wander(rng: np.random.Generator, position: Map) -> Map:
    """How deep a groove is along its way: it starts, varies, skips, and ends."""
    steps = 48
    walk = 0.75 + 0.3 * np.convolve(rng.standard_normal(steps + 4), np.ones(5) / 2.2, "valid")
    number = np.arange(steps)
    ends = np.minimum(number / (4 + 20 * rng.random()), (steps - 1 - number) / 6).clip(0, 1) ** 0.7
    return np.interp(position, number / (steps - 1), walk.clip(0.05, 1.3) * ends).astype(np.float32)


def _soft(value: Map) -> Map:
    """1 far inside (negative), 0 far outside."""
    return np.asarray(1 / (1 + np.exp(value.clip(-30, 30))), np.float32)


def _placed(part: Part, at: tuple[slice, slice], mask: Mask) -> Mask:
    whole = np.zeros((part.size, part.size), np.bool_)
    whole[at] = mask
    return whole


@compiled
def _distance_to_line(
    xs: NDArray[np.float64], ys: NDArray[np.float64], reach: float, distance: Map, position: Map
) -> None:
    rows, columns = distance.shape
    segments = len(xs) - 1
    for i in range(segments):
        ex, ey = xs[i + 1] - xs[i], ys[i + 1] - ys[i]
        squared = ex * ex + ey * ey + 1e-9
        first_row, last_row = (
            max(int(min(ys[i], ys[i + 1]) - reach), 0),
            min(int(max(ys[i], ys[i + 1]) + reach) + 1, rows),
        )
        first, last = max(int(min(xs[i], xs[i + 1]) - reach), 0), min(int(max(xs[i], xs[i + 1]) + reach) + 1, columns)
        for y in range(first_row, last_row):
            for x in range(first, last):
                share = min(max(((x - xs[i]) * ex + (y - ys[i]) * ey) / squared, 0.0), 1.0)
                qx, qy = x - xs[i] - share * ex, y - ys[i] - share * ey
                found = math.sqrt(qx * qx + qy * qy)
                if found < abs(distance[y, x]):
                    distance[y, x] = found if ex * qy - ey * qx > 0 else -found
                    position[y, x] = (i + share) / segments
