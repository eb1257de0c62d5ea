"""The generator: when and where a basket is filled and what for, then its lines, then what it costs."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from generation.generators.tabular.store_baskets.assortment import Assortment, Kind, assortment
from generation.sdk import Cause, Planted, Table, field, generator

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FIRST_STORE = 100
_MOST_LINES = 24
_CUSTOMERS_A_STORE = 4_000
_REGIONS = np.array(["north", "east", "south", "west"])
_SIZES = np.array(["small", "medium", "large"])
_TRADE = np.array([0.6, 1.0, 1.9])  # how many baskets a store of each size has
_WEEKDAYS = np.array([0.92, 0.88, 0.90, 0.98, 1.22, 1.35, 0.55])
#: Hours from 7 to 21: share of the baskets on working days, and at weekends.
_WORKING = np.array([3, 4, 5, 6, 6, 7, 6, 5, 6, 8, 11, 12, 9, 6, 3], np.float64)
_WEEKEND = np.array([1, 4, 8, 11, 12, 11, 9, 8, 8, 8, 7, 6, 4, 2, 1], np.float64)
_OPENING_HOUR = 7


class Parameters(BaseModel):
    """What chain it is, over what time, and how its customers buy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = Field(
        "grocery", title="Kind of store", description="What the stores sell, and with it prices, seasons and occasions."
    )
    stores: int = Field(
        12, title="Stores", description="Number of stores, small, medium and large ones in four regions.", ge=1, le=500
    )
    first_day: date = Field(
        date(2025, 1, 1),
        title="First day",
        description="The day on which the period begins.",
        ge=date(2000, 1, 1),
        le=date(2099, 12, 31),
    )
    days: int = Field(
        365, title="Days", description="Length of the period in days; every basket falls within it.", ge=7, le=1825
    )
    sundays: bool = Field(False, title="Open on Sundays", description="Are the stores open on Sundays?")
    lines: float = Field(
        6.0,
        title="Lines a basket",
        description=f"About how many different products a sale has on average; one at least, {_MOST_LINES} at most.",
        ge=1.5,
        le=12,
    )
    promotions: float = Field(
        0.12,
        title="Promotions",
        description="The share of products that are on promotion in any week, at 10, 20 or 30 % off. The calendar is "
        "part of the chain: with the same settings it is the same in every dataset.",
        ge=0,
        le=0.6,
    )
    uplift: float = Field(
        1.8, title="Uplift", description="How many times better a product sells while on promotion.", ge=1, le=6
    )
    loyalty: float = Field(
        0.45,
        title="Loyalty cards",
        description="The share of baskets whose customer is known by a loyalty card; expected, not exact.",
        ge=0,
        le=1,
    )
    seasons: float = Field(
        1.0,
        title="Seasons",
        description="How strongly products follow the months and trade grows before Christmas: 0 not at all, 1 usual.",
        ge=0,
        le=2,
    )
    returns: float = Field(
        0.02,
        title="Returns",
        description="The share of baskets in which goods are brought back; expected, not exact.",
        ge=0,
        le=0.5,
    )


BASKETS = pa.schema(
    [
        field("basket_id", pa.int64(), "Number of the basket, unique.", role="key"),
        field("kind", pa.string(), "sale, or return: goods that are brought back.", role="label"),
        field("store_id", pa.int32(), "Number of the store.", role="reference"),
        field("store_size", pa.string(), "small, medium or large."),
        field("region", pa.string(), "Region of the store.", role="place"),
        field("paid_at", pa.timestamp("ms"), "When it was paid, in local time.", role="time"),
        field("weekday", pa.int8(), "Day of the week, 1 Monday to 7 Sunday."),
        field(
            "customer_id",
            pa.int64(),
            "Customer, known by a loyalty card; null without one.",
            role="reference",
            nullable=True,
        ),
        field("payment", pa.string(), "cash, card or mobile."),
        field("lines", pa.int16(), "Number of lines.", role="measure"),
        field("pieces", pa.int32(), "Pieces in all; negative for a return.", role="measure"),
        field("discount", pa.float64(), "What promotions took off.", role="measure", unit="EUR"),
        field(
            "total",
            pa.float64(),
            "What was paid: the sum of its lines; negative for a return.",
            unit="EUR",
            role="measure",
        ),
    ]
)
LINES = pa.schema(
    [
        field("basket_id", pa.int64(), "The basket that the line belongs to.", role="reference"),
        field("line", pa.int16(), "Number of the line within its basket, from 1.", role="key"),
        field("product_id", pa.int32(), "Number of the product.", role="reference"),
        field("product", pa.string(), "The product in words."),
        field("category", pa.string(), "Category of the product."),
        field("quantity", pa.int16(), "Pieces; negative when they are brought back.", role="measure"),
        field("list_price", pa.float64(), "Price of a piece without promotion.", role="measure", unit="EUR"),
        field("promotion", pa.int8(), "How much is off this week; 0 for nothing.", role="measure", unit="%"),
        field("unit_price", pa.float64(), "What a piece costs with the promotion.", role="measure", unit="EUR"),
        field("amount", pa.float64(), "Quantity times unit price.", role="measure", unit="EUR"),
    ]
)


