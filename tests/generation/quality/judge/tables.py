"""Tables of people made up for the judge's tests: what is learned, a hold-out of the same kind, and what is made."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def people(rows: int, seed: int, *, drift: float = 0.0) -> pa.Table:
    """People whose columns depend on each other; ``drift`` makes them other people."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 91, rows)
    region = rng.choice(["north", "south", "west", "isles"], rows, p=[0.5, 0.3, 0.15, 0.05])
    income = np.round(np.exp(rng.normal(7.5 + age / 80 + drift, 0.4, rows)), 0)
    hours = np.round(np.clip(rng.normal(38 - age / 20, 6, rows), 0, 80), 1)
    odds = (age - 50) / 10 + 0.8 * (region == "south") + np.log(income) - 8.5 + drift
    ill = rng.random(rows) < 1 / (1 + np.exp(-odds))
    return pa.table(
        {
            "age": age,
            "region": region,
            "income": pa.array(income, mask=rng.random(rows) < 0.05),
            "hours": hours,
            "ill": np.where(ill, "yes", "no"),
        }
    )
