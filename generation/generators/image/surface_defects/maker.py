"""The generator: what is in each picture is drawn first, then the picture is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from generation.generators.image.surface.columns import OBJECTS, OBJECTS_DESCRIPTION, objects
from generation.generators.image.surface.defects import DEFECTS
from generation.generators.image.surface.light import Lighting
from generation.generators.image.surface.part import ALLOYS
from generation.generators.image.surface.scene import Scene, Wanted, jpeg, png, scene
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

Category = Literal["scratch", "dent", "stain", "hole"]
_SECONDS_A_PICTURE = {128: 0.012, 256: 0.03, 512: 0.11}


class Parameters(BaseModel):
    """What the pictures show."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: Literal[128, 256, 512] = Field(256, title="Size", description="Side of a picture, in pixels.")
    classes: tuple[Category, ...] = Field(
        ("scratch", "dent", "stain", "hole"),
        title="Classes",
        description="The kinds of defects, each as likely as the others.",
        min_length=1,
    )
    most_defects: int = Field(
        3, title="Most defects", description="A defective picture has one defect to this many.", ge=1, le=8
    )
    defect_free_share: float = Field(
        0.2,
        title="Share without defects",
        description="The share of pictures without any defect; exact over the whole dataset.",
        ge=0,
        le=1,
    )
    severity_from: float = Field(
        0.05, title="Lowest severity", description="Severity drives size and depth.", ge=0, le=1
    )
    severity_to: float = Field(1.0, title="Highest severity", description="Severity drives size and depth.", ge=0, le=1)
    elevation_from: float = Field(
        26.0, title="Lowest light", description="Lowest elevation of the lamp over the part, in degrees.", ge=10, le=80
    )
    elevation_to: float = Field(
        52.0, title="Highest light", description="Highest elevation of the lamp, in degrees.", ge=10, le=80
    )


