"""How long parcels travel: a generator by the guide."""

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from generation.sdk import field, generator


class Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    late_share: float = Field(0.05, title="Late parcels", description="The share of parcels that are late.", ge=0, le=1)


@generator(
    name="parcel-times",
    version="1.0.0",
    title="Travel times of parcels",
    summary="One parcel a row: its weight, its distance, how long it took, and whether it was late.",
    parameters=Parameters,
    schema=pa.schema(
        [
            field("weight", pa.float64(), "Weight of the parcel.", unit="kg", role="measure"),
            field("distance", pa.float64(), "Distance travelled.", unit="km", role="measure"),
            field("hours", pa.float64(), "Time from pick-up to delivery.", unit="h", role="measure"),
            field("late", pa.bool_(), "Did it take more than a day longer than it should?", role="label"),
        ]
    ),
    unit="parcel",
)
def parcel_times(params: Parameters, units: range, rng: np.random.Generator) -> pa.RecordBatch:
    weight = rng.gamma(2.0, 1.5, len(units)).round(2)
    distance = rng.lognormal(4.5, 0.8, len(units)).round(1)
    late = rng.random(len(units)) < params.late_share
    hours = (6 + distance / 60 + rng.exponential(2.0, len(units)) + 30 * late).round(1)
    columns = [pa.array(values) for values in (weight, distance, hours, late)]
    return pa.RecordBatch.from_arrays(columns, names=["weight", "distance", "hours", "late"])
