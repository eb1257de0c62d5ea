"""The demo shelves of the one-machine stack: who sells there, and what is made on first start.

What a listing says at length, its card, lies beside this file as Markdown, under the listing's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from marketplace.site.shelves import Shelf

CARDS = Path(__file__).parent / "cards"

FENNEL = "fennel-data"
KESTREL = "kestrel-vision"

#: The organisations that sell on the demo shelves, by slug; both are made up.
SELLERS: Mapping[str, str] = {FENNEL: "Fennel Data Works", KESTREL: "Kestrel Vision Lab"}


def _shelf(seller: str, domain: str, name: str, **told: object) -> Shelf:
    card = (CARDS / f"{name}.md").read_text(encoding="utf-8")
    return Shelf(seller=seller, domain=domain, name=name, card=card, **told)  # type: ignore[arg-type]


_finance = partial(_shelf, FENNEL, "finance")
_health = partial(_shelf, FENNEL, "health")
_retail = partial(_shelf, FENNEL, "retail")
_manufacturing = partial(_shelf, KESTREL, "manufacturing")
_vision = partial(_shelf, KESTREL, "vision")

#: What is made on first start, in this order: the small ones first, so that the shelves fill before one's eyes.
SHELVES: tuple[Shelf, ...] = (
    _retail(
        "drugstore-promotions",
        title="Drugstore baskets under heavy promotion",
        summary="Half a year of a drugstore chain in which three products in ten are on promotion in any week.",
        generator="store-baskets",
        units=20_000,
        parameters={"kind": "drugstore", "stores": 30, "days": 182, "promotions": 0.3, "uplift": 2.5, "lines": 4.5},
    ),
    _health(
        "hard-winter-practice",
        title="A general practice in a hard winter",
        summary="October to March in general practices while infections come twice as strongly as usual.",
        generator="clinic-visits",
        units=8_000,
        price=7_900,
        parameters={
            "setting": "primary care",
            "first_day": "2025-10-01",
            "days": 182,
            "winter": 2.0,
            "visits": 2.5,
            "not_measured": 0.2,
        },
    ),
    _vision(
        "dents-in-raking-light",
        title="Dents in raking light",
        summary="Small pictures of brushed metal lit almost from the side, which shows dents by their shadows.",
        generator="surface-defects",
        units=600,
        price=4_900,
        parameters={
            "size": 128,
            "classes": ["dent"],
            "most_defects": 2,
            "defect_free_share": 0.5,
            "elevation_from": 12.0,
            "elevation_to": 24.0,
        },
    ),
    _finance(
        "everyday-card-spending",
        title="Everyday card spending, without fraud",
        summary="Three months of genuine card payments in four countries: rhythms of the week, bills, travel.",
        generator="card-transactions",
        units=2_500,
        price=9_900,
        parameters={
            "countries": ["DE", "FR", "ES", "IT"],
            "days": 91,
            "transactions": 100_000,
            "card_testing": 0.0,
            "account_takeover": 0.0,
            "merchant_collusion": 0.0,
            "unusual_travel": 0.0,
            "bust_out": 0.0,
        },
    ),
    _manufacturing(
        "troubled-line-reports",
        title="Inspection reports of a troubled line",
        summary="Parts of a line that has drifted: one measurement in five out of tolerance, few faultless surfaces.",
        generator="inspection-reports",
        units=400,
        parameters={"size": 128, "sound_share": 0.15, "most_defects": 4, "out_of_tolerance": 0.2},
    ),
    _health(
        "primary-care-visits",
        title="Visits to general practices",
        summary="One year of patients and their visits: diagnosis, vital signs, laboratory, medicine and outcome.",
        generator="clinic-visits",
        units=15_000,
    ),
    _retail(
        "garden-centre-seasons",
        title="Two years of home and garden baskets",
        summary="Baskets of a home and garden chain through two springs: strong seasons, dear goods, returns.",
        generator="store-baskets",
        units=30_000,
        price=14_900,
        parameters={
            "kind": "home and garden",
            "stores": 9,
            "first_day": "2024-01-01",
            "days": 731,
            "lines": 3.0,
            "seasons": 1.4,
            "returns": 0.06,
        },
    ),
    _vision(
        "faint-scratches",
        title="Faint scratches on brushed metal",
        summary="Scratches that are hard to see: low severity, one to three a picture, a pixel mask for each.",
        generator="surface-defects",
        units=300,
        parameters={"classes": ["scratch"], "severity_from": 0.05, "severity_to": 0.35, "defect_free_share": 0.3},
    ),
    _finance(
        "account-takeover",
        title="Card payments with frequent account takeover",
        summary="Half a year of card payments in which one customer in twenty has their account taken over.",
        generator="card-transactions",
        units=5_000,
        parameters={
            "days": 182,
            "card_testing": 0.0,
            "account_takeover": 0.05,
            "merchant_collusion": 0.0,
            "unusual_travel": 0.01,
            "bust_out": 0.0,
        },
    ),
    _manufacturing(
        "inspection-reports",
        title="Inspection reports: picture, note and measurements",
        summary="Parts with a picture, a written note that agrees with it, and a table of measurements by part.",
        generator="inspection-reports",
        units=500,
    ),
    _health(
        "hospital-visits",
        title="Visits to the departments of a hospital",
        summary="One year of out-patients and emergencies of a city hospital, with who was admitted and who came back.",
        generator="clinic-visits",
        units=20_000,
        parameters={"setting": "hospital", "mean_age": 54.0, "visits": 3.0, "not_measured": 0.08},
    ),
    _retail(
        "grocery-baskets",
        title="A year of grocery baskets",
        summary="Baskets of a grocery chain, line by line: seasons, weekends, promotions, what is bought together.",
        generator="store-baskets",
        units=60_000,
        parameters={"stores": 24},
    ),
    _vision(
        "brushed-metal-defects",
        title="Surface defects on brushed metal",
        summary="Pictures of brushed metal with scratches, dents, stains and holes: box, mask, class and severity.",
        generator="surface-defects",
        units=1_000,
    ),
    _finance(
        "card-transactions",
        title="Card payments with labelled fraud",
        summary="One year of card payments by made-up customers, with five named fraud patterns at known rates.",
        generator="card-transactions",
        units=15_000,
    ),
)

#: What orders on the house's generators cost, in minor units; on those that are not here they are free.
TARIFFS: Mapping[str, Mapping[str, Any]] = {
    "clinic-visits": {
        "base": 900,
        "per_unit": 300,
        "per_units": 1_000,
        "surcharges": [{"parameter": "setting", "equals": "hospital", "percent": 1_000, "title": "A hospital"}],
    },
    "store-baskets": {"base": 500, "per_unit": 100, "per_units": 1_000, "minimum": 700},
}

#: Generators that are registered for the house.
HOUSE_GENERATORS = (
    "card-transactions",
    "tabular",
    "augmented",
    "surface-defects",
    "inspection-reports",
    "clinic-visits",
    "store-baskets",
)
