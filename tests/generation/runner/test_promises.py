"""The writer refuses a row that breaks a rule of its layout and counts the others; layouts promise what can be read."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from generation.quality.profile import TableProfile, finish, merge
from generation.runner.checks import DataFault
from generation.runner.layouts import faults_of, layout_json
from generation.runner.promises import Promises
from generation.sdk import Layout, Table

SCHEMA = pa.schema([pa.field("case", pa.string()), pa.field("age", pa.int32())])


def batch(cases: list[str], ages: list[int | None]) -> pa.RecordBatch:
    return pa.record_batch([pa.array(cases), pa.array(ages, pa.int32())], schema=SCHEMA)


def test_rows_that_keep_every_rule_are_counted_over_batches_and_files() -> None:
    rules = ["age >= 18", "unique case"]
    partials: list[dict[str, Any]] = []
    for first in ("a", "b"):
        promises, profile = Promises("default", rules), TableProfile(SCHEMA)
        for rows in (batch([f"{first}1", f"{first}2"], [18, None]), batch([f"{first}3"], [40])):
            promises.check(rows)
            profile.add(rows)
        partials.append({**profile.partial(), **promises.finish()})
    told = finish(merge(partials))
    assert told["rules"] == [{"rule": rule, "rows": 6, "held": 6} for rule in rules]


def test_a_row_that_breaks_a_rule_is_refused_and_not_quoted() -> None:
    with pytest.raises(DataFault, match="table default: the rule “age >= 18” does not hold on 1 rows"):
        Promises("default", ["age >= 18"]).check(batch(["a", "b"], [17, 30]))


def test_a_value_that_occurs_twice_is_refused_when_the_file_ends() -> None:
    promises = Promises("default", ["unique case"])
    promises.check(batch(["a", "b"], [1, 2]))
    promises.check(batch(["b"], [3]))
    with pytest.raises(DataFault, match="“unique case” does not hold on 1 rows"):
        promises.finish()


def test_where_nothing_was_promised_nothing_is_said() -> None:
    promises = Promises("default", [])
    promises.check(batch(["a"], [1]))
    assert promises.finish() == {}
    layout = Layout("row", 10, (Table("default", SCHEMA),))
    assert "rules" not in layout_json(layout)["tables"][0]


def test_a_layout_that_promises_what_cannot_be_read_or_checked_is_refused() -> None:
    layout = Layout("row", 10, (Table("default", SCHEMA, rules=("age", "size > 3", "age > 3")),))
    assert faults_of(layout) == [
        "table 'default': rule 'age': A sign such as = or <= is missing at the end.",
        "table 'default': rule 'size > 3': There is no column “size”.",
    ]
    assert layout_json(layout)["tables"][0]["rules"] == ["age", "size > 3", "age > 3"]
