"""The world that all customers share: merchants and where they are, rings of colluding merchants, calendars.

Built once in ``prepare`` as plain arrays; every block reads the same ones. Its size grows with the root of the number
of customers and is bounded, so that a block costs the same in a small and in a large dataset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.generators.tabular.card_transactions import categories, geography, rhythms
from generation.generators.tabular.card_transactions.parameters import Parameters
from generation.generators.tabular.card_transactions.plan import PATTERNS, Plan

#: Merchants that collude work in these categories; a ring has at most one of each.
_RING_CATEGORIES = ("electronics", "jewellery", "restaurants", "bars", "home improvement", "furniture", "clothing")
_RING_SIZES = (3, 4, 5)
_CUSTOMERS_PER_RING = 20
_MOST_RINGS = 64

#: Where stolen card numbers are tried: merchants that take tiny amounts at once.
_TESTED_CATEGORIES = ("charities", "digital media", "digital games", "online marketplaces")
_TESTED_MERCHANTS = 24

_DESTINATIONS = 4096
_SMALLEST_MERCHANT_ID = 100_000


@dataclass(frozen=True)
class World:
    """Arrays by merchant (m), by place (p) and category (c), by ring (r), and tables that invert distributions.

    A place is a city (as in ``geography.CITIES``), then the online shops of each home country, then those that sell
    to everybody. Merchants of one place and category lie together, from ``group_start``, the most popular first.
    """

    merchant_id: NDArray[np.int32]  # (m,)
    merchant_category: NDArray[np.int8]  # (m,)
    merchant_city: NDArray[np.int16]  # (m,) the seat, for online shops
    merchant_online: NDArray[np.bool_]  # (m,)
    merchant_price: NDArray[np.float32]  # (m,) logarithm of the price level
    merchant_degrees: NDArray[np.float64]  # (m, 2) latitude and longitude
    group_start: NDArray[np.int32]  # (p * c,)
    group_size: NDArray[np.int32]  # (p * c,)
    home_cities: NDArray[np.int16]  # (cities of the home countries,)
    home_shares: NDArray[np.float64]  # cumulative share of customers living there
    online_place: NDArray[np.int16]  # (countries,) place of a home country's online shops, -1 for others
    outings: NDArray[np.int16]  # (cities, 256) another city of the country, near ones more often
    destinations: NDArray[np.int16]  # (countries, 4096) cities travelled to
    ring_merchants: NDArray[np.int32]  # (r, 5) padded by repetition
    ring_size: NDArray[np.int8]  # (r,)
    ring_city: NDArray[np.int16]  # (r,)
    ring_first_day: NDArray[np.int16]  # (r,)
    ring_days: NDArray[np.int16]  # (r,)
    tested_merchants: NDArray[np.int32]  # (24,)
    day_table: NDArray[np.int16]
    minute_table: NDArray[np.int16]
    persona_table: NDArray[np.int8]
    weekends: NDArray[np.int8]  # (days,)
    month_starts: NDArray[np.int16]
    days_to_pay: NDArray[np.int8]  # (pay days, days)

    @property
    def days(self) -> int:
        return len(self.weekends)

    @property
    def seconds(self) -> int:
        """Length of the period."""
        return self.days * rhythms.SECONDS_PER_DAY

    @property
    def everywhere(self) -> int:
        """The place of the online shops that sell to everybody."""
        return len(self.group_start) // len(categories.CATEGORIES) - 1

    def pick(self, place: NDArray[Any], category: NDArray[Any], popularity: NDArray[Any]) -> NDArray[np.int32]:
        """Return a merchant for each (place, category).

        ``popularity`` is uniform in [0, 1); its cube makes the r-th merchant's share fall as r ** (-2/3).
        """
        group = place.astype(np.int32) * len(categories.CATEGORIES) + category
        size = self.group_size[group]
        if size.size and int(size.min()) == 0:
            raise ValueError("a category was asked for in a place that has no merchant of it")
        rank = (size * (popularity * popularity * popularity)).astype(np.int32)
        return np.asarray(self.group_start[group] + np.minimum(rank, size - 1))

    def to_state(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, as ``prepare`` hands them on."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> World:
        """Return the world that ``to_state`` described."""
        return cls(**{field.name: state[field.name] for field in fields(cls)})


def build(parameters: Parameters, totals: Plan, rng: np.random.Generator) -> World:
    """Build the world of a recipe; ``rng`` is the only source of chance."""
    homes = [geography.COUNTRY_CODES.index(code) for code in parameters.countries]
    merchants = _merchants(homes, totals.customers, rng)
    home_cities = np.flatnonzero(np.isin(geography.CITY_COUNTRY, homes)).astype(np.int16)
    inhabitants = np.cumsum(geography.CITY_MILLIONS[home_cities])
    online_place = np.full(len(geography.COUNTRIES), -1, np.int16)
    online_place[homes] = len(geography.CITIES) + np.arange(len(homes))
    return World(
        **merchants,
        home_cities=home_cities,
        home_shares=inhabitants / inhabitants[-1],
        online_place=online_place,
        outings=_outings(),
        destinations=_destinations(),
        **_rings(merchants, home_cities, totals, parameters.days, rng),
        tested_merchants=_tested(merchants, rng),
        day_table=rhythms.day_table(parameters.start, parameters.days),
        minute_table=rhythms.minute_table(),
        persona_table=rhythms.persona_table(categories.visit_shares()),
        weekends=rhythms.weekends(parameters.start, parameters.days),
        month_starts=rhythms.month_starts(parameters.start, parameters.days),
        days_to_pay=rhythms.days_to_pay(parameters.start, parameters.days),
    )


def _merchants(homes: list[int], customers: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    scale = float(np.clip(np.sqrt(customers / 1000.0), 0.5, 8.0))
    sizes = _group_sizes(homes, scale)
    kinds = len(categories.CATEGORIES)
    flat = sizes.reshape(-1)
    number = int(flat.sum())
    place = np.repeat(np.arange(len(sizes)), sizes.sum(axis=1))
    category = np.repeat(np.tile(np.arange(kinds, dtype=np.int8), len(sizes)), flat)
    online = place >= len(geography.CITIES)
    city = np.where(online, _seats(place - len(geography.CITIES), homes, rng), place).astype(np.int16)
    # A larger town is wider: its merchants lie further from its middle.
    width = 0.030 * np.sqrt(geography.CITY_MILLIONS[city] + 0.1)
    degrees = geography.CITY_DEGREES[city] + rng.standard_normal((number, 2)) * width[:, None]
    return {
        "merchant_id": (_SMALLEST_MERCHANT_ID + rng.permutation(number)).astype(np.int32),
        "merchant_category": category,
        "merchant_city": city,
        "merchant_online": online,
        "merchant_price": (0.28 * rng.standard_normal(number)).astype(np.float32),
        "merchant_degrees": np.round(degrees, 5),
        "group_start": (np.cumsum(flat) - flat).astype(np.int32),
        "group_size": flat.astype(np.int32),
    }


def _group_sizes(homes: list[int], scale: float) -> NDArray[np.int64]:
    """Return the number of merchants by (place, category)."""
    density = np.array([category.density for category in categories.CATEGORIES])
    sells_in_town = categories.ONLINE < 1.0
    visited = np.where(np.isin(geography.CITY_COUNTRY, homes), 1.0, 0.5)
    in_town = np.outer(visited * geography.CITY_MILLIONS**0.75, density * sells_in_town) * scale
    online = np.outer(np.ones(len(homes) + 1), density * (categories.ONLINE > 0.0)) * 6.0 * scale
    return np.asarray(np.ceil(np.concatenate([in_town, online])), dtype=np.int64)


def _seats(pool: NDArray[np.int64], homes: list[int], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a seat for each merchant of an online ``pool``: in that home country, or anywhere for the last pool."""
    seats = np.zeros(len(pool), np.int64)
    for number in range(len(homes) + 1):
        mine = pool == number
        everywhere = number == len(homes)
        weights = geography.CITY_MILLIONS * (everywhere | (([*homes, -1][number]) == geography.CITY_COUNTRY))
        seats[mine] = rng.choice(len(weights), size=int(mine.sum()), p=weights / weights.sum())
    return seats


