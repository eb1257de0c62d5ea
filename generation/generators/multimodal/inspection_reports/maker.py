"""The generator: facts first; the picture, the note and the measurements are all made from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from generation.generators.image.surface.columns import OBJECTS, OBJECTS_DESCRIPTION, objects
from generation.generators.image.surface.defects import DEFECTS
from generation.generators.image.surface.light import Lighting
from generation.generators.image.surface.part import ALLOYS
from generation.generators.image.surface.scene import Scene, Wanted, jpeg, png, scene
from generation.generators.multimodal.inspection_reports.facts import (
    QUANTITIES,
    VERDICT_RULE,
    Measurement,
    Verdict,
    measured,
    verdict,
)
from generation.generators.multimodal.inspection_reports.notes import note
from generation.sdk import (
    PICTURE,
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
    field,
)
from generation.sdk.media import marked_jpeg, marked_png, pictures

_FIRST_PART = 100_000
_BATCH = 250  # parts
_SECONDS_A_PART = {128: 0.014, 256: 0.034}
_CLASSES = tuple(DEFECTS)


class Parameters(BaseModel):
    """How the parts of this line come out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: Literal[128, 256] = Field(256, title="Size", description="Side of a picture, in pixels.")
    sound_share: float = Field(
        0.35,
        title="Share without defects",
        description="The share of parts whose surface has no defect; exact over the whole dataset.",
        ge=0,
        le=1,
    )
    most_defects: int = Field(
        3, title="Most defects", description="A part with defects has one defect to this many.", ge=1, le=6
    )
    out_of_tolerance: float = Field(
        0.04,
        title="Out of tolerance",
        description="The probability of a measurement to lie outside its tolerance.",
        ge=0,
        le=0.5,
    )


@dataclass(frozen=True)
class Part:
    """Everything that is true of one part, and its picture."""

    number: int
    batch: str
    line: int
    scene: Scene
    measurements: list[Measurement]
    verdict: Verdict
    note: str


class InspectionReports:
    """A part a unit; two tables that are joined by its number."""

    name = "inspection-reports"
    version = "1.1.0"
    title = "Inspection reports of metal parts"
    summary = "Parts with a picture, a written note that agrees with it, a verdict, and a table of measurements."
    modality: Modality = "multimodal"
    Parameters: type[BaseModel] = Parameters
    source: SourceUse = "none"
    exact: Exactness = "runtime"
    shares = ("generation.generators.image.surface",)

    def check(self, job: Job) -> list[Problem]:
        return []

    def layout(self, job: Job) -> Layout:
        parts = Table("parts", _parts_schema(), key=("part_id",))
        measurements = Table(
            "measurements",
            _measurements_schema(),
            key=("part_id", "sequence"),
            references={"part_id": ("parts", "part_id")},
            rows="many",
        )
        return Layout("part", 32, (parts, measurements))

    def needs(self, job: Job) -> Needs:
        seconds = _SECONDS_A_PART[cast("Parameters", job.params).size]
        return Needs(memory_mib=1024, scratch_mib=256, seconds_per_block=32 * seconds, extras=("vision",))

    def prepare(self, job: Job, source: Source | None, tell: Tell) -> State:
        return {}

    def block(self, job: Job, state: State, units: range) -> Iterator[tuple[str, pa.RecordBatch]]:
        params = cast("Parameters", job.params)
        sound = job.streams.permute("sound", units, job.units) < round(params.sound_share * job.units)
        numbers = job.streams.permute("part number", units, job.units) + _FIRST_PART
        parts = [
            _part(job, params, unit, int(number), sound=bool(free))
            for unit, number, free in zip(units, numbers, sound, strict=True)
        ]
        yield "parts", _parts_batch(parts, params.size)
        yield "measurements", _measurements_batch(parts)

    def answer_key(self, job: Job, state: State) -> Json:
        params = cast("Parameters", job.params)
        return {
            "verdict_rule": VERDICT_RULE,
            "classes": {name: number for number, name in enumerate(DEFECTS, start=1)},
            "parts_without_defects": round(params.sound_share * job.units),
            "probability_out_of_tolerance": params.out_of_tolerance,
            "measurements_a_part": len(QUANTITIES),
        }


