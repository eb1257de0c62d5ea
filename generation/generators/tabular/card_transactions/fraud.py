"""The five planted patterns. Each function makes all fraudulent rows of one pattern in a block.

How each is known to look follows the published descriptions of the card schemes and of supervisors; how often each
happens is the buyer's choice, see ``plan``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.generators.tabular.card_transactions import categories, geography, rhythms
from generation.generators.tabular.card_transactions.customers import INTRUDER_DEVICE, Customers, ring_of
from generation.generators.tabular.card_transactions.genuine import Ends, anchors
from generation.generators.tabular.card_transactions.plan import PATTERNS, Plan
from generation.generators.tabular.card_transactions.rows import (
    APPROVED,
    ATM,
    CHIP,
    CONTACTLESS,
    FUNDS,
    IN_ONLINE,
    LIMIT,
    MAGSTRIPE,
    NOWHERE,
    PIN,
    SECURITY_CODE,
    SUSPECTED,
    Rows,
    counting,
    priced,
    rounded,
    running_total,
)
from generation.generators.tabular.card_transactions.world import World

_HOUR = 3600.0
_FAR_KM = 1500.0
_FASTEST_KM_PER_HOUR = 1000.0  # what a passenger cannot do from door to door


def _indices(*names: str) -> NDArray[np.int8]:
    return np.array([categories.index_of(name) for name in names], dtype=np.int8)


_SOLD_ON = _indices("electronics", "jewellery", "online marketplaces", "money transfer")
_TAKEN_OVER = _indices("electronics", "online marketplaces", "money transfer", "digital games", "clothing", "airlines")
_ABROAD = _indices("electronics", "clothing", "department stores", "jewellery", "groceries", "fuel", "restaurants")
_BUSTED = _indices("electronics", "jewellery", "cash machines", "furniture", "money transfer", "online marketplaces")


@dataclass(frozen=True)
class Victims:
    """The v customers of a block who suffer one pattern, and the rows of each.

    ``who`` counts within the block, ``rows`` are how many fraudulent transactions each has, ``serials`` the numbers of
    all their transactions (sum of ``rows``), in this order.
    """

    world: World
    customers: Customers
    who: NDArray[np.int64]
    rows: NDArray[np.int64]
    serials: NDArray[np.int64]

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return one value of each victim for each of his rows."""
        return np.repeat(values, self.rows)

    def home(self) -> NDArray[np.int8]:
        """Return the country where the victim lives, for each row."""
        return np.asarray(self.spread(self.customers.country[self.who]))

    def level(self) -> NDArray[np.float64]:
        """Return the factor by which the victim spends more than others, for each row."""
        return np.exp(0.5 * self.spread(self.customers.level[self.who]).astype(np.float64))

    def cards(self, card: NDArray[Any]) -> NDArray[np.int8]:
        """Return one card of each victim for each of his rows."""
        return self.spread(card).astype(np.int8)


def make(
    world: World,
    customers: Customers,
    totals: Plan,
    activity: Ends,
    everyday: Rows,
    rng: np.random.Generator,
) -> list[Rows]:
    """Return the fraudulent rows of a block, a part for each pattern; ``everyday`` are its honest purchases."""
    parts = []
    for planted in totals.planted:
        who = np.flatnonzero(customers.pattern == planted.pattern)
        before, rows = planted.rows_of(customers.place[who])
        serials = totals.genuine + np.repeat(before, rows) + counting(rows)
        victims = Victims(world, customers, who, rows, serials)
        if planted.name == "merchant_collusion":
            parts.append(_merchant_collusion(victims, totals, rng))
        elif planted.name == "unusual_travel":
            parts.append(_unusual_travel(victims, everyday, rng))
        elif planted.name == "bust_out":
            parts.append(_bust_out(victims, activity, rng))
        else:
            parts.append(_REMOTE[planted.name](victims, rng))
    return parts


