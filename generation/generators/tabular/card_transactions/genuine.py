"""Honest transactions: everyday purchases with their hours, places and habits, and monthly bills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.generators.tabular.card_transactions import categories, geography, rhythms
from generation.generators.tabular.card_transactions.customers import INTRUDER_DEVICE, Customers
from generation.generators.tabular.card_transactions.plan import PATTERNS
from generation.generators.tabular.card_transactions.rows import (
    APPROVED,
    ATM,
    CHIP,
    CONTACTLESS,
    IN_ONLINE,
    IN_RECURRING,
    MAGSTRIPE,
    NOWHERE,
    Rows,
    counting,
    priced,
)
from generation.generators.tabular.card_transactions.world import World

_BUST_OUT = PATTERNS.index("bust_out")
_UNUSUAL_TRAVEL = PATTERNS.index("unusual_travel")
#: Kinds of errands that are run in one go, and how many of 256 purchases follow the one before.
_ERRANDS = [
    categories.Rhythm.GROCERIES,
    categories.Rhythm.ERRANDS,
    categories.Rhythm.SHOPPING,
    categories.Rhythm.CASH,
    categories.Rhythm.COMMUTING,
]
_FOLLOWING = 110
_BORROWED_DEVICES = 10  # of 256 online payments are made on a device that is not the customer's usual one
_GROCERIES = categories.index_of("groceries")
_MOST_BILLS = 0.4  # of a customer's transactions
_CONTACTLESS_LIMIT = 50.0  # euros
_DAYS_PER_MONTH = 30.4

#: Chance of each reason of a decline, by channel, in the order of ``REASONS``.
_REASON_SHARES = {
    CHIP: (0.52, 0.24, 0.09, 0.15, 0.0),
    CONTACTLESS: (0.72, 0.0, 0.12, 0.16, 0.0),
    MAGSTRIPE: (0.40, 0.10, 0.40, 0.10, 0.0),
    ATM: (0.44, 0.28, 0.04, 0.24, 0.0),
    IN_ONLINE: (0.46, 0.0, 0.20, 0.12, 0.22),
    IN_RECURRING: (0.86, 0.0, 0.04, 0.10, 0.0),
}


@dataclass(frozen=True)
class Ends:
    """When each customer stops using his cards: the day after the last, and whether use rises until then."""

    day: NDArray[np.int64]
    rising: NDArray[np.bool_]


def ends(world: World, customers: Customers, rng: np.random.Generator) -> Ends:
    """Return the ends of activity: a bust-out disappears some time in the last third of the period."""
    rising = customers.pattern == _BUST_OUT
    last = (world.days * (0.66 + 0.34 * rng.random(len(customers)))).astype(np.int64)
    return Ends(np.where(rising, last, world.days), rising)


def make(
    world: World, customers: Customers, activity: Ends, share_declined: float, rng: np.random.Generator
) -> tuple[Rows, Rows]:
    """Return the everyday purchases and the monthly bills of a block: ``customers.genuine`` rows each customer."""
    bills_of, payments = _contracts(world, customers, activity, rng)
    per_customer = np.bincount(bills_of, weights=payments, minlength=len(customers)).astype(np.int64)
    everyday = _everyday(world, customers, activity, customers.genuine - per_customer, share_declined, rng)
    bills = _bills(world, customers, bills_of, payments, per_customer, share_declined, rng)
    return everyday, bills


def _everyday(
    world: World,
    customers: Customers,
    activity: Ends,
    counts: NDArray[np.int64],
    share_declined: float,
    rng: np.random.Generator,
) -> Rows:
    """Return ``counts`` purchases of each customer: what and where, when, from whom, for how much, by which card."""
    who = np.repeat(np.arange(len(customers), dtype=np.int32), counts)
    n = len(who)
    category = world.persona_table[customers.persona[who], _steps(rng, n)]
    at_home = anchors(customers, counts)
    category[at_home] = _GROCERIES
    online = rng.random(n, np.float32) < customers.online_share[who, category]
    online[at_home] = False
    rhythm = np.where(online, categories.Rhythm.ONLINE, categories.RHYTHM[category])
    second = _times(world, customers, activity, who, rhythm, at_home, rng)
    day = second // rhythms.SECONDS_PER_DAY
    city = _whereabouts(customers, who, day)
    city[at_home] = customers.city[who[at_home]]
    place = np.where(online, _shops(world, customers, who, rng), city)
    habit = rng.random(n, np.float32) < customers.loyalty[who] * (online | (city == customers.city[who]))
    popularity = np.where(habit, customers.favourite[who, category], rng.random(n, np.float32))
    merchant = world.pick(place, category, popularity)
    deviation = rng.standard_normal(n, np.float32)
    country = np.where(online, customers.country[who], geography.CITY_COUNTRY[city])
    euros = _euros(world, customers, who, category, merchant, country, deviation)
    euros *= np.where(activity.rising[who], 0.8 + 1.4 * day / activity.day[who], 1.0).astype(np.float32)
    card = (customers.cards[who] * rng.random(n, np.float32) ** 2).astype(np.int8)
    # People know their limits: nobody tries to spend a month's limit at once.
    euros = np.minimum(euros, customers.card_limit[who, card] * rng.uniform(0.4, 0.9, n))
    currency = geography.COUNTRY_CURRENCY[country]
    channel = _channels(customers, who, category, online, country, euros, rng)
    chance = _decline_weights(world, customers, who, day, deviation)
    return Rows(
        serial=customers.first_genuine[who] + counting(counts),
        customer=who,
        second=second,
        card=card,
        merchant=merchant,
        amount=priced(euros, currency, category, rng),
        currency=currency,
        channel=channel,
        device=np.where(online, _own_device(customers, who, day, rng), NOWHERE).astype(np.int8),
        address=np.where(online, _addresses(customers, who, city, rng), NOWHERE).astype(np.int8),
        reason=_declined(chance, channel, share_declined, rng),
        pattern=np.zeros(n, np.int8),
    )


def anchors(customers: Customers, everyday: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, for each victim of unusual travel, which everyday row is certainly made at home, with the card in hand.

    ``everyday`` counts those rows by customer. The far transactions of the copied card follow this one too soon.
    """
    victims = np.flatnonzero(customers.pattern == _UNUSUAL_TRAVEL)
    starts = np.cumsum(everyday) - everyday
    return starts[victims] + customers.place[victims] % everyday[victims]