def _parts_schema() -> pa.Schema:
    classes = ", ".join(f"{number} {name}" for number, name in enumerate(DEFECTS, start=1))
    return pa.schema(
        [
            field("part_id", pa.int64(), "Number of the part, unique.", role="key"),
            field("batch", pa.string(), "Batch that the part belongs to."),
            field("line", pa.int32(), "Production line."),
            field("alloy", pa.string(), "Metal of the part.", classes=tuple(ALLOYS)),
            field("size", pa.int32(), "Side of the picture.", unit="px"),
            field("defects", pa.int32(), "Number of defects in the picture.", role="label"),
            field(
                "verdict",
                pa.string(),
                f"What follows from defects and measurements. {VERDICT_RULE}",
                role="label",
                classes=get_args(Verdict),
            ),
            field("note", pa.string(), "The inspector's note, in English, written from the same facts.", role="text"),
            field("objects", OBJECTS, OBJECTS_DESCRIPTION, role="label", classes={"category": tuple(DEFECTS)}),
            field("mask", PICTURE, f"Class of each pixel: 0 none, {classes}.", role="label", media="image/png"),
            field("image", PICTURE, "The picture of the part, 64 mm wide.", role="media", media="image/jpeg"),
        ]
    )


def _measurements_schema() -> pa.Schema:
    return pa.schema(
        [
            field("part_id", pa.int64(), "The part that was measured.", role="reference"),
            field("sequence", pa.int32(), "Number of the measurement within its part, from 1.", role="key"),
            field("quantity", pa.string(), "What was measured."),
            field("unit", pa.string(), "Unit of nominal, tolerance and value."),
            field("nominal", pa.float64(), "What it should be.", role="measure"),
            field("tolerance", pa.float64(), "How far it may be off to either side.", role="measure"),
            field("value", pa.float64(), "What the gauge showed.", role="measure"),
            field("within_tolerance", pa.bool_(), "Does the value lie within the tolerance?", role="label"),
        ]
    )


def _part(job: Job, params: Parameters, unit: int, number: int, *, sound: bool) -> Part:
    rng = job.streams.rng("part", unit)
    light = Lighting(float(rng.uniform(28, 50)), float(rng.uniform(0, 360)), float(rng.uniform(0.4, 0.6)))
    wanted = [] if sound else _defects(rng, params.most_defects)
    pictured = scene(rng, params.size, wanted, light)
    while wanted and not pictured.found:
        pictured = scene(rng, params.size, wanted, light)
    measurements = measured(rng, params.out_of_tolerance)
    batch = f"B{unit // _BATCH + 1:04d}"
    said = verdict(pictured.found, measurements)
    written = note(
        rng,
        part=number,
        batch=batch,
        alloy=pictured.alloy,
        size=params.size,
        found=pictured.found,
        measurements=measurements,
        verdict=said,
    )
    return Part(number, batch, unit // _BATCH % 3 + 1, pictured, measurements, said, written)


def _defects(rng: np.random.Generator, most: int) -> list[Wanted]:
    count = int(rng.integers(1, most, endpoint=True))
    kinds = rng.choice(len(_CLASSES), count, p=[0.36, 0.28, 0.28, 0.08])
    return [Wanted(_CLASSES[kind], float(rng.beta(1.6, 2.4))) for kind in kinds]


def _parts_batch(parts: list[Part], size: int) -> pa.RecordBatch:
    columns = [
        pa.array([part.number for part in parts], pa.int64()),
        pa.array([part.batch for part in parts]),
        pa.array([part.line for part in parts], pa.int32()),
        pa.array([part.scene.alloy for part in parts]),
        pa.array([size] * len(parts), pa.int32()),
        pa.array([len(part.scene.found) for part in parts], pa.int32()),
        pa.array([part.verdict for part in parts]),
        pa.array([part.note for part in parts]),
        objects([part.scene.found for part in parts]),
        pictures([marked_png(png(part.scene.mask)) for part in parts], [f"{part.number}.png" for part in parts]),
        pictures([marked_jpeg(jpeg(part.scene.picture)) for part in parts], [f"{part.number}.jpg" for part in parts]),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_parts_schema())


def _measurements_batch(parts: list[Part]) -> pa.RecordBatch:
    rows = [(part.number, n, one) for part in parts for n, one in enumerate(part.measurements, start=1)]
    columns = [
        pa.array([number for number, _, _ in rows], pa.int64()),
        pa.array([n for _, n, _ in rows], pa.int32()),
        pa.array([one.quantity for _, _, one in rows]),
        pa.array([one.unit for _, _, one in rows]),
        pa.array([one.nominal for _, _, one in rows], pa.float64()),
        pa.array([one.tolerance for _, _, one in rows], pa.float64()),
        pa.array([one.value for _, _, one in rows], pa.float64()),
        pa.array([one.within for _, _, one in rows], pa.bool_()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_measurements_schema())
