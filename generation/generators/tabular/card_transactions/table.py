"""The one table that buyers receive: its columns, and how rows under way become it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generation.generators.tabular.card_transactions import categories, geography
from generation.generators.tabular.card_transactions.customers import (
    DEVICES,
    INCOME_BANDS,
    SCHEMES,
    TYPES,
    Customers,
)
from generation.generators.tabular.card_transactions.parameters import Parameters
from generation.generators.tabular.card_transactions.plan import PATTERNS, Plan
from generation.generators.tabular.card_transactions.rows import APPROVED, ATM, CHANNELS, REASONS, Rows
from generation.generators.tabular.card_transactions.world import World
from generation.sdk import Streams, field

SCHEMA = pa.schema(
    [
        field("transaction_id", pa.int64(), "Number of the transaction, unique, in no order", role="key"),
        field("customer_id", pa.int64(), "Customer who holds the card", role="reference"),
        field("sequence", pa.int32(), "Place of the transaction among the customer's by time, from 1", role="key"),
        field("timestamp", pa.timestamp("ms"), "When it happened, in local time of the customer's home", role="time"),
        field(
            "seconds_since_previous",
            pa.int64(),
            "Time since the customer's previous transaction, whatever the card; null for the first",
            role="measure",
            unit="s",
            nullable=True,
        ),
        field("age_band", pa.string(), "Age of the customer in years", role="sensitive"),
        field("income_band", pa.string(), "Income of the customer against others of the dataset", role="sensitive"),
        field("home_city", pa.string(), "City where the customer lives", role="place"),
        field("home_country", pa.string(), "Country where the customer lives, ISO 3166 code", role="place"),
        field("card_id", pa.int64(), "Card used; its last digit counts the cards of the customer", role="reference"),
        field("card_scheme", pa.string(), "Scheme of the card"),
        field("card_type", pa.string(), "debit or credit"),
        field("card_issued", pa.date32(), "Day on which the card was issued", role="time"),
        field("card_limit", pa.int32(), "What the card may spend in a month", role="measure", unit="EUR"),
        field("merchant_id", pa.int32(), "Merchant who was paid", role="reference"),
        field("merchant_category_code", pa.int16(), "Merchant category code, ISO 18245"),
        field("merchant_category", pa.string(), "Merchant category in words"),
        field("merchant_city", pa.string(), "City of the merchant; for an online shop, of its seat", role="place"),
        field("merchant_country", pa.string(), "Country of the merchant, ISO 3166 code", role="place"),
        field(
            "merchant_latitude",
            pa.float32(),
            "Where the card was presented; null if it was not",
            role="place",
            unit="°",
            nullable=True,
        ),
        field(
            "merchant_longitude",
            pa.float32(),
            "Where the card was presented; null if it was not",
            role="place",
            unit="°",
            nullable=True,
        ),
        field(
            "distance_from_home",
            pa.float32(),
            "Great-circle distance from the customer's home; null if the card was not presented",
            role="measure",
            unit="km",
            nullable=True,
        ),
        field(
            "channel",
            pa.string(),
            "How the card was used: chip, contactless, magstripe, atm (presented); online, recurring (not presented)",
        ),
        field(
            "device_id",
            pa.int64(),
            "Device from which an online payment was made; null for others",
            role="reference",
            nullable=True,
        ),
        field(
            "ip_country",
            pa.string(),
            "Country of the network address of an online payment, ISO 3166 code; null for others",
            role="place",
            nullable=True,
        ),
        field("amount", pa.float64(), "Amount in the currency of the column beside it", role="measure"),
        field("currency", pa.string(), "Currency of the amount, ISO 4217 code"),
        field("amount_eur", pa.float64(), "Amount at the fixed rates of this dataset", role="measure", unit="EUR"),
        field("approved", pa.bool_(), "Whether the bank approved the transaction"),
        field("decline_reason", pa.string(), "Why it was declined; null if it was approved", nullable=True),
        field("is_fraud", pa.bool_(), "Whether the transaction belongs to a planted pattern of fraud", role="label"),
        field("fraud_pattern", pa.string(), "The pattern it belongs to, or none", role="label"),
    ]
)


def make(
    parameters: Parameters, world: World, customers: Customers, totals: Plan, streams: Streams, rows: Rows
) -> pa.RecordBatch:
    """Return ``rows`` as the table, ordered by customer and time."""
    rows = rows.take(_order(rows))
    who, merchant = rows.customer, rows.merchant
    first = np.r_[True, who[1:] != who[:-1]]
    begins = np.flatnonzero(first)
    present = rows.channel <= ATM
    category = world.merchant_category[merchant]
    merchant_city = world.merchant_city[merchant]
    card = who * customers.card_limit.shape[1] + rows.card
    degrees = world.merchant_degrees[merchant]
    since = np.r_[0, np.diff(rows.second)]
    issued = np.datetime64(parameters.start, "D") - customers.card_issued.ravel()[card].astype("timedelta64[D]")
    columns = {
        "transaction_id": 1 + streams.permute("transaction", rows.serial, totals.transactions),
        "customer_id": customers.number[who],
        "sequence": (np.arange(len(rows)) - np.repeat(begins, np.diff(np.r_[begins, len(rows)])) + 1).astype(np.int32),
        "timestamp": np.datetime64(parameters.start, "ms") + (rows.second * 1000).astype("timedelta64[ms]"),
        "seconds_since_previous": pa.array(since, mask=first),
        "age_band": _words(categories.AGE_BANDS, customers.age[who]),
        "income_band": _words(INCOME_BANDS, customers.income[who]),
        "home_city": _words(_CITY_NAMES, customers.city[who]),
        "home_country": _words(geography.COUNTRY_CODES, customers.country[who]),
        "card_id": customers.number[who] * 10 + rows.card + 1,
        "card_scheme": _words(SCHEMES, customers.card_scheme.ravel()[card]),
        "card_type": _words(TYPES, customers.card_credit.ravel()[card].astype(np.int8)),
        "card_issued": issued,
        "card_limit": customers.card_limit.ravel()[card],
        "merchant_id": world.merchant_id[merchant],
        "merchant_category_code": categories.CODES[category],
        "merchant_category": _words(_CATEGORY_NAMES, category),
        "merchant_city": _words(_CITY_NAMES, merchant_city),
        "merchant_country": _words(geography.COUNTRY_CODES, geography.CITY_COUNTRY[merchant_city]),
        "merchant_latitude": pa.array(degrees[:, 0].astype(np.float32), mask=~present),
        "merchant_longitude": pa.array(degrees[:, 1].astype(np.float32), mask=~present),
        "distance_from_home": pa.array(_distances(customers, who, degrees, present), mask=~present),
        "channel": _words(CHANNELS, rows.channel),
        "device_id": pa.array(_devices(customers, totals, streams, rows), mask=rows.device < 0),
        "ip_country": _words(geography.COUNTRY_CODES, rows.address),
        "amount": rows.amount,
        "currency": _words(geography.CURRENCY_CODES, rows.currency),
        "amount_eur": np.rint(rows.amount / geography.CURRENCY_PER_EUR[rows.currency] * 100.0) / 100.0,
        "approved": rows.reason == APPROVED,
        "decline_reason": _words(REASONS, rows.reason),
        "is_fraud": rows.pattern > 0,
        "fraud_pattern": _words(PATTERNS, rows.pattern),
    }
    return pa.RecordBatch.from_arrays([pa.array(columns[column.name], column.type) for column in SCHEMA], schema=SCHEMA)


def _order(rows: Rows) -> NDArray[np.int64]:
    """Return the order by customer, then time, then origin: one sort of whole numbers that hold all three."""
    if len(rows) >= 1 << 24:
        raise ValueError("a block holds fewer than 16,777,216 transactions")
    keys = (rows.customer.astype(np.int64) << 50) | (rows.second << 24) | np.arange(len(rows))
    keys.sort()
    return keys & ((1 << 24) - 1)


def _words(vocabulary: tuple[str, ...], indices: NDArray[Any]) -> pa.StringArray:
    """Return the words at ``indices``; a negative one gives null."""
    absent = indices < 0
    chosen = pa.array(indices, mask=absent) if absent.any() else pa.array(indices)
    return _vocabulary(vocabulary).take(chosen)


@cache
def _vocabulary(words: tuple[str, ...]) -> pa.StringArray:
    return pa.array(words, pa.string())


def _distances(
    customers: Customers, who: NDArray[np.int32], degrees: NDArray[np.float64], present: NDArray[np.bool_]
) -> NDArray[np.float32]:
    distance = np.zeros(len(who), np.float32)
    homes = geography.unit_vectors(customers.home_degrees)
    distance[present] = geography.distance_km(homes[who[present]], geography.unit_vectors(degrees[present]))
    return distance


def _devices(customers: Customers, totals: Plan, streams: Streams, rows: Rows) -> NDArray[np.int64]:
    """Return numbers of devices that tell neither whose they are nor whether they are an intruder's."""
    known = customers.number[:, None] * DEVICES + np.arange(DEVICES)
    numbers = streams.permute("device", known.ravel(), totals.customers * DEVICES).reshape(known.shape)
    return np.asarray(1 + numbers[rows.customer, rows.device])


_CITY_NAMES = tuple(city.name for city in geography.CITIES)
_CATEGORY_NAMES = tuple(category.name for category in categories.CATEGORIES)