def _outings() -> NDArray[np.int16]:
    same_country = geography.CITY_COUNTRY[:, None] == geography.CITY_COUNTRY[None, :]
    weights = same_country * geography.CITY_MILLIONS / (1.0 + geography.CITY_DISTANCES_KM / 80.0) ** 2
    np.fill_diagonal(weights, 0.0)
    alone = weights.sum(axis=1) == 0.0
    weights[alone] = np.eye(len(weights))[alone]
    return _inverse_rows(weights, 256)


def _destinations() -> NDArray[np.int16]:
    first_city = np.searchsorted(geography.CITY_COUNTRY, np.arange(len(geography.COUNTRIES)))
    apart = geography.CITY_DISTANCES_KM[first_city]
    abroad = np.where(geography.CITY_COUNTRY[None, :] == np.arange(len(first_city))[:, None], 0.35, 1.0)
    weights = abroad * geography.CITY_MILLIONS**0.3 * (np.exp(-apart / 1400.0) + 0.02)
    return _inverse_rows(weights, _DESTINATIONS)


def _inverse_rows(weights: NDArray[np.float64], steps: int) -> NDArray[np.int16]:
    cumulative = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
    at = (np.arange(steps) + 0.5) / steps
    return np.stack([np.searchsorted(row, at) for row in cumulative]).astype(np.int16)


