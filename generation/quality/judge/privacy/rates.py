"""How often an attack succeeded, what of it is the fault of the made table, and whether that could be chance.

Definitions of Giomi, Boenisch, Wehmeyer and Tasnádi, "A unified framework for quantifying privacy risk in synthetic
data" (PoPETS 2023): an attack is aimed at rows that were fitted on and, as a control, at rows that were not. What
succeeds on both is knowledge of the population; only what succeeds more often on the fitted rows is a leak.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: The quantile of the normal distribution for a two-sided interval of 95 %.
Z95 = 1.959963984540054

#: The chance that a report calls a table leaky that is none, over all of its tests.
FALSE_ALARMS = 0.001


@dataclass(frozen=True)
class Rate:
    """So many of so many attacks succeeded."""

    successes: int
    attacks: int

    @property
    def plain(self) -> float:
        """The share that succeeded, 0 where none was tried."""
        return self.successes / self.attacks if self.attacks else 0.0

    def wilson(self, z: float = Z95) -> tuple[float, float]:
        """Return the middle and half the width of the interval of Wilson (1927)."""
        n, share = self.attacks, self.plain
        if not n:
            return 0.5, 0.5
        middle = (self.successes + z * z / 2) / (n + z * z)
        half = z / (n + z * z) * math.sqrt(n * share * (1 - share) + z * z / 4)
        return middle, half

    def interval(self, z: float = Z95) -> tuple[float, float]:
        """Return the bounds of the interval of Wilson."""
        middle, half = self.wilson(z)
        return max(middle - half, 0.0), min(middle + half, 1.0)


@dataclass(frozen=True)
class Risk:
    """What an attack on the fitted rows has over the same attack on rows that were withheld.

    ``chance`` is how likely it would be to have so much over it, or more, if the made table knew nothing of who was
    fitted on.
    """

    attack: Rate
    control: Rate
    chance: float

    @property
    def value(self) -> float:
        """(attack − control) / (1 − control), each at the middle of its Wilson interval; 1 tells all, 0 nothing.

        Below 0 where the control succeeded more often, which is noise.
        """
        attack, control = self.attack.wilson()[0], self.control.wilson()[0]
        return (attack - control) / (1 - control)

    @property
    def interval(self) -> tuple[float, float]:
        """The bounds of 95 %: the errors of both rates, propagated to first order."""
        (attack, error), (control, other) = self.attack.wilson(), self.control.wilson()
        half = math.hypot(error / (1 - control), other * (attack - 1) / (1 - control) ** 2)
        return max(self.value - half, -1.0), min(self.value + half, 1.0)


def risk(attack: Rate, control: Rate) -> Risk:
    """Compare attacks that do not hang together: the chance is Fisher's exact one (1935), one-sided."""
    successes = attack.successes + control.successes
    chance = hypergeometric_tail(attack.successes, attack.attacks + control.attacks, successes, attack.attacks)
    return Risk(attack, control, chance)


def hypergeometric_tail(found: int, population: int, marked: int, drawn: int) -> float:
    """Return how likely ``found`` or more of ``drawn`` are marked, where ``marked`` of the ``population`` are."""
    first, last = max(found, drawn + marked - population, 0), min(drawn, marked)
    if first > last:
        return 0.0
    whole = _log_choose(population, drawn)
    logs = (
        _log_choose(marked, one) + _log_choose(population - marked, drawn - one) - whole
        for one in range(first, last + 1)
    )
    return min(math.fsum(math.exp(log) for log in logs), 1.0)


def normal_tail(deviation: float) -> float:
    """Return how likely a standard normal number is as large, or larger."""
    return 0.5 * math.erfc(deviation / math.sqrt(2))


def _log_choose(of: int, some: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(some + 1) - math.lgamma(of - some + 1)
