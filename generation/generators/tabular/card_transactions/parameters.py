"""What a buyer may ask of card transactions."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from generation.generators.tabular.card_transactions.geography import HomeCountry

#: Rows made for each customer when no exact number was asked.
TRANSACTIONS_PER_CUSTOMER = 60


def _distinct(countries: tuple[HomeCountry, ...]) -> tuple[HomeCountry, ...]:
    if len(set(countries)) != len(countries):
        raise ValueError("a country is named twice; name each once")
    return countries


class Parameters(BaseModel):
    """Each customer suffers one pattern at most; exactly ``share * customers``, rounded down or up, suffer it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    transactions: int | None = Field(
        default=None,
        title="Transactions",
        description=f"Exact number of rows in all; if left empty, {TRANSACTIONS_PER_CUSTOMER} for each customer.",
        ge=1,
        le=2_000_000_000,
    )
    countries: Annotated[tuple[HomeCountry, ...], AfterValidator(_distinct)] = Field(
        default=("DE", "FR", "GB", "ES", "IT", "NL", "PL"),
        title="Home countries",
        description="Where the customers live (ISO 3166 codes), by the inhabitants of the cities. They travel further.",
        min_length=1,
        json_schema_extra={"uniqueItems": True},
    )
    start: date = Field(
        default=date(2025, 1, 1),
        title="First day",
        description="The day on which the period begins.",
        ge=date(2000, 1, 1),
        le=date(2099, 12, 31),
    )
    days: int = Field(
        default=365,
        title="Days",
        description="Length of the period in days; every transaction falls within it.",
        ge=28,
        le=730,
    )
    card_testing: float = Field(
        default=0.010,
        title="Card testing",
        description="Share of customers whose stolen card number is tried with tiny online amounts, then used.",
        ge=0.0,
        le=1.0,
    )
    account_takeover: float = Field(
        default=0.008,
        title="Account takeover",
        description="Share of customers whose account is used by somebody else, on a new device and for high amounts.",
        ge=0.0,
        le=1.0,
    )
    merchant_collusion: float = Field(
        default=0.006,
        title="Merchant collusion",
        description="Share of customers whose cards pass round sums through a ring of colluding merchants.",
        ge=0.0,
        le=1.0,
    )
    unusual_travel: float = Field(
        default=0.006,
        title="Unusual travel",
        description="Share of customers whose copied card is presented too far away, too soon after they paid at home.",
        ge=0.0,
        le=1.0,
    )
    bust_out: float = Field(
        default=0.004,
        title="Bust-out",
        description="Share of customers who use a credit card more and more, then exhaust its limit and disappear.",
        ge=0.0,
        le=1.0,
    )
    declines: float = Field(
        default=0.03,
        title="Declined genuine transactions",
        description="Expected share of the genuine transactions that are declined.",
        ge=0.0,
        le=0.3,
    )