class SurfaceDefects:
    """A picture a unit, made from streams of its own, so that it is the same wherever it is made."""

    name = "surface-defects"
    version = "1.1.0"
    title = "Surface defects on brushed metal"
    summary = "Pictures of brushed metal with scratches, dents, stains and holes: class, box, pixel mask, severity."
    modality: Modality = "image"
    Parameters: type[BaseModel] = Parameters
    source: SourceUse = "none"
    exact: Exactness = "runtime"
    shares = ("generation.generators.image.surface",)

    def check(self, job: Job) -> list[Problem]:
        params = cast("Parameters", job.params)
        return crossed("severity", params.severity_from, params.severity_to) + crossed(
            "elevation", params.elevation_from, params.elevation_to
        )

    def layout(self, job: Job) -> Layout:
        size = cast("Parameters", job.params).size
        classes = ", ".join(f"{number} {name}" for number, name in enumerate(DEFECTS, start=1))
        schema = pa.schema(
            [
                field("picture_id", pa.int64(), "Number of the picture, unique.", role="key"),
                field("size", pa.int32(), "Side of the picture.", unit="px"),
                field("alloy", pa.string(), "Metal of the part.", classes=tuple(ALLOYS)),
                field("light_elevation", pa.float32(), "Height of the lamp over the part.", unit="degree"),
                field("light_azimuth", pa.float32(), "Direction of the lamp, clockwise from the right.", unit="degree"),
                field("defects", pa.int32(), "Number of defects in the picture.", role="label"),
                field("severity", pa.float32(), "Highest severity in the picture; 0 without defects.", role="label"),
                field("objects", OBJECTS, OBJECTS_DESCRIPTION, role="label", classes={"category": tuple(DEFECTS)}),
                field("mask", PICTURE, f"Class of each pixel: 0 none, {classes}.", role="label", media="image/png"),
                field("image", PICTURE, "The picture.", role="media", media="image/jpeg"),
            ]
        )
        block = {128: 64, 256: 32, 512: 8}[size]
        return Layout("picture", block, (Table("default", schema, key=("picture_id",)),))

    def needs(self, job: Job) -> Needs:
        block = self.layout(job).block
        seconds = _SECONDS_A_PICTURE[cast("Parameters", job.params).size]
        return Needs(memory_mib=1024, scratch_mib=256, seconds_per_block=seconds * block, extras=("vision",))

    def prepare(self, job: Job, source: Source | None, tell: Tell) -> State:
        return {}

    def block(self, job: Job, state: State, units: range) -> Iterator[tuple[str, pa.RecordBatch]]:
        params = cast("Parameters", job.params)
        free = job.streams.permute("defect free", units, job.units) < free_pictures(params.defect_free_share, job.units)
        made = [_picture(job, params, unit, bool(none)) for unit, none in zip(units, free, strict=True)]
        lights = [light for _, light in made]
        scenes = [one for one, _ in made]
        names = [f"{unit:08d}" for unit in units]
        columns = [
            pa.array(units, pa.int64()),
            pa.array([params.size] * len(units), pa.int32()),
            pa.array([one.alloy for one in scenes]),
            pa.array([light.elevation for light in lights], pa.float32()),
            pa.array([light.azimuth for light in lights], pa.float32()),
            pa.array([len(one.found) for one in scenes], pa.int32()),
            pa.array([max((f.severity for f in one.found), default=0.0) for one in scenes], pa.float32()),
            objects([one.found for one in scenes]),
            pictures([marked_png(png(one.mask)) for one in scenes], [f"{name}.png" for name in names]),
            pictures([marked_jpeg(jpeg(one.picture)) for one in scenes], [f"{name}.jpg" for name in names]),
        ]
        yield "default", pa.RecordBatch.from_arrays(columns, schema=self.layout(job).tables[0].schema)

    def answer_key(self, job: Job, state: State) -> Json:
        params = cast("Parameters", job.params)
        return {
            "classes": {name: number for number, name in enumerate(DEFECTS, start=1)},
            "pictures": job.units,
            "pictures_without_defects": free_pictures(params.defect_free_share, job.units),
            "how": "Each defective picture has 1 to most_defects defects; class and severity are drawn uniformly. "
            "A defect edits height, colour and finish before the light falls on them. A pixel belongs to the defect "
            "on top; a defect of which hardly a pixel is left is not labelled.",
        }


def crossed(name: str, low: float, high: float) -> list[Problem]:
    """The problem of a range whose ends are the wrong way round."""
    if low <= high:
        return []
    return [Problem(f"{name}_to", f"{high:g} is below the lowest {name}, {low:g}.", "Let it be that or more.")]


def free_pictures(share: float, units: int) -> int:
    """How many of ``units`` pictures have no defect, to the nearest whole one."""
    return round(share * units)


def drawn_light(rng: np.random.Generator, low: float, high: float) -> Lighting:
    """A lamp between two elevations (degrees), from any side."""
    return Lighting(float(rng.uniform(low, high)), float(rng.uniform(0, 360)), float(rng.uniform(0.35, 0.6)))


def drawn_defects(
    rng: np.random.Generator, classes: tuple[Category, ...], most: int, params: Parameters
) -> list[Wanted]:
    """One defect to ``most``, each of a class drawn evenly and of a severity within the parameters' range."""
    count = int(rng.integers(1, most, endpoint=True))
    return [
        Wanted(classes[int(rng.integers(len(classes)))], float(rng.uniform(params.severity_from, params.severity_to)))
        for _ in range(count)
    ]


def _picture(job: Job, params: Parameters, unit: int, free: bool) -> tuple[Scene, Lighting]:
    rng = job.streams.rng("picture", unit)
    light = drawn_light(rng, params.elevation_from, params.elevation_to)
    wanted = [] if free else drawn_defects(rng, params.classes, params.most_defects, params)
    one = scene(rng, params.size, wanted, light)
    while wanted and not one.found:
        # All defects lay where nothing of them shows; a defective picture shows at least one.
        one = scene(rng, params.size, wanted, light)
    return one, light