def _card_testing(victims: Victims, rng: np.random.Generator) -> Rows:
    """A program tries a stolen number with tiny sums at a few shops, mostly in vain, until a large sum goes through."""
    world, n = victims.world, len(victims.serials)
    v = len(victims.who)
    number = counting(victims.rows)
    last = number == victims.spread(victims.rows - 1)
    pace = victims.spread(rng.uniform(12.0, 110.0, v))
    gaps = np.where(last, rng.uniform(180.0, 5400.0, n), pace * rng.exponential(size=n) + 1.0)
    shops = world.tested_merchants[rng.integers(0, len(world.tested_merchants), (v, 3))]
    tried = shops[np.repeat(np.arange(v), victims.rows), (3.0 * rng.random(n) ** 2).astype(np.int64)]
    category = np.where(last, rng.choice(_SOLD_ON, n), world.merchant_category[tried]).astype(np.int8)
    sold = world.pick(_shop_places(victims, rng, n), rng.choice(_SOLD_ON, n), rng.random(n))
    merchant = np.where(last, sold, tried)
    category = world.merchant_category[merchant]
    currency = geography.COUNTRY_CURRENCY[victims.home()]
    large = victims.level() * np.exp(5.5 + 0.6 * rng.standard_normal(n))
    tiny = np.exp(0.35 + 0.7 * rng.standard_normal(n))
    amount = np.where(
        last, priced(large, currency, category, rng), rounded(tiny * geography.CURRENCY_PER_EUR[currency], currency)
    )
    refused = rng.random(n) < np.where(last, 0.2, 0.62)
    in_vain = _any_of((SECURITY_CODE, SECURITY_CODE, SUSPECTED, FUNDS), n, rng)
    reason = np.where(last, _any_of((SUSPECTED, LIMIT), n, rng), in_vain)
    return _rows(
        victims,
        "card_testing",
        second=_somewhen(victims, gaps, 12 * _HOUR, rng),
        card=victims.cards(victims.customers.cards[victims.who] * rng.random(v)),
        merchant=merchant,
        amount=amount,
        currency=currency,
        channel=np.full(n, IN_ONLINE),
        device=np.full(n, INTRUDER_DEVICE),
        address=victims.spread(_intruder_country(victims, 0.45, rng)),
        reason=np.where(refused, reason, APPROVED),
    )


def _account_takeover(victims: Victims, rng: np.random.Generator) -> Rows:
    """Somebody else logs in, mostly from a new device in another country, and spends much within hours."""
    world, n = victims.world, len(victims.serials)
    v = len(victims.who)
    merchant = world.pick(_shop_places(victims, rng, n), rng.choice(_TAKEN_OVER, n), rng.random(n))
    currency = geography.COUNTRY_CURRENCY[victims.home()]
    euros = victims.level() * np.exp(4.75 + 0.85 * rng.standard_normal(n))
    refused = rng.random(n) < 0.16
    new_device = victims.spread(rng.random(v) < 0.88)
    return _rows(
        victims,
        "account_takeover",
        second=_somewhen(victims, 60.0 + rng.exponential(1500.0, n), 16 * _HOUR, rng),
        card=victims.cards(victims.customers.cards[victims.who] * rng.random(v)),
        merchant=merchant,
        amount=priced(euros, currency, world.merchant_category[merchant], rng),
        currency=currency,
        channel=np.full(n, IN_ONLINE),
        device=np.where(new_device, INTRUDER_DEVICE, 0),
        address=victims.spread(_intruder_country(victims, 0.72, rng)),
        reason=np.where(refused, _any_of((SUSPECTED, LIMIT, FUNDS), n, rng), APPROVED),
    )


