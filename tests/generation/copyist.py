"""A generator that gives back what it was shown: the rows of its source, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, cast

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from generation.sdk import Job, Json, Layout, Needs, Problem, Source, State, Table, Tell

_TABLE = "default"


Column = Annotated[str, Field(json_schema_extra={"format": "column"})]


class Parameters(BaseModel):
    """What may be said of the columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Column | None = Field(default=None, title="Target")
    sensitive: list[Column] = Field(default=[], title="Sensitive columns")


class Copyist:
    """Row n is row n of the source, and after its last one the first again."""

    name = "copyist"
    version = "1.0.0"
    title = "Your table, copied"
    summary = "Copies the rows of an uploaded table."
    modality: Literal["tabular"] = "tabular"
    Parameters: type[BaseModel] = Parameters
    source: Literal["required"] = "required"
    exact: Literal["everywhere"] = "everywhere"
    shares: tuple[str, ...] = ()

    def check(self, job: Job) -> list[Problem]:
        return []

    def layout(self, job: Job) -> Layout:
        return Layout("row", 1000, (Table(_TABLE, _schema(job)),))

    def needs(self, job: Job) -> Needs:
        return Needs(memory_mib=256, scratch_mib=16, seconds_per_block=0.01)

    def prepare(self, job: Job, source: Source | None, tell: Tell) -> State:
        assert source is not None
        return {"rows": pa.Table.from_batches(source.batches(_TABLE))}

    def block(self, job: Job, state: State, units: range) -> Iterator[tuple[str, pa.RecordBatch]]:
        rows = cast(pa.Table, state["rows"])
        taken = rows.take(pa.array(np.asarray(units) % rows.num_rows)).combine_chunks()
        yield _TABLE, pa.record_batch([column.chunk(0) for column in taken.columns], schema=_schema(job))

    def answer_key(self, job: Job, state: State) -> Json:
        return None


def _schema(job: Job) -> pa.Schema:
    assert job.facts is not None
    return pa.schema([pa.field(one.name, one.type) for one in job.facts.tables[_TABLE].schema])


copyist = Copyist()