def _steps(rng: np.random.Generator, n: int) -> NDArray[np.uint16]:
    return rng.integers(0, rhythms.TABLE, n, np.uint16)


def _times(
    world: World,
    customers: Customers,
    activity: Ends,
    who: NDArray[np.int32],
    rhythm: NDArray[np.int8],
    at_home: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return seconds since the period began; those ``at_home`` leave room for what must follow them in the period."""
    n = len(who)
    day = world.day_table[rhythm, customers.pay_day[who], _steps(rng, n)].astype(np.int64)
    day = _until_the_end(day, who, activity, world.days)
    day[at_home] = np.minimum(day[at_home], world.days - 2)
    minute = world.minute_table[rhythm, world.weekends[day], _steps(rng, n)].astype(np.int64)
    second = day * rhythms.SECONDS_PER_DAY + 60 * minute + rng.integers(0, 60, n)
    _follow(second, who, rhythm, at_home, rng)
    return second


def _follow(
    second: NDArray[np.int64],
    who: NDArray[np.int32],
    rhythm: NDArray[np.int8],
    fixed: NDArray[np.int64],
    rng: np.random.Generator,
) -> None:
    """Move, within ``second``, some purchases to shortly after another of the same customer: errands are run together.

    Only purchases with the same hours of the day follow one another, and none follows one that follows.
    """
    n = len(who)
    errand = np.isin(rhythm, _ERRANDS)
    follows = rng.integers(0, 256, n, np.uint8) < _FOLLOWING
    follows[fixed] = False
    follows[1:] &= ~follows[:-1] & (who[1:] == who[:-1]) & ((rhythm[1:] == rhythm[:-1]) | (errand[1:] & errand[:-1]))
    follows[:1] = False
    moved = np.flatnonzero(follows)
    midnight = (second[moved - 1] // rhythms.SECONDS_PER_DAY + 1) * rhythms.SECONDS_PER_DAY
    later = second[moved - 1] + 15 + (rng.exponential(1100.0, len(moved))).astype(np.int64)
    second[moved] = np.minimum(later, midnight - 1)


def _until_the_end(day: NDArray[np.int64], who: NDArray[np.int32], activity: Ends, days: int) -> NDArray[np.int64]:
    """Press the days of those who disappear into the time before, denser towards its end."""
    rising = np.flatnonzero(activity.rising[who])
    share = ((day[rising] + 0.5) / days) ** 0.6
    pressed = day.copy()
    pressed[rising] = (share * activity.day[who[rising]]).astype(np.int64)
    return pressed


def _whereabouts(customers: Customers, who: NDArray[np.int32], day: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return the city of each customer on each day: home, another city of the country, or a journey's end."""
    city = np.where(customers.outing[who, day], customers.outing_city[who], customers.city[who])
    for trip in range(customers.trip_city.shape[1]):
        away = (day >= customers.trip_first[who, trip]) & (day <= customers.trip_last[who, trip])
        city = np.where(away, customers.trip_city[who, trip], city)
    return np.asarray(city, dtype=np.int16)


def _shops(world: World, customers: Customers, who: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.int16]:
    everywhere = rng.integers(0, 256, len(who), np.uint8) < 72
    return np.where(everywhere, world.everywhere, world.online_place[customers.country[who]]).astype(np.int16)


def _euros(
    world: World,
    customers: Customers,
    who: NDArray[np.int32],
    category: NDArray[np.int8],
    merchant: NDArray[np.int32],
    country: NDArray[np.int8],
    deviation: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Log-normal amounts: median and spread of the category, level of the customer, prices of shop and country."""
    prices = np.log(geography.COUNTRY_PRICES).astype(np.float32)
    logarithm = categories.LOG_MEDIAN[category] + categories.SPREAD[category] * deviation
    logarithm += (
        categories.ELASTICITY[category] * customers.level[who] + world.merchant_price[merchant] + prices[country]
    )
    return np.asarray(np.exp(logarithm), dtype=np.float32)


def _channels(
    customers: Customers,
    who: NDArray[np.int32],
    category: NDArray[np.int8],
    online: NDArray[np.bool_],
    country: NDArray[np.int8],
    euros: NDArray[np.floating[Any]],
    rng: np.random.Generator,
) -> NDArray[np.int8]:
    n = len(who)
    tap = (rng.random(n, np.float32) < customers.contactless[who]) & (
        (euros < _CONTACTLESS_LIMIT) | (rng.integers(0, 256, n, np.uint8) < 40)
    )
    abroad = country != customers.country[who]
    swiped = rng.integers(0, 256, n, np.uint8) < np.where(abroad, 14, 2)
    channel = np.where(tap, CONTACTLESS, CHIP)
    channel = np.where(swiped, MAGSTRIPE, channel)
    channel = np.where(category == categories.CASH_MACHINES, ATM, channel)
    return np.where(online, IN_ONLINE, channel).astype(np.int8)


def _own_device(
    customers: Customers, who: NDArray[np.int32], day: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int8]:
    device = (customers.devices[who] * rng.random(len(who), np.float32) ** 2).astype(np.int8)
    replaced = (device == 0) & (day >= customers.device_changed[who])
    borrowed = rng.integers(0, 256, len(who), np.uint8) < _BORROWED_DEVICES
    device = np.where(replaced, 2, device)
    return np.where(borrowed, rng.integers(3, INTRUDER_DEVICE, len(who)), device).astype(np.int8)


def _addresses(
    customers: Customers, who: NDArray[np.int32], city: NDArray[np.int16], rng: np.random.Generator
) -> NDArray[np.int8]:
    """Where the customer is, but for the few who reach the shop by way of another country."""
    n = len(who)
    detour = rng.integers(0, 256, n, np.uint8) < 6
    elsewhere = rng.integers(0, len(geography.COUNTRIES), n)
    return np.where(detour, elsewhere, geography.CITY_COUNTRY[city]).astype(np.int8)


def _decline_weights(
    world: World,
    customers: Customers,
    who: NDArray[np.int32],
    day: NDArray[np.int64],
    deviation: NDArray[np.float32],
) -> NDArray[np.float32]:
    """How much likelier a transaction is declined: large ones, tight budgets, the days before the salary."""
    short = world.days_to_pay[customers.pay_day[who], day] < 6
    return np.asarray(np.exp(0.5 * deviation - 0.7 * customers.level[who] + 0.4 * short), dtype=np.float32)


def _declined(
    weights: NDArray[np.float32], channel: NDArray[np.int8], share: float, rng: np.random.Generator
) -> NDArray[np.int8]:
    """Return the reason of each decline, or APPROVED; ``share`` of all are expected to be declined."""
    n = len(weights)
    mean = float(weights.mean(dtype=np.float64)) if n else 1.0
    declined = np.flatnonzero(rng.random(n) * mean < share * weights)
    shares = np.cumsum([_REASON_SHARES[number] for number in range(len(_REASON_SHARES))], axis=1)
    reason = np.full(n, APPROVED, np.int8)
    drawn = rng.random(len(declined))[:, None] >= shares[channel[declined]][:, :-1]
    reason[declined] = drawn.sum(axis=1)
    return reason


def _contracts(
    world: World, customers: Customers, activity: Ends, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, for each monthly contract of the block, its customer and how often it is paid in the period."""
    months = len(world.month_starts)
    if months == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    wished = rng.poisson(2.6, len(customers))
    room = (_MOST_BILLS * customers.genuine / months).astype(np.int64)
    contracts = np.where(activity.rising, 0, np.minimum(wished, room))
    customer = np.repeat(np.arange(len(customers)), contracts)
    begun_before = rng.random(len(customer)) < 0.7
    payments = np.where(begun_before, months, rng.integers(1, months + 1, len(customer)))
    return customer, payments


def _bills(
    world: World,
    customers: Customers,
    customer: NDArray[np.int64],
    payments: NDArray[np.int64],
    per_customer: NDArray[np.int64],
    share_declined: float,
    rng: np.random.Generator,
) -> Rows:
    """Return the monthly payments of contracts: the same merchant, card and day; an amount that rarely changes."""
    contracts = len(customer)
    category = categories.RECURRING[rng.integers(0, len(categories.RECURRING), contracts)]
    place = world.online_place[customers.country[customer]]
    merchant = world.pick(place, category, rng.random(contracts, np.float32))
    country = customers.country[customer]
    euros = _euros(
        world,
        customers,
        customer.astype(np.int32),
        category,
        merchant,
        country,
        rng.standard_normal(contracts, np.float32),
    )
    currency = geography.COUNTRY_CURRENCY[country]
    price = priced(euros, currency, category, rng)
    raised = priced(euros * rng.uniform(1.03, 1.15, contracts), currency, category, rng)
    raised = np.where(rng.random(contracts) < 0.3, np.maximum(raised, price), price)
    day_of_month = rng.integers(0, 28, contracts)
    early = rng.integers(1 * 3600, 6 * 3600, contracts)
    card = (customers.cards[customer] * rng.random(contracts) ** 2).astype(np.int8)

    months = len(world.month_starts)
    which = np.repeat(np.arange(contracts), payments)
    month = months - payments[which] + counting(payments)
    who = customer[which].astype(np.int32)
    day = world.month_starts[month].astype(np.int64) + day_of_month[which] if months else np.empty(0, np.int64)
    n = len(who)
    deviation = rng.standard_normal(n, np.float32)
    amount = np.where(2 * month >= months, raised[which], price[which])
    metered = categories.METERED[category[which]]
    amount = np.where(metered, amount * np.exp(0.12 * deviation), amount)
    channel = np.full(n, IN_RECURRING, np.int8)
    weights = _decline_weights(world, customers, who, day, 0.0 * deviation)
    return Rows(
        serial=_after_everyday(customers, per_customer),
        customer=who,
        second=day * rhythms.SECONDS_PER_DAY + early[which] + rng.integers(0, 900, n),
        card=card[which],
        merchant=merchant[which],
        amount=np.rint(amount * 100.0) / 100.0,
        currency=currency[which],
        channel=channel,
        device=np.full(n, NOWHERE, np.int8),
        address=np.full(n, NOWHERE, np.int8),
        reason=_declined(weights, channel, share_declined, rng),
        pattern=np.zeros(n, np.int8),
    )


def _after_everyday(customers: Customers, per_customer: NDArray[np.int64]) -> NDArray[np.int64]:
    everyday = customers.genuine - per_customer
    return np.repeat(customers.first_genuine + everyday, per_customer) + counting(per_customer)
