"""The distance to the closest record: do made rows lie nearer to the rows fitted on than to rows withheld?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from generation.quality.judge.frames import Floats, Ints
from generation.quality.judge.privacy.distance import Places, search
from generation.quality.judge.privacy.rates import Z95, Rate, Risk, normal_tail

#: Near is what lies as close as the closest of so many made rows lie to the withheld rows.
NEAR = 0.005


@dataclass(frozen=True)
class Closest:
    """``share`` of made rows nearer to a fitted than to a withheld row, with its standard error; ties count half.

    ``distance`` is the median to the closest fitted row, in columns that differ. ``near`` compares near matches.
    """

    share: float
    error: float
    distance: float
    near: Risk

    @property
    def chance(self) -> float:
        """How likely so large a share would be if the made table knew nothing of who was fitted on."""
        return normal_tail((self.share - 0.5) / self.error) if self.error else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """The bounds of 95 % of the share."""
        return max(self.share - Z95 * self.error, 0.0), min(self.share + Z95 * self.error, 1.0)


def closest(fitted: Places, holdout: Places, made: Places) -> Closest:
    """Compare made rows with equally many fitted and withheld rows.

    The share is the one that Platzer and Reutterer use ("Holdout-based empirical assessment of mixed-type synthetic
    data", 2021). Its standard error counts each real row once, however many made rows it is the closest of.
    """
    ours, theirs = search(made, fitted).whole, search(made, holdout).whole
    sign = np.sign(theirs.distance.astype(np.float64) - ours.distance)
    places = np.where(sign > 0, ours.place, fitted.rows + theirs.place)
    share = 0.5 + float(sign.mean()) / 2
    limit = np.quantile(theirs.distance, NEAR)
    near = [one.distance <= limit for one in (ours, theirs)]
    surplus = near[0].astype(np.int64) - near[1]
    spread = _spread(np.abs(surplus), places)
    chance = normal_tail(float(surplus.sum()) / spread) if spread else 1.0
    return Closest(
        share=share,
        error=_spread(np.abs(sign), places) / (2 * made.rows),
        distance=float(np.median(ours.distance)),
        near=Risk(Rate(int(near[0].sum()), made.rows), Rate(int(near[1].sum()), made.rows), chance),
    )


def _spread(weights: Floats | Ints, places: Ints) -> float:
    """Return the deviation of a sum in which all that belong to one real row have one sign, by the toss of a coin."""
    return math.sqrt(float(np.square(np.bincount(places, weights)).sum()))
