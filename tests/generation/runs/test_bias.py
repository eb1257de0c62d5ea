"""A bias of the source is reported, and what counters it takes it away: by way of an upload, a run and its report."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog import attachments
from catalog.models import Version
from generation.runs import registry, sources
from generation.runs.models import Run
from marketplace import storage
from tests.factories import a_dataset, an_account
from tests.generation.made import a_run, work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

ASKED = {"target": "hired", "sensitive": ["sex"]}


def applicants(rows: int = 1500) -> bytes:
    """Who is hired hangs on skill, and much on sex."""
    chance = random.Random(3)
    lines = ["sex,skill,city,hired"]
    for _ in range(rows):
        sex, skill = chance.choice(["woman", "man"]), chance.gauss(0, 1)
        hired = chance.random() < min(0.97, max(0.03, 0.45 + 0.15 * skill + (0.2 if sex == "man" else -0.2)))
        lines.append(f"{sex},{skill:.3f},{chance.choice(['Ulm', 'Bonn', 'Kiel'])},{'yes' if hired else 'no'}")
    return "\n".join(lines).encode()


def fairness_of(run: Run) -> dict[str, Any]:
    run.refresh_from_db()
    assert run.state == "ready", run.fault_message
    report = attachments.load(Version.objects.get(run=run.id).attachments.get(kind="quality"))
    table: dict[str, Any] = report["tables"]["default"]
    return table


def outcomes(table: dict[str, Any]) -> dict[str, float]:
    """How many of each sex are hired in what was made."""
    (column,) = table["fairness"]["columns"]
    return {group["group"]: group["outcome"]["value"] for group in column["groups"]}


def skill_of_the_hired(run: Run) -> float:
    """How much more of it they have than others in what was made; the source's have 0.6, in standard deviations."""
    files = Version.objects.get(run=run.id).files.all()
    bodies = [storage.read(storage.blob_key(file.sha256)) for file in files]
    made = pa.concat_tables([pq.read_table(pa.BufferReader(body)) for body in bodies])
    hired = pc.equal(made["hired"], "yes")
    means = [pc.mean(made["skill"].filter(chosen)).as_py() for chosen in (hired, pc.invert(hired))]
    return float(means[0] - means[1])


def test_a_bias_of_the_source_is_reported_and_making_the_target_independent_takes_it_away() -> None:
    house = an_account("house")
    source = sources.receive(house, SimpleUploadedFile("applicants.csv", applicants()))
    work_off()
    source.refresh_from_db()
    generator = registry.register("tabular", house)
    kept, taken = (
        a_run(generator, a_dataset(house, name), source=source, units=3000, parameters=ASKED | more)
        for name, more in (("kept", {}), ("taken", {"independent": ["hired from sex"]}))
    )
    work_off()

    biased, fair = fairness_of(kept), fairness_of(taken)
    (measured,) = biased["fairness"]["columns"]
    gap = measured["measures"]["outcome_difference"]
    assert gap["real"] > 0.3 and gap["made"] > 0.25
    assert outcomes(biased)["man"] - outcomes(biased)["woman"] > 0.25
    assert "By sex, both are uneven: hired is " in biased["verdict"]["fairness"]
    assert "“hired from sex”" in biased["verdict"]["fairness"]

    gap = fair["fairness"]["columns"][0]["measures"]["outcome_difference"]
    assert gap["real"] > 0.3 and gap["made"] < 0.08
    assert gap["growth"]["interval"][1] < 0
    parity = fair["fairness"]["columns"][0]["measures"]["demographic_parity_difference"]
    assert parity["made"] < parity["real"] / 2
    assert not fair["fairness"]["warnings"] and not fair["fairness"]["kept"]
    # What was no bias is still there: skill tells who is hired.
    assert skill_of_the_hired(kept) > 0.3 and skill_of_the_hired(taken) > 0.3
