"""A part's surface as maps, and brushed metal as one kind of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from generation.generators.image.surface.noise import Map, cloud, streaks, window

#: Reflectance of clean metal by red, green and blue.
ALLOYS: dict[str, tuple[float, float, float]] = {
    "steel": (0.56, 0.57, 0.585),
    "aluminium": (0.74, 0.75, 0.765),
    "brass": (0.73, 0.61, 0.37),
}

#: Side of what a picture shows, in millimetres, whatever its size in pixels.
FIELD_MM = 64.0


@dataclass
class Part:
    """The maps of one part, ``size`` × ``size`` each; heights are in pixels, all others are factors.

    ``scale`` is the size relative to 256 pixels, ``along_x`` and ``along_y`` the brushing direction, ``lobe`` how wide
    the highlight is along and across it.
    """

    size: int
    scale: float
    alloy: str
    angle: float
    height: Map
    albedo: Map
    specular: Map
    roughness: Map
    openness: Map
    along_x: Map
    along_y: Map
    lobe: tuple[float, float]


def brushed_metal(rng: np.random.Generator, size: int) -> Part:
    """A sheet of brushed metal: an alloy, a brushing direction, slight waviness, smudges."""
    scale = size / 256
    alloy = str(rng.choice(list(ALLOYS), p=[0.5, 0.37, 0.13]))
    angle = float(rng.uniform(-0.2, 0.2) + (math.pi / 2 if rng.random() < 0.35 else 0.0))
    brushing = _turned(rng, streaks(120.0 if rng.random() < 0.5 else 260.0), size, angle)
    slow = _slow(rng, size, 6)
    height = np.float32(rng.uniform(0.03, 0.07)) * brushing
    height += np.float32(1.2 * scale * rng.uniform(0.2, 1.0)) * _slow(rng, size, 4)
    tone = 1 + np.float32(rng.uniform(0.04, 0.075)) * brushing + np.float32(0.03) * slow
    colour = np.array(ALLOYS[alloy], np.float32) * np.float32(rng.uniform(0.9, 1.08))
    ones = np.ones((size, size), np.float32)
    return Part(
        size=size,
        scale=scale,
        alloy=alloy,
        angle=angle,
        height=np.ascontiguousarray(height, np.float32),
        albedo=np.ascontiguousarray(tone[..., None] * colour, np.float32),
        specular=ones.copy(),
        roughness=1 + np.float32(0.05) * window(rng, cloud(2.0), size, size),
        openness=ones.copy(),
        along_x=ones * np.float32(math.cos(angle)),
        along_y=ones * np.float32(math.sin(angle)),
        lobe=(float(rng.uniform(0.3, 0.5)), float(rng.uniform(0.1, 0.17))),
    )


def _turned(rng: np.random.Generator, tile: Map, size: int, angle: float) -> Map:
    """A window of a tile turned by ``angle`` (radians)."""
    reach = 2 * size
    cut = window(rng, tile, min(reach, 1024), min(reach, 1024))
    middle = cut.shape[0] / 2
    turn = cv2.getRotationMatrix2D((middle, middle), -math.degrees(angle), 1.0)
    turn[:, 2] -= middle - size / 2
    return np.asarray(
        cv2.warpAffine(cut, turn, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32
    )


def _slow(rng: np.random.Generator, size: int, knots: int) -> Map:
    """Slow variation without fine grain: ``knots`` random values a side, interpolated."""
    values = rng.standard_normal((knots, knots)).astype(np.float32)
    return np.asarray(cv2.resize(values, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)
