"""People for the judge to look at: a population with dependences, from which tables are drawn."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

TOWNS = ("Aden", "Bonn", "Cork", "Dax", "Elva", "Faro", "Graz", "Hull")


def people(rows: int, rng: np.random.Generator) -> pa.Table:
    """Draw people: towns with incomes and rents of their own, ages, missing values, a heavy tail and many zeros."""
    town = rng.choice(len(TOWNS), rows, p=np.array([8, 6, 5, 4, 3, 2, 1, 1]) / 30)
    woman = rng.random(rows) < 0.5
    age = np.clip(rng.normal(45, 15, rows), 18, 90).round()
    income = np.exp(rng.normal(10 + town / 10 + age / 100, 0.5)).round(2)
    rent = (income * rng.uniform(0.15, 0.4, rows) / 12).round(2)
    savings = np.where(rng.random(rows) < 0.7, 0, rng.pareto(2, rows) * 1000).round(2)
    smokes = rng.random(rows) < 0.2 + 0.2 * woman
    return pa.table(
        {
            "town": pa.array([TOWNS[one] for one in town]),
            "sex": pa.array(np.where(woman, "f", "m").tolist()),
            "age": pa.array(age.astype(np.int64)),
            "income": pa.array(income),
            "rent": pa.array(rent, mask=rng.random(rows) < 0.1),
            "savings": pa.array(savings),
            "smokes": pa.array(smokes.tolist()),
        }
    )
