"""What cards are used for: merchant categories, what they cost, and when and by whom they are visited."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray


class Rhythm(IntEnum):
    """Kinds of days and weeks: each has its own hours, weekdays and seasons."""

    GROCERIES = 0
    MEALS = 1
    NIGHTLIFE = 2
    COMMUTING = 3
    ERRANDS = 4
    SHOPPING = 5
    LEISURE = 6
    CASH = 7
    ONLINE = 8


#: How amounts end: any cents, just below a whole step (.99), often whole, or banknotes.
Ending = Literal["any", "charm", "whole", "notes"]
ENDINGS: tuple[Ending, ...] = ("any", "charm", "whole", "notes")


@dataclass(frozen=True)
class Category:
    """A merchant category.

    ``code`` is the merchant category code (ISO 18245). ``visits`` is its weight among everyday purchases, ``online``
    the share of them made online. Amounts are log-normal around ``median`` euros with ``spread``; ``elasticity`` is the
    power of the customer's spend level in them. ``density`` scales how many merchants a city has. ``recurring``
    categories are billed monthly, with amounts that vary if ``metered``.
    """

    code: int
    name: str
    visits: float
    median: float
    spread: float
    rhythm: Rhythm
    ending: Ending
    online: float = 0.0
    elasticity: float = 0.5
    density: float = 1.0
    recurring: bool = False
    metered: bool = False


CATEGORIES = (
    Category(5411, "groceries", 22.0, 27.0, 0.80, Rhythm.GROCERIES, "any", online=0.04, density=3.0),
    Category(5462, "bakeries", 7.0, 4.9, 0.45, Rhythm.GROCERIES, "any", elasticity=0.2, density=2.0),
    Category(5814, "fast food", 7.5, 10.5, 0.48, Rhythm.MEALS, "charm", online=0.18, elasticity=0.2, density=2.0),
    Category(5812, "restaurants", 7.0, 31.0, 0.62, Rhythm.MEALS, "whole", elasticity=0.7, density=4.0),
    Category(5813, "bars", 3.0, 16.0, 0.62, Rhythm.NIGHTLIFE, "whole", density=1.5),
    Category(5541, "fuel", 5.5, 54.0, 0.38, Rhythm.ERRANDS, "any", elasticity=0.3, density=1.5),
    Category(
        4111, "local transport", 6.0, 3.4, 0.60, Rhythm.COMMUTING, "whole", online=0.30, elasticity=0.1, density=0.3
    ),
    Category(4121, "taxis", 1.6, 15.0, 0.50, Rhythm.NIGHTLIFE, "any", online=0.45, density=0.5),
    Category(7523, "parking", 2.6, 3.8, 0.70, Rhythm.COMMUTING, "whole", online=0.25, elasticity=0.2, density=0.7),
    Category(5912, "pharmacies", 3.4, 16.0, 0.70, Rhythm.ERRANDS, "any", online=0.10, density=1.5),
    Category(5651, "clothing", 3.2, 47.0, 0.72, Rhythm.SHOPPING, "charm", online=0.38, elasticity=0.8, density=2.0),
    Category(5655, "sports goods", 1.1, 46.0, 0.75, Rhythm.SHOPPING, "charm", online=0.40, elasticity=0.7, density=0.6),
    Category(5732, "electronics", 1.5, 96.0, 1.10, Rhythm.SHOPPING, "charm", online=0.52, elasticity=0.7, density=0.8),
    Category(
        5311, "department stores", 2.4, 38.0, 0.80, Rhythm.SHOPPING, "charm", online=0.20, elasticity=0.7, density=0.5
    ),
    Category(5200, "home improvement", 1.9, 49.0, 0.95, Rhythm.SHOPPING, "charm", online=0.15, density=0.6),
    Category(5712, "furniture", 0.5, 180.0, 0.95, Rhythm.SHOPPING, "charm", online=0.35, elasticity=0.8, density=0.5),
    Category(5942, "books", 1.2, 17.0, 0.60, Rhythm.SHOPPING, "charm", online=0.50, density=0.7),
    Category(5944, "jewellery", 0.25, 140.0, 0.95, Rhythm.SHOPPING, "whole", online=0.30, elasticity=1.0, density=0.6),
    Category(7230, "hairdressers", 1.2, 33.0, 0.52, Rhythm.ERRANDS, "whole", elasticity=0.6, density=1.5),
    Category(7832, "cinemas and theatres", 1.0, 23.0, 0.50, Rhythm.LEISURE, "whole", online=0.60, density=0.3),
    Category(7011, "hotels", 0.6, 165.0, 0.70, Rhythm.LEISURE, "any", online=0.62, elasticity=0.9, density=1.2),
    Category(4511, "airlines", 0.35, 175.0, 0.75, Rhythm.LEISURE, "any", online=1.0, elasticity=0.7),
    Category(5399, "online marketplaces", 5.2, 26.0, 0.95, Rhythm.ONLINE, "charm", online=1.0),
    Category(5815, "digital media", 2.6, 5.4, 0.75, Rhythm.ONLINE, "charm", online=1.0, elasticity=0.1),
    Category(5816, "digital games", 1.4, 9.5, 0.95, Rhythm.ONLINE, "charm", online=1.0, elasticity=0.1),
    Category(8398, "charities", 0.45, 15.0, 0.95, Rhythm.ONLINE, "whole", online=1.0),
    Category(4829, "money transfer", 0.7, 95.0, 0.95, Rhythm.ONLINE, "whole", online=1.0, elasticity=0.6),
    Category(6011, "cash machines", 4.6, 74.0, 0.68, Rhythm.CASH, "notes", elasticity=0.4, density=1.5),
    Category(4814, "telecoms", 0.0, 24.0, 0.50, Rhythm.ONLINE, "charm", elasticity=0.2, online=1.0, recurring=True),
    Category(4899, "streaming", 0.0, 11.0, 0.35, Rhythm.ONLINE, "charm", elasticity=0.1, online=1.0, recurring=True),
    Category(
        4900,
        "utilities",
        0.0,
        82.0,
        0.50,
        Rhythm.ONLINE,
        "any",
        elasticity=0.4,
        online=1.0,
        recurring=True,
        metered=True,
    ),
    Category(6300, "insurance", 0.0, 43.0, 0.65, Rhythm.ONLINE, "any", elasticity=0.5, online=1.0, recurring=True),
    Category(
        7997, "fitness clubs", 0.0, 31.0, 0.42, Rhythm.ONLINE, "charm", elasticity=0.4, online=1.0, recurring=True
    ),
    Category(5968, "memberships", 0.0, 13.0, 0.70, Rhythm.ONLINE, "charm", elasticity=0.3, online=1.0, recurring=True),
)

AGE_BANDS = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
AGE_SHARES: NDArray[np.float64] = np.array([0.12, 0.20, 0.19, 0.18, 0.15, 0.16])

#: How much more or less often an age band visits a category, from the youngest; categories not named are equal for all.
_BY_AGE: dict[str, tuple[float, ...]] = {
    "fast food": (1.9, 1.5, 1.1, 0.9, 0.6, 0.4),
    "restaurants": (0.8, 1.1, 1.1, 1.1, 1.0, 0.9),
    "bars": (2.0, 1.6, 0.9, 0.7, 0.5, 0.3),
    "fuel": (0.6, 0.9, 1.2, 1.3, 1.2, 0.8),
    "local transport": (1.7, 1.3, 0.9, 0.8, 0.7, 0.8),
    "taxis": (1.3, 1.5, 1.0, 0.8, 0.6, 0.6),
    "pharmacies": (0.5, 0.7, 0.9, 1.0, 1.3, 1.9),
    "clothing": (1.5, 1.3, 1.1, 1.0, 0.8, 0.6),
    "home improvement": (0.3, 0.9, 1.3, 1.3, 1.2, 0.8),
    "furniture": (0.5, 1.5, 1.3, 1.0, 0.8, 0.6),
    "digital media": (1.8, 1.5, 1.1, 0.8, 0.5, 0.3),
    "digital games": (2.6, 1.7, 1.1, 0.6, 0.3, 0.1),
    "charities": (0.4, 0.6, 0.9, 1.1, 1.3, 1.7),
    "cash machines": (0.5, 0.6, 0.8, 1.0, 1.4, 2.0),
    "bakeries": (0.8, 0.9, 1.0, 1.1, 1.1, 1.2),
    "hairdressers": (0.8, 0.9, 0.9, 1.0, 1.1, 1.3),
}

#: People with a car: one persona more for each age band, with other ways of getting about.
_BY_CAR: dict[str, tuple[float, float]] = {
    "fuel": (0.06, 1.7),
    "parking": (0.08, 1.7),
    "local transport": (1.7, 0.4),
    "taxis": (1.4, 0.7),
}

CODES: NDArray[np.int16] = np.array([category.code for category in CATEGORIES], dtype=np.int16)
LOG_MEDIAN: NDArray[np.float32] = np.log([category.median for category in CATEGORIES]).astype(np.float32)
SPREAD: NDArray[np.float32] = np.array([category.spread for category in CATEGORIES], dtype=np.float32)
ELASTICITY: NDArray[np.float32] = np.array([category.elasticity for category in CATEGORIES], dtype=np.float32)
ONLINE: NDArray[np.float64] = np.array([category.online for category in CATEGORIES])
RHYTHM: NDArray[np.int8] = np.array([category.rhythm for category in CATEGORIES], dtype=np.int8)
ENDING: NDArray[np.int8] = np.array([ENDINGS.index(category.ending) for category in CATEGORIES], dtype=np.int8)
METERED: NDArray[np.bool_] = np.array([category.metered for category in CATEGORIES])
RECURRING: NDArray[np.int8] = np.flatnonzero([category.recurring for category in CATEGORIES]).astype(np.int8)


def index_of(name: str) -> int:
    """Return the place of the category called ``name`` in ``CATEGORIES``."""
    return next(i for i, category in enumerate(CATEGORIES) if category.name == name)


CASH_MACHINES = index_of("cash machines")


def visit_shares() -> NDArray[np.float64]:
    """Return the share of each category among everyday purchases, (personas, categories).

    Persona ``2 * age + car``: an age band without and with a car. Rows add up to one.
    """
    weights = np.tile([category.visits for category in CATEGORIES], (len(AGE_BANDS), 2, 1))
    for name, factors in _BY_AGE.items():
        weights[:, :, index_of(name)] *= np.array(factors)[:, None]
    for name, pair in _BY_CAR.items():
        weights[:, :, index_of(name)] *= np.array(pair)[None, :]
    flat = weights.reshape(2 * len(AGE_BANDS), len(CATEGORIES))
    return np.asarray(flat / flat.sum(axis=1, keepdims=True))
