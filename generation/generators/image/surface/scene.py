"""A part with its defects, photographed: the picture, the mask of classes, and what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.generators.image.surface.defects import DEFECTS, Mask
from generation.generators.image.surface.light import Lighting, photograph
from generation.generators.image.surface.part import FIELD_MM, brushed_metal

cv2.setNumThreads(1)

_LEAST_AREA = 6  # pixels at 256; what is smaller cannot be seen and is not labelled


@dataclass(frozen=True)
class Wanted:
    """A defect to be made: its class and its severity from 0 to 1."""

    category: str
    severity: float


@dataclass(frozen=True)
class Found:
    """A defect as it is in the picture. ``box`` is x, y, width, height and ``area`` a count, both in pixels, taken
    from the defect's own pixels; ``runs`` are those in COCO's uncompressed run lengths, column by column."""

    category: str
    severity: float
    box: tuple[int, int, int, int]
    area: int
    runs: list[int]

    def place_mm(self, size: int) -> tuple[float, float]:
        """The middle of the box in millimetres from the left and the upper edge of the picture."""
        x, y, width, height = self.box
        pixel = FIELD_MM / size
        return (x + width / 2) * pixel, (y + height / 2) * pixel

    def extent_mm(self, size: int) -> float:
        """The longer side of the box in millimetres."""
        return max(self.box[2], self.box[3]) * FIELD_MM / size


@dataclass(frozen=True)
class Scene:
    """A picture (size × size × 3, RGB), its mask (class index from 1, 0 for none) and the defects in it."""

    picture: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    found: list[Found]
    alloy: str


def scene(rng: np.random.Generator, size: int, wanted: Sequence[Wanted], lighting: Lighting) -> Scene:
    """Make a part, its defects one over the other, and photograph it. A pixel belongs to the defect on top."""
    part = brushed_metal(rng, size)
    owner = np.zeros((size, size), np.int16)
    for number, defect in enumerate(wanted, start=1):
        owner[DEFECTS[defect.category](rng, part, defect.severity)] = number
    index = list(DEFECTS)
    mask = np.zeros((size, size), np.uint8)
    found = []
    for number, defect in enumerate(wanted, start=1):
        pixels = owner == number
        if np.count_nonzero(pixels) < _LEAST_AREA * part.scale**2:
            continue
        mask[pixels] = index.index(defect.category) + 1
        found.append(_found(defect, pixels))
    return Scene(photograph(part, lighting, rng), mask, found, part.alloy)


def run_lengths(pixels: Mask) -> list[int]:
    """COCO's uncompressed run lengths of a mask: column by column, beginning with the run of pixels outside."""
    flat = pixels.T.ravel()
    changes = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    return [0, *counts] if flat[0] else counts


def jpeg(picture: NDArray[np.uint8], quality: int = 90) -> bytes:
    """Encode an RGB picture."""
    _, encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()


def png(mask: NDArray[np.uint8]) -> bytes:
    """Encode a mask without loss."""
    _, encoded = cv2.imencode(".png", mask, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return encoded.tobytes()


def _found(defect: Wanted, pixels: Mask) -> Found:
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    box = (
        int(columns[0]),
        int(rows[0]),
        int(columns[-1] - columns[0] + 1),
        int(rows[-1] - rows[0] + 1),
    )
    return Found(defect.category, defect.severity, box, int(np.count_nonzero(pixels)), run_lengths(pixels))
