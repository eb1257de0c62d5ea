"""The rate of tax that Stripe gives with a page, as it is kept with the payment and printed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing.processor.taxes import percent_of_page


def part(percent: float, taxable: int, effective: float | None = None) -> dict[str, Any]:
    return {"rate": {"percentage": percent, "effective_percentage": effective}, "taxable_amount": taxable}


@pytest.mark.parametrize(
    ("items", "percent"),
    [
        ([[part(21.0, 10_000)]], "21"),
        ([[part(6.25, 1_000), part(1.0, 1_000), part(0.125, 1_000)]], "7.375"),
        ([[part(6.25, 1_000), part(0.0, 0)]], "6.25"),
        ([[part(0.0, 0)]], "0"),
        ([[part(21.0, 1_000, effective=10.5)]], "10.5"),
        ([[part(21.0, 1_000)], [part(21.0, 5_000)]], "21"),
        ([[part(6.25, 1_000), part(1.0, 500)]], None),
        ([[part(21.0, 1_000)], [part(9.0, 1_000)]], None),
        ([[]], None),
        ([], None),
    ],
)
def test_a_rate_is_kept_only_where_it_is_that_of_all(items: list[list[dict[str, Any]]], percent: str | None) -> None:
    page = {"line_items": {"data": [{"taxes": taxes} for taxes in items]}}
    assert percent_of_page(page) == (None if percent is None else Decimal(percent))


def test_a_server_that_says_no_rates_gives_none() -> None:
    assert percent_of_page({"line_items": None}) is None
    assert percent_of_page({}) is None
