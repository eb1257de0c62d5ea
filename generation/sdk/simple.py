"""The common case in fifteen lines: one table, one row a unit, one function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from generation.sdk.contract import (
    Exactness,
    Job,
    Json,
    Layout,
    Modality,
    Needs,
    Problem,
    Source,
    SourceUse,
    State,
    Table,
    Tell,
)

#: (parameters, units of the block, the block's own randomness) -> one row a unit
RowFunction = Callable[[Any, range, np.random.Generator], pa.RecordBatch]


@dataclass(frozen=True)
class SimpleGenerator:
    """A generator of one table named ``default`` with one row a unit, made from a function by ``@generator``."""

    name: str
    version: str
    title: str
    summary: str
    Parameters: type[BaseModel]
    schema: pa.Schema
    function: RowFunction
    unit: str
    block_units: int
    modality: Modality
    seconds_per_block: float
    memory_mib: int
    key: tuple[str, ...]
    source: SourceUse = "none"
    exact: Exactness = "runtime"
    shares: tuple[str, ...] = ()

    def check(self, job: Job) -> list[Problem]:
        return []

    def layout(self, job: Job) -> Layout:
        return Layout(self.unit, self.block_units, (Table("default", self.schema, key=self.key),))

    def needs(self, job: Job) -> Needs:
        return Needs(self.memory_mib, scratch_mib=64, seconds_per_block=self.seconds_per_block)

    def prepare(self, job: Job, source: Source | None, tell: Tell) -> State:
        return {}

    def block(self, job: Job, state: State, units: range) -> Iterator[tuple[str, pa.RecordBatch]]:
        batch = self.function(job.params, units, job.streams.rng("block", units.start))
        if batch.num_rows != len(units):
            raise ValueError(f"{self.name} returned {batch.num_rows} rows for {len(units)} units")
        yield "default", batch

    def answer_key(self, job: Job, state: State) -> Json:
        return None


def generator(
    *,
    name: str,
    version: str,
    title: str,
    summary: str,
    parameters: type[BaseModel],
    schema: pa.Schema,
    unit: str = "row",
    block: int = 10_000,
    modality: Modality = "tabular",
    seconds_per_block: float = 1.0,
    memory_mib: int = 512,
    key: tuple[str, ...] = (),
) -> Callable[[RowFunction], SimpleGenerator]:
    """Turn ``function(params, units, rng) -> RecordBatch`` into a generator.

    ``function`` gets the validated parameters, the range of units to make and an rng that belongs to this block alone,
    and returns one record batch of ``schema`` with one row a unit.
    """

    def decorate(function: RowFunction) -> SimpleGenerator:
        return SimpleGenerator(
            name=name,
            version=version,
            title=title,
            summary=summary,
            Parameters=parameters,
            schema=schema,
            function=function,
            unit=unit,
            block_units=block,
            modality=modality,
            seconds_per_block=seconds_per_block,
            memory_mib=memory_mib,
            key=key,
        )

    return decorate
