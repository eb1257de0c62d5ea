"""A small generator that tests register, and runs of it: real ones, made by real workers or in this process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from django.db import transaction
from pydantic import BaseModel, ConfigDict, Field

from catalog.models import Dataset
from generation.runs import lifecycle, registry
from generation.runs.models import GeneratorVersion, Run
from generation.sdk import field, generator
from marketplace.accounts.models import Account
from marketplace.work.celery_tasks import perform
from marketplace.work.models import Piece
from tests.factories import a_dataset, an_account

REFERENCE = "tests.generation.made:dice"


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


def the_dice(account: Account | None = None) -> GeneratorVersion:
    house = account or Account.objects.filter(slug="house").first() or an_account("house")
    return registry.register(REFERENCE, house)


def a_run(generator: GeneratorVersion, dataset: Dataset | None = None, *, units: int = 5000, **options: Any) -> Run:
    with transaction.atomic():
        return lifecycle.plan_run(
            dataset=dataset or a_dataset(generator.generator.account),
            generator=generator,
            parameters=options.pop("parameters", {}),
            units=units,
            **options,
        )


def work_off(limit: int = 500) -> None:
    """Do all due work in this process, as a worker would, until nothing is due."""
    for _ in range(limit):
        piece = Piece.objects.claimable().order_by("created_at").first()
        if piece is None:
            return
        perform(str(piece.id))
    raise AssertionError(f"after {limit} pieces there is still work: {list(Piece.objects.claimable())}")
