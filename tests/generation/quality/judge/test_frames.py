"""Tables are numbered alike before they are compared."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import numpy as np
import pyarrow as pa

from generation.quality.judge.frames import frames, left_out

SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), metadata={"role": "key"}),
        pa.field("sex", pa.string()),
        pa.field("smokes", pa.bool_()),
        pa.field("age", pa.int8()),
        pa.field("paid", pa.decimal128(9, 2)),
        pa.field("weight", pa.float64()),
        pa.field("born", pa.date32()),
        pa.field("seen", pa.timestamp("ms", tz="Europe/Berlin")),
        pa.field("at", pa.time32("s")),
        pa.field("notes", pa.list_(pa.string())),
    ]
)
PERSON = {
    "id": 1,
    "sex": "f",
    "smokes": True,
    "age": 40,
    "paid": Decimal("12.50"),
    "weight": float("inf"),
    "born": date(1970, 1, 3),
    "seen": datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC),
    "at": time(0, 1),
    "notes": [],
}


def table(*people: dict[str, object]) -> pa.Table:
    return pa.Table.from_pylist(list(people), schema=SCHEMA)


def test_columns_are_numbers_and_what_cannot_be_compared_is_named() -> None:
    (frame,) = frames(table(PERSON, dict.fromkeys(PERSON)))
    assert left_out(SCHEMA) == ["id", "notes"]
    assert frame.names == ("sex", "smokes", "age", "paid", "weight", "born", "seen", "at")
    first = {column.name: column.values[0] for column in frame.columns if not column.missing[0]}
    assert first == {"sex": 0, "smokes": 0, "age": 40, "paid": 12.5, "born": 2 * 86_400, "seen": 1.5, "at": 60}
    assert all(column.missing[1] for column in frame.columns)


def test_levels_are_numbered_alike_in_all_tables_the_most_frequent_of_the_first_first() -> None:
    women, man, other = [PERSON] * 2, {**PERSON, "sex": "m"}, {**PERSON, "sex": "d"}
    real, made = frames(table(man, *women), table(other, man, dict.fromkeys(PERSON)))
    assert real.column("sex").levels == made.column("sex").levels == ("f", "m", "d")
    assert made.column("sex").codes().tolist() == [2, 1, -1]


def test_rows_are_taken_by_place_or_by_mask() -> None:
    (frame,) = frames(table(PERSON, {**PERSON, "age": 50}, {**PERSON, "age": 60}))
    assert frame.take(np.array([2, 0])).column("age").values.tolist() == [60, 40]
    chosen = frame.take(frame.column("age").values > 45)
    assert (chosen.rows, chosen.column("age").values.tolist()) == (2, [50, 60])
