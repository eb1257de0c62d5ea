"""What is true of a part: its defects, its measurements, and the verdict that follows from both by a stated rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from generation.generators.image.surface.scene import Found

Verdict = Literal["pass", "rework", "reject"]

#: What is measured of every part: quantity, unit, nominal value, tolerance to either side, decimals of the gauge.
QUANTITIES: tuple[tuple[str, str, float, float, int], ...] = (
    ("length", "mm", 64.0, 0.15, 2),
    ("width", "mm", 64.0, 0.15, 2),
    ("thickness", "mm", 2.0, 0.05, 3),
    ("flatness", "mm", 0.0, 0.10, 3),
    ("roughness", "um", 0.8, 0.35, 2),
)

#: The least severity at which a defect cannot be mended; a hole never can.
SEVERE = 0.7
VERDICT_RULE = (
    f"reject: a hole, or a defect of severity {SEVERE:g} or more, or two or more measurements out of tolerance; "
    "rework: any other defect, or one measurement out of tolerance; pass: neither."
)


@dataclass(frozen=True)
class Measurement:
    """One reading of a gauge against its nominal value; ``value`` has the decimals that the gauge shows."""

    quantity: str
    unit: str
    nominal: float
    tolerance: float
    value: float

    @property
    def within(self) -> bool:
        """Is the reading within the tolerance? Compared at a billionth, far below any gauge's last digit."""
        return abs(self.value - self.nominal) <= self.tolerance + 1e-9


def measured(rng: np.random.Generator, out_of_tolerance: float) -> list[Measurement]:
    """The readings of one part; each is out of tolerance with the probability given."""
    readings = []
    for quantity, unit, nominal, tolerance, decimals in QUANTITIES:
        if rng.random() < out_of_tolerance:
            off = tolerance * rng.uniform(1.15, 2.2)
        else:
            off = tolerance * min(abs(rng.normal(0, 0.38)), 0.95)
        sign = 1.0 if quantity == "flatness" or rng.random() < 0.5 else -1.0
        readings.append(Measurement(quantity, unit, nominal, tolerance, round(nominal + sign * off, decimals)))
    return readings


def verdict(found: Sequence[Found], measurements: Sequence[Measurement]) -> Verdict:
    """What follows by ``VERDICT_RULE``."""
    outside = sum(not one.within for one in measurements)
    if outside > 1 or any(one.category == "hole" or one.severity >= SEVERE for one in found):
        return "reject"
    return "rework" if found or outside else "pass"
