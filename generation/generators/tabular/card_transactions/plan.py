"""Exactly how much of each fraud pattern a recipe plants, computed from the parameters alone.

Customers are put in an order by a keyed permutation; the first places of that order belong to the first pattern, the
next to the second, and so on. The number of fraudulent transactions follows from a customer's place, so every block
knows its part of every total without knowing another block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generation.generators.tabular.card_transactions.parameters import TRANSACTIONS_PER_CUSTOMER, Parameters

PATTERNS = ("none", "card_testing", "account_takeover", "merchant_collusion", "unusual_travel", "bust_out")

#: Fewest and most fraudulent transactions of one customer, by pattern.
_ROWS = {
    "card_testing": (8, 24),
    "account_takeover": (4, 11),
    "merchant_collusion": (3, 9),
    "unusual_travel": (2, 6),
    "bust_out": (8, 18),
}


@dataclass(frozen=True)
class Planted:
    """One pattern in numbers: places ``first`` to ``first + customers`` of the order, ``rows`` transactions in all.

    ``first_row`` counts the fraudulent transactions of the patterns before it.
    """

    pattern: int
    first: int
    customers: int
    fewest: int
    most: int
    first_row: int

    @property
    def name(self) -> str:
        return PATTERNS[self.pattern]

    @property
    def rows(self) -> int:
        return int(self._before(np.array([self.customers]))[0])

    def rows_of(self, place: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (fraudulent transactions before, fraudulent transactions) for customers at ``place`` in the order."""
        own = place - self.first
        return self.first_row + self._before(own), self.fewest + own % (self.most - self.fewest + 1)

    def _before(self, own: NDArray[np.int64]) -> NDArray[np.int64]:
        width = self.most - self.fewest + 1
        rounds, rest = own // width, own % width
        return own * self.fewest + rounds * (width * (width - 1) // 2) + rest * (rest - 1) // 2


@dataclass(frozen=True)
class Plan:
    """All totals of a recipe: ``transactions`` = ``genuine`` + the rows of every pattern in ``planted``."""

    customers: int
    transactions: int
    planted: tuple[Planted, ...]

    @property
    def fraudulent(self) -> int:
        return sum(pattern.rows for pattern in self.planted)

    @property
    def genuine(self) -> int:
        return self.transactions - self.fraudulent

    @property
    def attacked(self) -> int:
        return sum(pattern.customers for pattern in self.planted)


def plan(parameters: Parameters, customers: int) -> Plan:
    """Return the totals for ``customers`` under ``parameters``; they may be impossible, see ``Generator.check``."""
    planted: list[Planted] = []
    first = first_row = 0
    share = 0.0
    for number, name in enumerate(PATTERNS[1:], start=1):
        fewest, most = _ROWS[name]
        # The running total is rounded, not each share: shares that add up to one never claim a customer too many.
        share += getattr(parameters, name)
        end = min(int(share * customers + 0.5), customers)
        planted.append(Planted(number, first, end - first, fewest, most, first_row))
        first = end
        first_row += planted[-1].rows
    total = parameters.transactions
    if total is None:
        # Never fewer than fraud needs beside ten genuine transactions each, so that the default suits any shares.
        total = max(TRANSACTIONS_PER_CUSTOMER * customers, first_row + 10 * customers)
    return Plan(customers, total, tuple(planted))
