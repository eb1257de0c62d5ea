"""The common case: a function of parameters, units and its own randomness becomes a whole generator."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from pydantic import BaseModel, ConfigDict, Field

from generation.sdk import Job, Needs, Streams, Table, field, generator

SCHEMA = pa.schema([field("unit", pa.int64(), "Number of the unit."), field("value", pa.float64(), "A value.")])


class Settings(BaseModel):
    """What can be asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scale: float = Field(1.0, gt=0)


@generator(
    name="values",
    version="1.2.0",
    title="Values",
    summary="A value a unit.",
    parameters=Settings,
    schema=SCHEMA,
    unit="value",
    block=50,
    seconds_per_block=0.5,
    memory_mib=128,
    key=("unit",),
)
def values(params: Settings, units: range, rng: np.random.Generator) -> pa.RecordBatch:
    return pa.record_batch({"unit": list(units), "value": rng.normal(0, params.scale, len(units))}, schema=SCHEMA)


def job(seed: int = 0, **params: float) -> Job:
    return Job(Settings(**params), 120, Streams(seed.to_bytes(16)))


def block(units: range, seed: int = 0, **params: float) -> pa.RecordBatch:
    [(table, batch)] = values.block(job(seed, **params), {}, units)
    assert table == "default"
    return batch


def test_the_function_becomes_a_generator_of_one_table_with_a_row_a_unit() -> None:
    layout = values.layout(job())
    assert (layout.unit, layout.block) == ("value", 50)
    [table] = layout.tables
    assert (table.name, table.schema, table.key, table.rows) == ("default", SCHEMA, ("unit",), "one")
    assert (values.name, values.version, values.title, values.summary) == (
        "values",
        "1.2.0",
        "Values",
        "A value a unit.",
    )
    assert (values.modality, values.source, values.exact, values.shares) == ("tabular", "none", "runtime", ())
    assert values.Parameters is Settings
    assert values.needs(job()) == Needs(128, scratch_mib=64, seconds_per_block=0.5)


def test_it_has_nothing_to_check_to_prepare_or_to_hide() -> None:
    assert values.check(job()) == []
    assert values.prepare(job(), None, lambda share, what: None) == {}
    assert values.answer_key(job(), {}) is None


def test_the_function_gets_the_parameters_and_the_units_of_the_block() -> None:
    assert block(range(50, 100)).column("unit").to_pylist() == list(range(50, 100))
    one, double = block(range(50)).column("value").to_numpy(), block(range(50), scale=2.0).column("value").to_numpy()
    assert np.array_equal(2 * one, double)


def test_each_block_has_randomness_of_its_own_that_hangs_on_the_seed_alone() -> None:
    assert block(range(50)).equals(block(range(50)))
    assert block(range(50)).column("value") != block(range(50, 100)).column("value")
    assert block(range(50)).column("value") != block(range(50), seed=1).column("value")


def test_a_function_that_returns_other_than_one_row_a_unit_is_told_so() -> None:
    @generator(name="short", version="1", title="Short", summary="Too few.", parameters=Settings, schema=SCHEMA)
    def short(params: Settings, units: range, rng: np.random.Generator) -> pa.RecordBatch:
        return pa.record_batch({"unit": [1], "value": [0.0]}, schema=SCHEMA)

    with pytest.raises(ValueError, match="short returned 1 rows of default for 3 units"):
        list(short.block(job(), {}, range(3)))


THROWS = pa.schema([field("unit", pa.int64(), "Number of the unit."), field("throw", pa.int64(), "Number of it.")])


@generator(
    name="pairs",
    version="1.0.0",
    title="Pairs",
    summary="A value and two throws a unit.",
    parameters=Settings,
    tables=[
        Table("values", SCHEMA, key=("unit",)),
        Table("throws", THROWS, key=("unit", "throw"), references={"unit": ("values", "unit")}, rows="many"),
    ],
)
def pairs(params: Settings, units: range, rng: np.random.Generator) -> dict[str, pa.RecordBatch]:
    made = units if params.scale == 1.0 else range(0)
    return {
        "throws": pa.record_batch({"unit": np.repeat(units, 2), "throw": [1, 2] * len(units)}, schema=THROWS),
        "values": pa.record_batch({"unit": list(made), "value": rng.normal(0, 1, len(made))}, schema=SCHEMA),
    }


def test_tables_that_belong_together_come_from_one_function() -> None:
    assert [table.name for table in pairs.layout(job()).tables] == ["values", "throws"]
    made = dict(pairs.block(job(), {}, range(10, 14)))
    assert list(made) == ["values", "throws"]
    assert made["values"].column("unit").to_pylist() == [10, 11, 12, 13]
    assert made["throws"].column("unit").to_pylist() == [10, 10, 11, 11, 12, 12, 13, 13]


def test_a_table_with_one_row_a_unit_has_no_other_number_of_rows() -> None:
    with pytest.raises(ValueError, match="pairs returned 0 rows of values for 4 units"):
        list(pairs.block(job(scale=2.0), {}, range(4)))


def test_a_generator_has_either_a_schema_or_tables() -> None:
    with pytest.raises(TypeError, match="either a schema or tables"):
        generator(name="none", version="1", title="None", summary="None.", parameters=Settings)
