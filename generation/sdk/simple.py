"""The common case in fifteen lines: one function makes a block, of one table or of a few that belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from generation.sdk.planted import Planted, planted_json

#: (parameters, units of the block, the block's own randomness) -> the rows of the only table, or those of each by name
RowFunction = Callable[[Any, range, np.random.Generator], "pa.RecordBatch | Mapping[str, pa.RecordBatch]"]
#: parameters -> what rows made with them hold by design
PlantedFunction = Callable[[Any], Sequence[Planted]]
_ONLY = "default"


@dataclass(frozen=True)
class SimpleGenerator:
    """A generator made from a function by ``@generator``."""

    name: str
    version: str
    title: str
    summary: str
    Parameters: type[BaseModel]
    tables: tuple[Table, ...]
    function: RowFunction
    unit: str
    block_units: int
    modality: Modality
    seconds_per_block: float
    memory_mib: int
    planted: PlantedFunction | None = None
    source: SourceUse = "none"
    exact: Exactness = "runtime"
    shares: tuple[str, ...] = ()

    def check(self, job: Job) -> list[Problem]:
        return []

    def layout(self, job: Job) -> Layout:
        return Layout(self.unit, self.block_units, self.tables)

    def needs(self, job: Job) -> Needs:
        return Needs(self.memory_mib, scratch_mib=64, seconds_per_block=self.seconds_per_block)

    def prepare(self, job: Job, source: Source | None, tell: Tell) -> State:
        return {}

    def block(self, job: Job, state: State, units: range) -> Iterator[tuple[str, pa.RecordBatch]]:
        made = self.function(job.params, units, job.streams.rng("block", units.start))
        batches = {_ONLY: made} if isinstance(made, pa.RecordBatch) else made
        for table in self.tables:
            batch = batches[table.name]
            if table.rows == "one" and batch.num_rows != len(units):
                raise ValueError(f"{self.name} returned {batch.num_rows} rows of {table.name} for {len(units)} units")
            yield table.name, batch

    def answer_key(self, job: Job, state: State) -> Json:
        return None if self.planted is None else planted_json(self.planted(job.params))


def generator(
    *,
    name: str,
    version: str,
    title: str,
    summary: str,
    parameters: type[BaseModel],
    schema: pa.Schema | None = None,
    tables: Sequence[Table] = (),
    unit: str = "row",
    block: int = 10_000,
    modality: Modality = "tabular",
    seconds_per_block: float = 1.0,
    memory_mib: int = 512,
    key: tuple[str, ...] = (),
    planted: PlantedFunction | None = None,
) -> Callable[[RowFunction], SimpleGenerator]:
    """Turn ``function(params, units, rng)`` into a generator.

    ``function`` gets the validated parameters, the range of units to make and an rng that belongs to this block alone.
    With ``schema`` (and ``key``) there is one table, named ``default``: it returns one record batch with one row a
    unit. With ``tables`` it returns a batch for each, by name, all rows in order of unit. ``planted(params)`` says
    what is planted in them (see ``sdk.planted``). Raises TypeError for both or neither of schema and tables.
    """
    if (schema is None) == (not tables):
        raise TypeError(f"{name} has either a schema or tables")
    filled = tuple(tables) if schema is None else (Table(_ONLY, schema, key=key),)

    def decorate(function: RowFunction) -> SimpleGenerator:
        return SimpleGenerator(
            name=name,
            version=version,
            title=title,
            summary=summary,
            Parameters=parameters,
            tables=filled,
            function=function,
            unit=unit,
            block_units=block,
            modality=modality,
            seconds_per_block=seconds_per_block,
            memory_mib=memory_mib,
            planted=planted,
        )

    return decorate
