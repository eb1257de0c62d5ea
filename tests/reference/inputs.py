"""The tables that independent tools and ours are given: made from seeds, of a few hundred rows, numbers rounded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa


def inputs() -> dict[str, pa.Table]:
    """Return the tables by name; ``tests/reference/__main__.py`` says which tool is given which."""
    return {
        "likeness.real": _people(1, 700),
        "likeness.made": _people(2, 640, drift=0.4),
        "likeness.odd_real": _odd(3, 300),
        "likeness.odd_made": _odd(4, 280, other=True),
        "privacy.fitted": _attacked(5),
        "privacy.holdout": _attacked(6),
        "privacy.made": pa.concat_tables([_attacked(7).slice(450), _attacked(5).slice(0, 450)]),
        "fairness.predictions": _predictions(8, 600),
    }


def _people(seed: int, rows: int, drift: float = 0.0) -> pa.Table:
    """Numbers, dates, moments, categories and booleans that depend on each other, all with gaps."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 91, rows)
    income = np.round(np.exp(rng.normal(8 + age / 60 + drift, 0.5)), 2)
    height = np.round(rng.normal(170, 9, rows), 1)
    weight = np.round((height / 100) ** 2 * rng.normal(25 + drift, 3, rows), 1)
    job = np.array(["clerk", "cook", "driver", "nurse", "none"])[np.minimum(rng.poisson(age / 40), 4)]
    trade = np.where(rng.random(rows) < 0.85, np.char.add("trade of a ", job), "trade of another")
    owns = rng.random(rows) < 1 / (1 + np.exp(-(age - 50) / 8))
    joined = np.datetime64("2004-02-28") + ((90 - age) * 80 + rng.integers(0, 900, rows))
    seen = [
        datetime(2021, 3, 1, tzinfo=UTC) + timedelta(seconds=int(second))
        for second in rng.integers(0, 40_000_000, rows) + age * 400_000
    ]
    columns: dict[str, Any] = {
        "age": age.tolist(),
        "income": income.tolist(),
        "height": height.tolist(),
        "weight": weight.tolist(),
        "job": job.tolist(),
        "trade": trade.tolist(),
        "owns": owns.tolist(),
        "joined": joined.tolist(),
        "seen": seen,
    }
    for number, name in enumerate(("income", "weight", "job", "owns", "joined", "seen")):
        gaps = rng.random(rows) < 0.03 + 0.01 * number
        columns[name] = [None if gap else value for gap, value in zip(gaps, columns[name], strict=True)]
    types = [pa.int64(), pa.float64(), pa.float64(), pa.float64(), pa.string(), pa.string(), pa.bool_(), pa.date32()]
    schema = pa.schema(list(zip(columns, [*types, pa.timestamp("us", "UTC")], strict=True)))
    return pa.table(columns, schema=schema)


def _odd(seed: int, rows: int, *, other: bool = False) -> pa.Table:
    """Constants, empty columns, one level, levels of one table only, spikes and a single far value."""
    rng = np.random.default_rng(seed)
    spiked = np.where(rng.random(rows) < 0.8, 0, rng.integers(1, 50, rows))
    far = np.round(rng.normal(0, 1, rows), 3)
    far[0] = 1e6
    letters = np.array(list("bcdx" if other else "abcd"))[rng.integers(0, 4, rows)]
    return pa.table(
        {
            "constant": pa.array([7] * rows, pa.int64()),
            "constant_here": pa.array([1.5] * rows if other else np.round(rng.random(rows), 2), pa.float64()),
            "empty": pa.array([None] * rows, pa.float64()),
            "empty_text": pa.array([None] * rows, pa.string()),
            "one_level": pa.array(["only"] * rows),
            "letters": pa.array(letters),
            "letters_again": pa.array(np.where(rng.random(rows) < 0.9, letters, "a")),
            "spiked": pa.array(spiked, pa.int32()),
            "far": pa.array(far),
            "far_again": pa.array(np.round(far + rng.normal(0, 0.2, rows), 3)),
        }
    )


def _attacked(seed: int) -> pa.Table:
    """People without gaps, whose numbers and levels an attacker knows in part."""
    names = ["age", "income", "height", "weight", "job", "trade"]
    return _people(seed, 2000).select(names).drop_null().slice(0, 1500)


def _predictions(seed: int, rows: int) -> pa.Table:
    """What was true and what a model chose, of three groups."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, rows)
    truth = rng.random(rows) < 0.3 + group / 10
    chosen = rng.random(rows) < np.where(truth, 0.6, 0.2) + group / 20
    names = np.array(["first", "second", "third"])[group]
    return pa.table({"group": names.tolist(), "truth": truth.astype(int), "chosen": chosen.astype(int)})
