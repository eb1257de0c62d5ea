"""The demo shelves of the one-machine stack: who sells there, and what is made on first start."""

from __future__ import annotations

from marketplace.site.shelves import Shelf

#: What is made on first start.
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
    Shelf(
        name="brushed-metal-defects",
        title="Surface defects on brushed metal",
        summary="Pictures of brushed metal with scratches, dents, stains and holes: box, mask, class and severity.",
        card=(
            "Each picture shows a piece of brushed metal under raking light. Defects change height, colour and finish "
            "before the light falls on them, so shading and mask agree. Boxes are computed from the masks.\n\n"
            "Intended use: prototyping detectors and segmenters, studying rare classes, testing annotation tools. "
            "Known gaps: flat parts seen straight on, one surface, no dust or fingerprints. "
            "Transfer to pictures of real parts was not measured."
        ),
        generator="surface-defects",
        units=1_200,
    ),
    Shelf(
        name="inspection-reports",
        title="Inspection reports: picture, note and measurements",
        summary="Parts with a picture, a written note that agrees with it, and a table of measurements by part.",
        card=(
            "Each part has a picture of its surface, a note written from the same facts, a verdict by a stated rule, "
            "and measurements against nominal values and tolerances in a second table.\n\n"
            "Intended use: models that read pictures and text together, checking agreement between them, joins. "
            "Known gaps: notes are in English and written from patterns of sentences."
        ),
        generator="inspection-reports",
        units=600,
    ),
)

#: Generators that are registered for the house.
HOUSE_GENERATORS = (
    "card-transactions",
    "tabular",
    "surface-defects",
    "inspection-reports",
    "clinic-visits",
    "store-baskets",
)
