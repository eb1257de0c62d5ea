"""A small generator that tests register; it knows the sdk only, as any generator does."""

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from generation.sdk import field, generator


class Dice(BaseModel):
    """Settings of the dice."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sides: int = Field(6, title="Sides", description="Sides of a die.", ge=2, le=100)


@generator(
    name="dice",
    version="1.0.0",
    title="Throws of a die",
    summary="One throw a row.",
    parameters=Dice,
    schema=pa.schema([field("throw", pa.int32(), "What was thrown."), field("name", pa.string(), "Its name.")]),
    block=1000,
    seconds_per_block=0.01,
)
def dice(params: Dice, units: range, rng: np.random.Generator) -> pa.RecordBatch:
    throws = rng.integers(1, params.sides, len(units), dtype=np.int32, endpoint=True)
    names = pa.array([f"side {throw}" for throw in throws])
    return pa.record_batch([pa.array(throws), names], names=["throw", "name"])
