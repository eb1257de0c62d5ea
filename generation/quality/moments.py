"""Extremes, mean and spread of numbers, mergeable without a second pass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Moments:
    """Exact extremes, and mean and sum of squared deviations joined pairwise (Chan, Golub and LeVeque, 1983)."""

    def __init__(self) -> None:
        self.count = 0
        self.minimum: int | float = 0
        self.maximum: int | float = 0
        self.mean = 0.0
        self.squares = 0.0

    def add(self, numbers: NDArray[Any]) -> None:
        """Take finite integers or doubles, at least one."""
        piece = Moments()
        piece.count = len(numbers)
        piece.minimum, piece.maximum = numbers.min().item(), numbers.max().item()
        doubles = numbers.astype(np.float64, copy=False)
        with np.errstate(over="ignore", invalid="ignore"):
            piece.mean = float(doubles.mean())
            if not math.isfinite(piece.mean):  # the sum is beyond double precision, the mean never is
                piece.mean = piece._within(float((doubles / len(doubles)).sum()))
            apart = doubles - piece.mean
            piece.squares = float(np.square(apart, out=apart).sum())
        self.merge(piece)

    def add_counted(self, counts: Mapping[Any, int]) -> None:
        """Take finite integers or doubles, at least one, each as often as it was counted."""
        piece = Moments()
        piece.count = sum(counts.values())
        piece.minimum, piece.maximum = min(counts), max(counts)
        doubles, weights = np.array(list(counts), np.float64), np.array(list(counts.values()), np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float((doubles * weights).sum()) / piece.count
            shares = mean if math.isfinite(mean) else float((doubles * (weights / piece.count)).sum())
            piece.mean = piece._within(shares)
            piece.squares = float((np.square(doubles - piece.mean) * weights).sum())
        self.merge(piece)

    def merge(self, other: Moments) -> None:
        """Take what ``other`` has seen."""
        if other.count == 0:
            return
        if self.count == 0:
            self.__dict__.update(other.__dict__)
            return
        count = self.count + other.count
        apart = other.mean - self.mean
        self.squares += other.squares + apart * apart * (self.count / count) * other.count
        if math.isfinite(apart):
            self.mean += apart * (other.count / count)
        else:
            self.mean = self.mean * (self.count / count) + other.mean * (other.count / count)
        self.minimum, self.maximum = min(self.minimum, other.minimum), max(self.maximum, other.maximum)
        self.count = count

    def _within(self, mean: float) -> float:
        """A mean that rounding may have carried past the extremes."""
        return min(max(mean, float(self.minimum)), float(self.maximum))

    @property
    def deviation(self) -> float | None:
        """The standard deviation of a sample; ``None`` of fewer than two numbers, or beyond double precision."""
        return (self.squares / (self.count - 1)) ** 0.5 if self.count > 1 and math.isfinite(self.squares) else None

    def as_json(self) -> dict[str, Any]:
        return {**self.__dict__, "squares": self.squares if math.isfinite(self.squares) else None}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Moments:
        moments = cls()
        moments.__dict__.update(value)
        if value["squares"] is None:
            moments.squares = math.inf
        return moments