def _merchant_collusion(victims: Victims, totals: Plan, rng: np.random.Generator) -> Rows:
    """The same cards pay round sums at every merchant of a ring within some weeks; nothing is bought."""
    world, n = victims.world, len(victims.serials)
    v = len(victims.who)
    ring = victims.spread(ring_of(world, totals, victims.customers.place[victims.who]))
    member = (counting(victims.rows) + victims.spread(rng.integers(0, 5, v))) % world.ring_size[ring]
    merchant = world.ring_merchants[ring, member]
    country = geography.CITY_COUNTRY[world.ring_city[ring]]
    currency = geography.COUNTRY_CURRENCY[country]
    multiple = np.where(rng.random(n) < 0.7, 50.0, 20.0)
    steps = np.exp(5.1 + 0.65 * rng.standard_normal(n)) * geography.CURRENCY_PER_EUR[currency]
    multiple = multiple * geography.CURRENCY_STEP[currency]
    day = world.ring_first_day[ring] + rng.random(n) * world.ring_days[ring]
    opened = np.clip(rng.normal(15.5, 3.2, n), 8.0, 23.5) * _HOUR
    return _rows(
        victims,
        "merchant_collusion",
        second=np.floor(day) * rhythms.SECONDS_PER_DAY + opened,
        card=victims.cards(victims.customers.cards[victims.who] * rng.random(v) ** 2),
        merchant=merchant,
        amount=np.maximum(np.rint(steps / multiple), 1.0) * multiple,
        currency=currency,
        channel=np.where(rng.random(n) < 0.75, CHIP, CONTACTLESS),
        device=np.full(n, NOWHERE),
        address=np.full(n, NOWHERE),
        reason=np.where(rng.random(n) < 0.03, _any_of((FUNDS, LIMIT), n, rng), APPROVED),
    )


def _unusual_travel(victims: Victims, everyday: Rows, rng: np.random.Generator) -> Rows:
    """A copied card is presented in a far city sooner after a purchase at home than anybody can travel."""
    world, customers, n = victims.world, victims.customers, len(victims.serials)
    v = len(victims.who)
    anchor = anchors(customers, np.bincount(everyday.customer, minlength=len(customers)))
    far, apart = _far_cities(customers.city[victims.who], rng)
    hours = np.minimum(apart / _FASTEST_KM_PER_HOUR, 5.0) * rng.uniform(0.15, 0.9, v)
    first = everyday.second[anchor] + hours * _HOUR
    gaps = np.where(counting(victims.rows) == 0, 0.0, rng.uniform(240.0, 2400.0, n))
    draw = rng.random(n)
    channel = np.select([draw < 0.50, draw < 0.68, draw < 0.78], [MAGSTRIPE, CHIP, CONTACTLESS], ATM)
    category = np.where(channel == ATM, categories.CASH_MACHINES, rng.choice(_ABROAD, n)).astype(np.int8)
    city = victims.spread(far)
    merchant = world.pick(city, category, rng.random(n))
    currency = geography.COUNTRY_CURRENCY[geography.CITY_COUNTRY[city]]
    euros = np.exp(categories.LOG_MEDIAN[category] + 0.45 + 0.7 * categories.SPREAD[category] * rng.standard_normal(n))
    reason = np.where(channel == ATM, _any_of((PIN, LIMIT), n, rng), _any_of((SUSPECTED, SUSPECTED, LIMIT), n, rng))
    return _rows(
        victims,
        "unusual_travel",
        second=victims.spread(first) + running_total(gaps, victims.rows),
        card=victims.cards(everyday.card[anchor]),
        merchant=merchant,
        amount=priced(euros, currency, category, rng),
        currency=currency,
        channel=channel,
        device=np.full(n, NOWHERE),
        address=np.full(n, NOWHERE),
        reason=np.where(rng.random(n) < 0.18, reason, APPROVED),
    )


def _bust_out(victims: Victims, activity: Ends, rng: np.random.Generator) -> Rows:
    """The holder himself exhausts the limit of his first card in his last days, and nothing follows."""
    world, customers, n = victims.world, victims.customers, len(victims.serials)
    v = len(victims.who)
    weights = rng.gamma(1.8, size=n) + 0.15
    total = np.bincount(np.repeat(np.arange(v), victims.rows), weights=weights, minlength=v)
    spent = victims.spread(customers.card_limit[victims.who, 0] * rng.uniform(0.9, 1.25, v))
    euros = spent * weights / victims.spread(total)
    gaps = rng.exponential(size=n) + 0.05
    elapsed = running_total(gaps, victims.rows)
    whole = victims.spread(np.bincount(np.repeat(np.arange(v), victims.rows), weights=gaps, minlength=v))
    length = victims.spread(rng.uniform(14.0, 84.0, v)) * _HOUR
    # Honest use ends the day before, so nothing follows the last of these.
    end = victims.spread(activity.day[victims.who] + rng.uniform(0.35, 0.98, v)) * rhythms.SECONDS_PER_DAY
    category = rng.choice(_BUSTED, n)
    online = rng.random(n) < categories.ONLINE[category]
    place = np.where(online, _shop_places(victims, rng, n), victims.spread(customers.city[victims.who]))
    merchant = world.pick(place, category, rng.random(n))
    currency = geography.COUNTRY_CURRENCY[victims.home()]
    used_up = running_total(euros, victims.rows) > victims.spread(customers.card_limit[victims.who, 0])
    refused = used_up | (rng.random(n) < 0.03)
    return _rows(
        victims,
        "bust_out",
        second=end - length * (1.0 - 0.999 * elapsed / whole),
        card=np.zeros(n),
        merchant=merchant,
        amount=priced(euros, currency, category, rng),
        currency=currency,
        channel=np.select([online, category == categories.CASH_MACHINES], [IN_ONLINE, ATM], CHIP),
        device=np.where(online, 0, NOWHERE),
        address=np.where(online, victims.home(), NOWHERE),
        reason=np.where(refused, LIMIT, APPROVED),
    )


