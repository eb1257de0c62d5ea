"""The answer key: what was planted, exactly how much of it, how it was made and where it shows."""

from __future__ import annotations

import datetime

from generation.generators.tabular.card_transactions import categories, geography
from generation.generators.tabular.card_transactions.parameters import Parameters
from generation.generators.tabular.card_transactions.plan import PATTERNS, Plan
from generation.generators.tabular.card_transactions.world import World
from generation.sdk import Cause, Json, Planted, planted_json

_CAUSES: dict[str, tuple[str, tuple[str, ...]]] = {
    "card_testing": (
        "A program tries a stolen card number with sums of about 0.3 to 6 euros, seconds to minutes apart, at up to "
        "three online shops of a small set; about 62 % are declined. The last one, 3 to 90 minutes later, is large.",
        (
            "amount_eur",
            "seconds_since_previous",
            "approved",
            "decline_reason",
            "device_id",
            "ip_country",
            "merchant_id",
        ),
    ),
    "account_takeover": (
        "Somebody else pays online, median 115 euros times the customer's level, about 25 minutes apart; 88 % from a "
        "device never seen before, mostly by way of another country.",
        ("device_id", "ip_country", "amount_eur", "seconds_since_previous", "merchant_category", "timestamp"),
    ),
    "merchant_collusion": (
        "Cards pass round sums through the merchants of one ring within its window, by chip or contactless; 85 % of "
        "those who take part live in the ring's city.",
        ("merchant_id", "amount", "card_id", "timestamp"),
    ),
    "unusual_travel": (
        "A copied card is presented more than 1,500 km away from home, so soon after a grocery purchase at home with "
        "the same card that the way would have been made at more than 1,000 km/h.",
        ("timestamp", "distance_from_home", "merchant_latitude", "merchant_longitude", "card_id", "channel"),
    ),
    "bust_out": (
        "A young credit card with a generous limit is used more and more, without monthly bills; in its last 14 to 84 "
        "hours it is charged to its limit, what exceeds it is declined, and the customer makes no transaction "
        "afterwards. The rising use before is honest in form and not labelled.",
        ("card_issued", "card_limit", "amount_eur", "timestamp", "decline_reason", "merchant_category"),
    ),
}


def answer_key(parameters: Parameters, totals: Plan, world: World) -> Json:
    """Return what was planted as JSON: exact totals by pattern, the rings with their windows, the tested merchants."""
    return {
        "labels": {"is_fraud": "transaction", "fraud_pattern": "transaction"},
        "customers": totals.customers,
        "transactions": totals.transactions,
        "genuine_transactions": totals.genuine,
        "fraudulent_transactions": totals.fraudulent,
        "share_of_customers_attacked": totals.attacked / totals.customers,
        "share_of_transactions_fraudulent": totals.fraudulent / totals.transactions,
        "expected_share_of_genuine_declined": parameters.declines,
        "patterns": {
            planted.name: {
                "share_of_customers_asked": getattr(parameters, planted.name),
                "customers": planted.customers,
                "transactions": planted.rows,
                "transactions_per_customer": [planted.fewest, planted.most],
                "how": _CAUSES[planted.name][0],
                "columns_that_tell": _CAUSES[planted.name][1],
            }
            for planted in totals.planted
        },
        "rings": _rings(parameters, totals, world),
        "tested_merchants": world.merchant_id[world.tested_merchants].tolist(),
        "euro_rates": {currency.code: currency.per_eur for currency in geography.CURRENCIES},
        **planted_json([_planted(totals)]),
    }


def _planted(totals: Plan) -> Planted:
    """What the platform may look for: each pattern's transactions, to the row."""
    return Planted(
        table="default",
        column="fraud_pattern",
        causes=tuple(
            Cause(pattern.name, rows=pattern.rows, columns=_CAUSES[pattern.name][1]) for pattern in totals.planted
        ),
        nothing=(PATTERNS[0],),
        gives_away=("is_fraud",),
        unit="customer_id",
    )


def _rings(parameters: Parameters, totals: Plan, world: World) -> Json:
    participants = next(planted.customers for planted in totals.planted if planted.name == "merchant_collusion")
    number = min(participants, len(world.ring_city))
    rings = []
    for ring in range(number):
        members = world.ring_merchants[ring, : world.ring_size[ring]]
        first = parameters.start + datetime.timedelta(days=int(world.ring_first_day[ring]))
        rings.append(
            {
                "city": geography.CITIES[world.ring_city[ring]].name,
                "first_day": first.isoformat(),
                "last_day": (first + datetime.timedelta(days=int(world.ring_days[ring]) - 1)).isoformat(),
                "participants": len(range(ring, participants, len(world.ring_city))),
                "merchants": [
                    {
                        "merchant_id": int(world.merchant_id[member]),
                        "merchant_category": categories.CATEGORIES[world.merchant_category[member]].name,
                    }
                    for member in members
                ],
            }
        )
    return rings