def _planted(params: Parameters) -> list[Planted]:
    """Goods that come back, at a share; and how people pay, which hangs on what and who they are."""
    returns = Cause("return", share=params.returns, columns=("pieces", "total", "lines"))
    payments = (Cause("cash", columns=("total",)), Cause("mobile", columns=("customer_id", "total")))
    return [
        Planted("baskets", "kind", (returns,), nothing=("sale",)),
        Planted("baskets", "payment", payments, nothing=("card",)),
    ]


@generator(
    name="store-baskets",
    version="1.1.0",
    title="Baskets of a chain of stores",
    summary="Baskets with store, time, customer and payment, and their lines with product, price and promotion: "
    "seasons by weekday and month, products that are bought together, promotions that work, goods that come back.",
    parameters=Parameters,
    tables=[
        Table("baskets", BASKETS, key=("basket_id",)),
        Table(
            "lines",
            LINES,
            key=("basket_id", "line"),
            references={"basket_id": ("baskets", "basket_id")},
            rows="many",
        ),
    ],
    unit="basket",
    block=4_000,
    seconds_per_block=0.15,
    planted=_planted,
)
def store_baskets(params: Parameters, units: range, rng: np.random.Generator) -> dict[str, pa.RecordBatch]:
    goods = assortment(params.kind)
    n = len(units)
    size, trade = _chain(params.stores)
    store = np.searchsorted(trade, rng.random(n), side="right").clip(0, params.stores - 1)
    day = np.searchsorted(_trading_days(params), rng.random(n), side="right").clip(0, params.days - 1)
    weekday = _weekdays(params)[day]
    returned = rng.random(n) < params.returns
    basket, product = _choices(params, goods, day, weekday, size[store], returned, rng)
    off = _promotions(params, len(goods.number))[day[basket] // 7, product]
    quantity = _quantities(goods, product, off, rng) * np.where(returned[basket], -1, 1)
    price = np.rint(goods.cents[product] * (100 - off) / 100.0).astype(np.int64)
    amount = quantity * price
    counts = np.bincount(basket, minlength=n)
    total = _sums(amount, basket, n)
    customer, known = _customers(params, store, rng)
    numbers = np.arange(units.start, units.stop) + 1
    begins = np.cumsum(counts) - counts
    baskets = {
        "basket_id": numbers,
        "kind": np.where(returned, "return", "sale"),
        "store_id": store + _FIRST_STORE,
        "store_size": _SIZES[size[store]],
        "region": _REGIONS[store % len(_REGIONS)],
        "paid_at": _moments(params, day, weekday, rng),
        "weekday": weekday + 1,
        "customer_id": pa.array(customer, mask=~known),
        "payment": _payments(total, known, rng),
        "lines": counts,
        "pieces": _sums(quantity, basket, n),
        "discount": _sums(quantity * (goods.cents[product] - price), basket, n) / 100.0,
        "total": total / 100.0,
    }
    lines = {
        "basket_id": numbers[basket],
        "line": np.arange(len(basket)) - begins[basket] + 1,
        "product_id": goods.number[product],
        "product": goods.name[product],
        "category": goods.category[product],
        "quantity": quantity,
        "list_price": goods.cents[product] / 100.0,
        "promotion": off,
        "unit_price": price / 100.0,
        "amount": amount / 100.0,
    }
    return {"baskets": _batch(baskets, BASKETS), "lines": _batch(lines, LINES)}


@cache
def _chain(stores: int) -> tuple[Ints, Floats]:
    """Size of each store, and the share of all trade that the stores up to it have. It is of the chain, not the run."""
    rng = np.random.Generator(np.random.Philox(key=2_025))
    size = np.searchsorted([0.35, 0.8], rng.random(500), side="right")[:stores]
    trade = _TRADE[size] * rng.uniform(0.8, 1.25, 500)[:stores]
    return size, np.cumsum(trade) / trade.sum()


@cache
def _weekdays(params: Parameters) -> Ints:
    """Weekday of each day of the period, 0 Monday."""
    return (np.datetime64(params.first_day, "D").astype(np.int64) + 3 + np.arange(params.days)) % 7


@cache
def _trading_days(params: Parameters) -> Floats:
    """How much of all trade has happened by the end of each day: weekdays, and the weeks before Christmas."""
    weights = _WEEKDAYS[_weekdays(params)]
    if not params.sundays:
        weights = np.where(_weekdays(params) == 6, 0.0, weights)
    to_christmas = (359 - _day_of_year(params)) % 365
    weights = weights * (1 + 0.55 * params.seasons * np.exp(-to_christmas / 9.0) * (to_christmas > 0))
    weights = weights * np.where(to_christmas == 0, 0.05, 1.0)
    return np.asarray(np.cumsum(weights) / weights.sum())


@cache
def _day_of_year(params: Parameters) -> Ints:
    """Number of each day of the period within its year, 1 for New Year's Day."""
    days = np.datetime64(params.first_day, "D") + np.arange(params.days)
    return np.asarray((days - days.astype("datetime64[Y]")).astype(np.int64) + 1)


@cache
def _promotions(params: Parameters, products: int) -> Ints:
    """Percent off by week and product; of the chain, not of the run."""
    rng = np.random.Generator(np.random.Philox(key=1_995))
    weeks = params.days // 7 + 1
    on = rng.random((weeks, products)) < params.promotions
    return np.where(on, rng.choice([10, 20, 30], (weeks, products), p=[0.4, 0.35, 0.25]), 0)


def _choices(
    params: Parameters,
    goods: Assortment,
    day: Ints,
    weekday: Ints,
    size: Ints,
    returned: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """(basket, product) of each line: different products, drawn by how well each sells to whom, when and what for."""
    n, products = len(day), len(goods.number)
    month = 12.0 * _day_of_year(params)[day] / 365.25 + 0.5
    near = np.cos(2 * np.pi * (month[:, None] - goods.peak) / 12.0)
    lively = np.where(goods.peak > 0, params.seasons * goods.season * (near**3 - 0.2), 0.0)
    lively = lively + goods.weekend * np.isin(weekday, (4, 5))[:, None]
    occasion = np.where(rng.random(n) < 0.6, rng.integers(0, len(goods.occasions), n), -2)
    lively += 1.7 * (goods.occasion == occasion[:, None])
    on = _promotions(params, products)[day // 7] > 0
    score = np.log(goods.popularity) + lively + np.log(params.uplift) * on + rng.gumbel(size=(n, products))
    best_first = np.argsort(-score, axis=1, kind="stable")
    mean = (params.lines - 1.0) * np.array([0.75, 1.0, 1.2])[size] * np.where(np.isin(weekday, (4, 5)), 1.2, 0.93)
    counts = 1 + rng.poisson(mean * rng.gamma(1.6, 1 / 1.6, n))
    counts = np.where(returned, 1 + (rng.random(n) < 0.2), counts.clip(1, min(_MOST_LINES, products)))
    chosen = np.arange(products) < counts[:, None]
    return np.repeat(np.arange(n), counts), best_first[chosen]


def _quantities(goods: Assortment, product: Ints, off: Ints, rng: np.random.Generator) -> Ints:
    """Pieces of each line: more of what is cheap, and more on promotion; of dear things one."""
    cheap = np.clip(1.1 - goods.cents[product] / 900.0, 0.02, 1.0)
    return np.asarray(1 + np.minimum(rng.poisson(0.45 * cheap * (1 + off / 25.0)), 11))


def _customers(params: Parameters, store: Ints, rng: np.random.Generator) -> tuple[Ints, NDArray[np.bool_]]:
    """Who it was, and whether that is known: few come often, many seldom, each to a store of their own."""
    rank = np.floor(_CUSTOMERS_A_STORE * rng.random(len(store)) ** 2.2).astype(np.int64)
    return (store + _FIRST_STORE) * 10_000 + rank, rng.random(len(store)) < params.loyalty


def _moments(params: Parameters, day: Ints, weekday: Ints, rng: np.random.Generator) -> NDArray[Any]:
    drawn, within = rng.random(len(day)), rng.integers(0, 3600, len(day))
    working, weekend = (np.searchsorted(np.cumsum(w) / w.sum(), drawn, side="right") for w in (_WORKING, _WEEKEND))
    hour = _OPENING_HOUR + np.where(weekday >= 5, weekend, working).clip(0, len(_WORKING) - 1)
    second = hour * 3600 + within
    first = np.datetime64(params.first_day, "ms")
    return np.asarray(first + ((day * 86_400 + second) * 1000).astype("timedelta64[ms]"))


def _payments(total: Ints, known: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[Any]:
    """Small amounts are paid in cash, members pay by telephone more often."""
    euros = np.abs(total) / 100.0
    cash = 0.62 * np.exp(-euros / 28.0) + 0.08
    mobile = np.where(known, 0.22, 0.09) * (1 - cash)
    drawn = rng.random(len(total))
    return np.where(drawn < cash, "cash", np.where(drawn < cash + mobile, "mobile", "card"))


def _sums(values: Ints, basket: Ints, n: int) -> Ints:
    result = np.zeros(n, np.int64)
    np.add.at(result, basket, values)
    return result


def _batch(columns: dict[str, Any], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(columns[one.name]).cast(one.type) for one in schema], schema=schema)
