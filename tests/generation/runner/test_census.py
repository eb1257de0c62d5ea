"""Over all rows of a source is counted who holds a value, whatever sample of them a report looks at."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from generation.quality.judge.frames import frames
from generation.quality.judge.privacy import Everybody, judge_privacy
from generation.runner.census import SourceCensus
from tests.data.memory import Memory

_TABLE = "default"


def people(rows: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "town": rng.choice(["Ulm", "Bonn", "Ys"], rows, p=[0.6, 0.398, 0.002]),
            "age": pa.array(rng.integers(18, 91, rows), mask=rng.random(rows) < 0.1),
            "pay": np.round(np.exp(rng.normal(8, 0.5, rows)), 2),
        }
    )


def counted(table: pa.Table) -> SourceCensus:
    return SourceCensus(Memory(table, 700), _TABLE, table.schema)


def test_a_census_counts_what_the_whole_table_holds() -> None:
    table = people(5000, 1)
    census, (frame,) = counted(table), frames(table)
    levels, rows = census.levels("town")
    assert dict(zip(levels.to_pylist(), rows.tolist(), strict=True)) == {
        level: table.column("town").to_pylist().count(level) for level in frame.column("town").levels
    }
    ages = frame.column("age").values
    asked = np.array([40.0, 18.0, 1000.0, 40.0])
    assert census.holders("age", asked).tolist() == [(ages == age).sum() for age in asked]
    assert census.ends("age") == (np.nanmin(ages), np.nanmax(ages))
    everybody = Everybody(frame)
    assert everybody.holders("age", asked).tolist() == census.holders("age", asked).tolist()
    assert everybody.levels("town")[0].tolist() == Everybody(frame, census=census).levels("town")[0].tolist()


def test_what_is_rare_in_a_sample_only_is_none_of_few_people() -> None:
    whole, made = people(20_000, 1), people(2000, 2)
    fitted = whole.slice(0, 2000)
    tables = frames(fitted, people(1000, 3), made)
    rng = np.random.default_rng(0)
    assert "town" in judge_privacy(*tables, yardsticks=False, rng=rng)["memorised"]["columns"]
    everybody = Everybody(tables[0], census=counted(whole))
    report = judge_privacy(*tables, everybody=everybody, yardsticks=False, rng=rng)
    assert report["memorised"]["columns"] == []
    assert report["refused"] is None
