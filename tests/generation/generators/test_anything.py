"""Whatever table is uploaded and whatever is asked of it: a quote says what cannot be had, or every row has it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from generation.generators.tabular.fitted import Parameters, generator
from generation.generators.tabular.fitted.conditions import read_condition
from generation.generators.tabular.fitted.held import held_in
from generation.generators.tabular.fitted.settling import unkept
from generation.runner.parse import parse
from generation.runner.promises import Promises
from generation.runner.source import open_source
from generation.sdk import Source
from generation.sdk.rules import rows_that_pass
from tests.data.anything import Anything, anything, domain_faults
from tests.data.memory import blocks, fit, job_of

UNITS = 700


def uploaded(table: pa.Table, folder: Path) -> Source:
    path = folder / "table.parquet"
    pq.write_table(table, path)
    answer = parse(path, folder / "out", {"holdout_key": "00" * 16})
    assert "tables" in answer, answer
    return open_source(folder / "out")


def check(asked: Anything, cuts: set[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = uploaded(asked.table, Path(folder))
        job = replace(job_of(source, UNITS, **asked.parameters), source=source)
        problems = generator.check(job)
        if problems:
            assert {problem.field for problem in problems} <= {*Parameters.model_fields, "units", "source"}
            assert all(problem.message and problem.remedy for problem in problems)
            for problem in problems:
                event(f"refused: {problem.field}")
            return
        event("made")
        state = fit(replace(job, source=None), source)
        made = pa.Table.from_batches(blocks(job, state, UNITS))
    made.validate(full=True)
    assert made.num_rows == UNITS
    assert set(asked.table.column_names) - set(made.column_names) <= dropped(source)
    faults = domain_faults(asked.table.cast(source.facts.tables["default"].schema), made)
    assert not faults, faults
    promises = Promises("default", asked.parameters["rules"])
    for batch in made.to_batches():
        promises.check(batch)
    promises.finish()
    for number, text in enumerate(asked.parameters["conditions"]):
        condition = read_condition(text, UNITS)
        rows = rows_that_pass(condition.tests, made).sum()
        assert abs(rows - condition.share * UNITS) <= 2**number, text
    columns = {name: made.column(name).combine_chunks() for name in made.column_names}
    words = {name: np.zeros(UNITS, np.uint64) for name in made.column_names}
    for formula, broken in unkept(held_in(state), columns, words, made.schema).items():
        event(f"held: {formula.split(' ')[1]}")
        assert not broken.any(), formula
    ends = [0, *sorted(cuts), UNITS]
    parts = [batch for a, b in pairwise(ends) for _, batch in generator.block(job, state, range(a, b))]
    assert pa.Table.from_batches(parts).equals(made)


def dropped(source: Source) -> set[str]:
    """The columns of which their owner was told that they are left out."""
    schema = source.facts.tables["default"].schema
    return {field.name for field in schema if field.metadata[b"kind"] == b"text"}


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(asked=anything(UNITS), cuts=st.sets(st.integers(1, UNITS - 1), max_size=3))
def test_any_table_is_made_with_all_that_was_asked_or_refused_with_a_reason(asked: Anything, cuts: set[int]) -> None:
    check(asked, cuts)


@pytest.mark.slow
@settings(max_examples=500, suppress_health_check=list(HealthCheck))
@given(asked=anything(UNITS), cuts=st.sets(st.integers(1, UNITS - 1), max_size=3))
def test_hundreds_of_tables_are_made_with_all_that_was_asked(asked: Anything, cuts: set[int]) -> None:
    check(asked, cuts)
