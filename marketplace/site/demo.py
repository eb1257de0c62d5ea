"""The demo shelves of the one-machine stack: who sells there, and what is made on first start."""

from __future__ import annotations

from marketplace.site.shelves import Shelf

#: (reference for the runner, shelf)
SHELVES: tuple[Shelf, ...] = (
    Shelf(
        name="card-transactions",
        title="Card payments with labelled fraud",
        summary="One year of card payments by made-up customers, with five named fraud patterns at known rates.",
        card=(
            "Payments of customers with cards, home towns and habits, at merchants of many categories, over one year. "
            "Fraud is planted in five named patterns, each with its own rate, and labelled; the answer key says what "
            "was planted and why.\n\n"
            "Intended use: developing and comparing fraud models, teaching, testing pipelines. "
            "Known gaps: no chargebacks, no merchant disputes, one currency a country; customers do not move house. "
            "It was not fitted to any bank's data, so rates and amounts are not those of a real portfolio."
        ),
        generator="card-transactions",
        units=20_000,
    ),
)

#: Generators that are registered for the house.
HOUSE_GENERATORS = ("card-transactions", "tabular")
