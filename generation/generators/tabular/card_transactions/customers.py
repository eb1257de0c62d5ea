"""The customers of one block: who they are, what cards they hold, where they go, how often they pay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.generators.tabular.card_transactions import categories, geography, rhythms
from generation.generators.tabular.card_transactions.plan import PATTERNS, Plan
from generation.generators.tabular.card_transactions.world import World
from generation.sdk import Streams

CARDS = 4  # most cards of one customer
DEVICES = 8  # numbers kept for the devices of one customer: 0 to 2 his own, 3 to 6 borrowed, the last an intruder's
INTRUDER_DEVICE = DEVICES - 1

SCHEMES = ("Visa", "Mastercard", "American Express", "Maestro")
TYPES = ("debit", "credit")
INCOME_BANDS = ("low", "lower middle", "middle", "upper middle", "high")

_ACTIVITY_GROUP = 256  # customers whose numbers of transactions are drawn together
_ACTIVITY_SHAPE = 2.2  # of the gamma distribution of how active they are

_CARDS_BY_AGE = np.cumsum(  # share of customers with 1, 2, 3, 4 cards
    [
        [0.72, 0.24, 0.04, 0.0],
        [0.50, 0.36, 0.11, 0.03],
        [0.40, 0.40, 0.15, 0.05],
        [0.38, 0.41, 0.16, 0.05],
        [0.42, 0.40, 0.14, 0.04],
        [0.58, 0.34, 0.07, 0.01],
    ],
    axis=1,
)
_LEVEL_BY_AGE = np.array([-0.38, -0.08, 0.10, 0.18, 0.12, -0.14], dtype=np.float32)
_LEVEL_SPREAD = 0.48
_ONLINE_BY_AGE = np.array([1.7, 1.5, 1.2, 0.9, 0.65, 0.4])
_INCOME_LIMITS = np.array([-0.55, -0.2, 0.15, 0.55], dtype=np.float32)
_CAR_BY_AGE = np.array([0.30, 0.52, 0.68, 0.74, 0.74, 0.62])
_OUTINGS = 14  # of 256 days are spent in another city
_BUST_OUT = PATTERNS.index("bust_out")
_COLLUSION = PATTERNS.index("merchant_collusion")


@dataclass(frozen=True)
class Customers:
    """The n customers of a block, an array each; two-dimensional ones are (n, cards), (n, trips) or (n, days)."""

    number: NDArray[np.int64]
    pattern: NDArray[np.int8]
    place: NDArray[np.int64]  # in the order of the plan
    genuine: NDArray[np.int64]  # genuine transactions, at least one
    first_genuine: NDArray[np.int64]  # genuine transactions of all customers before
    city: NDArray[np.int16]
    country: NDArray[np.int8]
    home_degrees: NDArray[np.float64]  # (n, 2)
    age: NDArray[np.int8]
    persona: NDArray[np.int8]
    income: NDArray[np.int8]
    level: NDArray[np.float32]  # logarithm of the spend level
    pay_day: NDArray[np.int8]
    online_share: NDArray[np.float32]  # (n, categories)
    contactless: NDArray[np.float32]
    loyalty: NDArray[np.float32]
    favourite: NDArray[np.float32]  # (n, categories) popularity of the merchant gone to most
    cards: NDArray[np.int8]
    card_scheme: NDArray[np.int8]  # (n, 4)
    card_credit: NDArray[np.bool_]  # (n, 4)
    card_limit: NDArray[np.int32]  # (n, 4) euros a month
    card_issued: NDArray[np.int32]  # (n, 4) days before the period
    devices: NDArray[np.int8]
    device_changed: NDArray[np.int16]  # day on which device 0 is replaced by device 2; beyond the period if never
    outing_city: NDArray[np.int16]
    outing: NDArray[np.bool_]  # (n, days)
    trip_city: NDArray[np.int16]  # (n, 2)
    trip_first: NDArray[np.int16]  # (n, 2) days of the period; past the end if there is no trip
    trip_last: NDArray[np.int16]  # (n, 2)

    def __len__(self) -> int:
        return len(self.number)


def draw(world: World, totals: Plan, streams: Streams, units: range) -> Customers:
    """Return the customers ``units``: the same whenever and wherever this block is made."""
    n = len(units)
    rng = streams.rng("customers", units.start)
    place = streams.permute("attacked", units, totals.customers)
    pattern = _patterns(totals, place)
    first_genuine, genuine = _genuine(totals, streams, units)
    city = _home_cities(world, totals, pattern, place, rng)
    country = geography.CITY_COUNTRY[city]
    age = np.searchsorted(np.cumsum(categories.AGE_SHARES)[:-1], rng.random(n)).astype(np.int8)
    car = rng.random(n) < _CAR_BY_AGE[age] * np.where(geography.CITY_MILLIONS[city] > 1.5, 0.55, 1.1)
    level = _LEVEL_BY_AGE[age] + _LEVEL_SPREAD * rng.standard_normal(n, np.float32)
    width = 0.045 * np.sqrt(geography.CITY_MILLIONS[city] + 0.1)
    trips = _trips(world, country, level, rng)
    return Customers(
        number=np.arange(units.start, units.stop, dtype=np.int64),
        pattern=pattern,
        place=place,
        genuine=genuine,
        first_genuine=first_genuine,
        city=city,
        country=country,
        home_degrees=geography.CITY_DEGREES[city] + rng.standard_normal((n, 2)) * width[:, None],
        age=age,
        persona=(2 * age + car).astype(np.int8),
        income=np.searchsorted(_INCOME_LIMITS, level).astype(np.int8),
        level=level,
        pay_day=rng.integers(0, len(rhythms.PAY_DAYS), n).astype(np.int8),
        online_share=_online_shares(age, rng),
        contactless=np.clip(rng.normal(0.80 - 0.05 * age, 0.15), 0.05, 0.98).astype(np.float32),
        loyalty=np.clip(rng.normal(0.5, 0.15, n), 0.05, 0.9).astype(np.float32),
        favourite=rng.random((n, len(categories.CATEGORIES)), np.float32),
        **_cards(age, level, pattern, rng),
        devices=(1 + (rng.random(n) < 0.55)).astype(np.int8),
        device_changed=np.where(rng.random(n) < 0.3, rng.integers(0, world.days, n), 9999).astype(np.int16),
        outing_city=world.outings[city, rng.integers(0, world.outings.shape[1], n)],
        outing=rng.integers(0, 256, (n, world.days), np.uint8) < _OUTINGS * (1 + world.weekends),
        trip_city=trips[0],
        trip_first=trips[1],
        trip_last=trips[2],
    )


def _patterns(totals: Plan, place: NDArray[np.int64]) -> NDArray[np.int8]:
    ends = np.array([planted.first + planted.customers for planted in totals.planted])
    numbers = np.array([planted.pattern for planted in totals.planted] + [0], dtype=np.int8)
    return numbers[np.searchsorted(ends, place, side="right")]


def _genuine(totals: Plan, streams: Streams, units: range) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (transactions of all customers before, transactions) for ``units``; each customer has at least one.

    Totals of groups of customers come from ``splits``; within its group each customer draws by how active he is. Groups
    do not depend on the blocks, so a group may be drawn by two neighbours, and equally.
    """
    start = units.start - units.start % _ACTIVITY_GROUP
    stop = min(-(-units.stop // _ACTIVITY_GROUP) * _ACTIVITY_GROUP, totals.customers)
    beyond_one = totals.genuine - totals.customers
    firsts, counts = streams.splits("genuine", beyond_one, totals.customers, range(start, stop))
    drawn = []
    for offset in range(0, stop - start, _ACTIVITY_GROUP):
        group = counts[offset : offset + _ACTIVITY_GROUP]
        rng = streams.rng("activity", (start + offset) // _ACTIVITY_GROUP)
        weights = rng.gamma(_ACTIVITY_SHAPE, size=len(group)) + 1e-3
        drawn.append(1 + rng.multinomial(int(group.sum()), weights / weights.sum()))
    rows = np.concatenate(drawn)
    before = start + int(firsts[0]) + np.cumsum(rows) - rows
    wanted = slice(units.start - start, units.stop - start)
    return before[wanted], rows[wanted]


def _home_cities(
    world: World, totals: Plan, pattern: NDArray[np.int8], place: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int16]:
    """Most who take part in a ring live where its merchants are; all others anywhere."""
    n = len(place)
    city = world.home_cities[np.searchsorted(world.home_shares, rng.random(n) * (1.0 - 1e-12))]
    near_ring = (pattern == _COLLUSION) & (rng.random(n) < 0.85)
    ring = ring_of(world, totals, place)
    return np.where(near_ring, world.ring_city[ring], city).astype(np.int16)


def ring_of(world: World, totals: Plan, place: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the ring of each customer at ``place`` in the plan's order; without meaning for those in no ring."""
    return (place - totals.planted[_COLLUSION - 1].first) % len(world.ring_city)


def _online_shares(age: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return, by (customer, category), how likely a purchase is online: the category's odds times the customer's."""
    odds = _ONLINE_BY_AGE[age] * np.exp(0.5 * rng.standard_normal(len(age)))
    share = categories.ONLINE[None, :]
    scaled = share * odds[:, None]
    return np.asarray(scaled / (scaled + 1.0 - share), dtype=np.float32)


def _cards(
    age: NDArray[np.int8], level: NDArray[np.float32], pattern: NDArray[np.int8], rng: np.random.Generator
) -> dict[str, NDArray[Any]]:
    n = len(age)
    shape = (n, CARDS)
    cards = 1 + (rng.random(n)[:, None] > _CARDS_BY_AGE[age]).sum(axis=1)
    bust_out = pattern == _BUST_OUT
    credit = rng.random(shape) < np.array([0.25, 0.75, 0.6, 0.6])
    credit[bust_out, 0] = True
    scheme = np.searchsorted([0.46, 0.86, 0.93], rng.random(shape))
    scheme[credit & (scheme == SCHEMES.index("Maestro"))] = SCHEMES.index("Visa")
    scheme[~credit & (scheme == SCHEMES.index("American Express"))] = SCHEMES.index("Mastercard")
    limit = np.exp(7.7 + 0.9 * level[:, None] + 0.3 * rng.standard_normal(shape) + 0.35 * credit)
    issued = rng.integers(20, 1500, shape)
    # Who plans a bust-out is a young account with a generous limit.
    issued[bust_out, 0] = rng.integers(20, 400, int(bust_out.sum()))
    limit[bust_out, 0] *= 1.6
    return {
        "cards": np.minimum(cards, CARDS).astype(np.int8),
        "card_scheme": scheme.astype(np.int8),
        "card_credit": credit,
        "card_limit": (np.maximum(np.round(limit / 100.0), 3.0) * 100.0).astype(np.int32),
        "card_issued": issued.astype(np.int32),
    }


def _trips(
    world: World, country: NDArray[np.int8], level: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int16]]:
    """Return (city, first day, last day) of up to two journeys of each customer, (n, 2) each."""
    shape = (len(country), 2)
    city = world.destinations[country[:, None], rng.integers(0, world.destinations.shape[1], shape)]
    length = rng.integers(2, 15, shape)
    first = rng.integers(-3, world.days, shape)
    chance = (0.45 + 0.25 * level)[:, None] * min(1.0, world.days / 300.0)
    first[rng.random(shape) > chance] = world.days + 1
    return city, first.astype(np.int16), (first + length).astype(np.int16)
