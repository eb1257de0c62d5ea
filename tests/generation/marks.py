"""A generator whose every row can be recognised wherever it turns up: by a mark in words, and by a picture."""

import cv2
import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from generation.sdk import field, generator, media
from generation.sdk.schema import PICTURE

SCHEMA = pa.schema(
    [
        field("number", pa.int64(), "Its place.", role="key"),
        field("mark", pa.string(), "What no other row says."),
        field("image", PICTURE, "What no other row shows.", media="image/png"),
    ]
)


class Marks(BaseModel):
    """There is nothing to set."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@generator(
    name="marks",
    version="1.0.0",
    title="Marked rows",
    summary="One mark a row.",
    parameters=Marks,
    schema=SCHEMA,
    block=10,
    seconds_per_block=0.01,
    modality="image",
)
def marks(params: Marks, units: range, rng: np.random.Generator) -> pa.RecordBatch:
    return rows(units, rng)


def rows(units: range, rng: np.random.Generator) -> pa.RecordBatch:
    """Rows that nobody has seen before."""
    texts = [f"mark-{rng.bytes(8).hex()}" for _ in units]
    shown = [cv2.imencode(".png", rng.integers(0, 256, (8, 8, 3), np.uint8))[1].tobytes() for _ in units]
    pictures = media.pictures([media.marked_png(one) for one in shown], [f"{unit}.png" for unit in units])
    return pa.record_batch([pa.array(units, pa.int64()), pa.array(texts), pictures], schema=SCHEMA)
