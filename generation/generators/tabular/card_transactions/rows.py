"""Transactions under way: an array for each thing that is decided about them, before they become a table."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.generators.tabular.card_transactions import categories, geography

CHANNELS = ("chip", "contactless", "magstripe", "atm", "online", "recurring")
CHIP, CONTACTLESS, MAGSTRIPE, ATM, IN_ONLINE, IN_RECURRING = range(len(CHANNELS))

REASONS = ("insufficient funds", "wrong PIN", "suspected fraud", "limit exceeded", "wrong security code")
APPROVED = -1
FUNDS, PIN, SUSPECTED, LIMIT, SECURITY_CODE = range(len(REASONS))

NOWHERE = -1  # no device, no country of an address: the card was present, or nobody was


@dataclass(frozen=True)
class Rows:
    """n transactions in any order, an array each. ``customer`` counts within the block; ``reason`` may be APPROVED."""

    serial: NDArray[np.int64]  # the transaction's number among all of the dataset
    customer: NDArray[np.int32]
    second: NDArray[np.int64]  # since the period began
    card: NDArray[np.int8]
    merchant: NDArray[np.int32]
    amount: NDArray[np.float64]  # in ``currency``
    currency: NDArray[np.int8]
    channel: NDArray[np.int8]
    device: NDArray[np.int8]
    address: NDArray[np.int8]  # country of the network address
    reason: NDArray[np.int8]
    pattern: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.customer)

    def take(self, order: NDArray[np.int64]) -> Rows:
        """Return the transactions at ``order``."""
        return Rows(**{field.name: getattr(self, field.name)[order] for field in fields(self)})

    @classmethod
    def join(cls, parts: list[Rows]) -> Rows:
        """Return all transactions of ``parts``, one part after the other."""
        return cls(
            **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)}
        )


def counting(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 0, 1, …, count - 1 for each of ``counts``, one after the other."""
    ends = np.cumsum(counts)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - counts, counts)


def running_total(values: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return cumulative sums that begin anew after each of ``counts`` values."""
    total = np.cumsum(values)
    starts = np.cumsum(counts) - counts
    before = np.where(starts > 0, total[starts - 1], 0.0)
    return np.asarray(total - np.repeat(before, counts))


def priced(
    euros: NDArray[Any], currency: NDArray[np.int8], category: NDArray[np.int8], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return amounts in ``currency`` that end as amounts of ``category`` end: .99, .50, whole, or banknotes."""
    n = len(euros)
    step = geography.CURRENCY_STEP[currency]
    steps = euros.astype(np.float64) * geography.CURRENCY_PER_EUR[currency] / step
    ending = categories.ENDING[category]
    style = rng.integers(0, 256, n, np.uint8)
    whole = np.maximum(np.floor(steps), 1.0)
    just_below = whole - np.array([0.01, 0.01, 0.05, 0.10, 0.50, 0.0])[_ENDS_BELOW[style]]
    in_halves = np.maximum(np.round(steps * 2.0), 1.0) / 2.0
    notes = np.where(style < 150, 10.0, 50.0)
    amount = np.choose(
        ending,
        [
            steps,
            np.where(style < 215, just_below, steps),
            np.where(style < 90, whole, np.where(style < 150, in_halves, steps)),
            np.maximum(np.round(steps / notes), 1.0) * notes,
        ],
    )
    return rounded(amount * step, currency)


def rounded(amount: NDArray[np.float64], currency: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return amounts in whole minor units of ``currency``, one at least."""
    scale = geography.CURRENCY_SCALE[currency]
    return np.asarray(np.maximum(np.rint(amount * scale), 1.0) / scale)


#: Which of the endings just below a whole step a byte chooses.
_ENDS_BELOW: NDArray[np.int64] = np.searchsorted([90, 130, 150, 185, 200], np.arange(256), side="right")