def _rings(
    merchants: Mapping[str, NDArray[Any]],
    home_cities: NDArray[np.int16],
    totals: Plan,
    days: int,
    rng: np.random.Generator,
) -> dict[str, NDArray[Any]]:
    participants = totals.planted[PATTERNS.index("merchant_collusion") - 1].customers
    number = int(np.clip(round(participants / _CUSTOMERS_PER_RING), 1, _MOST_RINGS))
    weights = geography.CITY_MILLIONS[home_cities]
    city = rng.choice(home_cities, size=number, p=weights / weights.sum())
    size = rng.choice(_RING_SIZES, size=number)
    kinds = np.array([categories.index_of(name) for name in _RING_CATEGORIES])
    most = max(_RING_SIZES)
    chosen = rng.permuted(np.tile(kinds, (number, 1)), axis=1)[:, :most]
    group = city[:, None].astype(np.int64) * len(categories.CATEGORIES) + chosen
    # Neither the best known nor the least: honest customers come too.
    rank = (merchants["group_size"][group] * rng.uniform(0.05, 0.5, group.shape)).astype(np.int64)
    members = merchants["group_start"][group] + rank
    member = np.arange(most)[None, :] % size[:, None]
    length = np.minimum(rng.integers(21, 61, number), days // 2)
    return {
        "ring_merchants": np.take_along_axis(members, member, axis=1).astype(np.int32),
        "ring_size": size.astype(np.int8),
        "ring_city": city.astype(np.int16),
        "ring_first_day": (rng.random(number) * (days - length)).astype(np.int16),
        "ring_days": length.astype(np.int16),
    }


def _tested(merchants: Mapping[str, NDArray[Any]], rng: np.random.Generator) -> NDArray[np.int32]:
    kinds = [categories.index_of(name) for name in _TESTED_CATEGORIES]
    fitting = np.flatnonzero(merchants["merchant_online"] & np.isin(merchants["merchant_category"], kinds))
    return np.sort(rng.choice(fitting, size=_TESTED_MERCHANTS, replace=False)).astype(np.int32)