#: Patterns that need nothing but the victims.
_REMOTE: dict[str, Callable[[Victims, np.random.Generator], Rows]] = {
    "card_testing": _card_testing,
    "account_takeover": _account_takeover,
}


def _somewhen(
    victims: Victims, gaps: NDArray[np.float64], longest: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return times of bursts that begin at any moment, rather at night, and leave ``longest`` seconds of the period."""
    v = len(victims.who)
    day = np.floor(rng.random(v) * (victims.world.days - 2))
    hour = np.where(rng.random(v) < 0.4, rng.uniform(0.0, 6.0, v), rng.uniform(0.0, 24.0, v))
    begin = day * rhythms.SECONDS_PER_DAY + hour * _HOUR
    elapsed = np.minimum(running_total(gaps, victims.rows), longest)
    return np.asarray(victims.spread(begin) + elapsed)


def _shop_places(victims: Victims, rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    everywhere = rng.random(n) < 0.5
    return np.where(everywhere, victims.world.everywhere, victims.world.online_place[victims.home()]).astype(np.int64)


def _intruder_country(victims: Victims, abroad: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the country of each victim's intruder: the victim's own, or with chance ``abroad`` any."""
    v = len(victims.who)
    anywhere = rng.integers(0, len(geography.COUNTRIES), v)
    return np.where(rng.random(v) < abroad, anywhere, victims.customers.country[victims.who])


def _far_cities(home: NDArray[np.int16], rng: np.random.Generator) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """Return a city beyond ``_FAR_KM`` of each home, larger ones more often, and how far it is."""
    apart = geography.CITY_DISTANCES_KM[home]
    weights = (apart > _FAR_KM) * np.sqrt(geography.CITY_MILLIONS)[None, :]
    cumulative = np.cumsum(weights, axis=1)
    reached = (rng.random(len(home)) * cumulative[:, -1] if len(home) else np.empty(0))[:, None]
    far = (cumulative <= reached).sum(axis=1)
    return far.astype(np.int16), apart[np.arange(len(home)), far]


def _any_of(reasons: tuple[int, ...], n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.array(reasons)[rng.integers(0, len(reasons), n)]


def _rows(victims: Victims, pattern: str, *, second: NDArray[Any], **columns: NDArray[Any]) -> Rows:
    """Return the rows of ``victims`` with the types that ``Rows`` has; what is beyond a card's limit is declined."""
    who = victims.spread(victims.who).astype(np.int32)
    card, amount, currency = columns["card"].astype(np.int8), columns["amount"], columns["currency"]
    beyond = amount / geography.CURRENCY_PER_EUR[currency] > victims.customers.card_limit[who, card]
    reason = np.where(beyond & (columns["reason"] == APPROVED), LIMIT, columns["reason"])
    return Rows(
        serial=victims.serials,
        customer=who,
        second=np.minimum(second, victims.world.seconds - 1).astype(np.int64),
        card=card,
        merchant=columns["merchant"].astype(np.int32),
        amount=amount,
        currency=currency.astype(np.int8),
        channel=columns["channel"].astype(np.int8),
        device=columns["device"].astype(np.int8),
        address=columns["address"].astype(np.int8),
        reason=reason.astype(np.int8),
        pattern=np.full(len(victims.serials), PATTERNS.index(pattern), np.int8),
    )
