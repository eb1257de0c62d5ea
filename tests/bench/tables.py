"""Tables to learn from, made here because a clone has none: numbers, levels, dates and gaps that hang together."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

_LEVELS = 1_000_000


def people(rows: int) -> bytes:
    """Return a CSV of fifteen columns of mixed types, of which most depend on others."""
    chance = np.random.default_rng(7)
    age = chance.gamma(9, 4.3, rows).clip(17, 90).astype(int)
    schooling = (chance.normal(10 + (age > 25), 2.6, rows)).clip(1, 16).astype(int)
    works = chance.choice(["Private", "Self-employed", "Government", "None"], rows, p=[0.7, 0.12, 0.14, 0.04])
    hours = np.where(works == "None", 0, chance.normal(40, 11, rows).clip(1, 99)).astype(int)
    pay = np.exp(chance.normal(8.4 + 0.09 * schooling + 0.006 * age, 0.5)) * hours / 40
    gain = np.where(chance.random(rows) < 0.08, chance.lognormal(8, 1.2, rows).round(), 0)
    since = pd.Timestamp("2015-01-01") + pd.to_timedelta(chance.integers(0, 3650, rows), "D")
    town = chance.zipf(1.4, rows).clip(1, 400)
    member = chance.random(rows) < 1 / (1 + np.exp(12 - np.log(pay + 1) - 0.02 * age))
    table = pd.DataFrame(
        {
            "age": age,
            "schooling": schooling,
            "degree": np.array(["none", "school", "college", "master"])[np.digitize(schooling, [8, 12, 15])],
            "works": works,
            "occupation": [f"occupation {number}" for number in (schooling + chance.integers(0, 6, rows)) % 15],
            "hours": hours,
            "pay": pay.round(2),
            "tax": (pay * 0.19).round(2),
            "gain": gain.astype(int),
            "town": [f"town {number:03d}" for number in town],
            "region": [f"region {number % 12}" for number in town],
            "since": since.strftime("%Y-%m-%d"),
            "height": chance.normal(172, 9, rows).round(1),
            "member": member,
            "children": chance.poisson(np.where(age > 28, 1.4, 0.2)),
        }
    )
    table.loc[chance.random(rows) < 0.06, "occupation"] = None
    table.loc[chance.random(rows) < 0.1, "height"] = None
    return _csv(table)


def parts(rows: int) -> bytes:
    """Return a CSV with a category of a million levels, each at least once if there are rows enough."""
    chance = np.random.default_rng(8)
    level = np.concatenate([np.arange(_LEVELS), chance.zipf(1.2, rows).clip(1, _LEVELS) - 1])[:rows]
    chance.shuffle(level)
    table = pd.DataFrame(
        {
            "part": [f"part {number:07d}" for number in level],
            "weight": (chance.lognormal(3, 0.4, rows) + level % 7).round(2),
            "stock": chance.poisson(20, rows),
        }
    )
    return _csv(table)


def _csv(table: pd.DataFrame) -> bytes:
    target = io.StringIO()
    table.to_csv(target, index=False)
    return target.getvalue().encode()
