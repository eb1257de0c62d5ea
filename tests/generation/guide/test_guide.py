"""A fifth generator, written from the guide alone and without touching the platform, is registered and runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import call_command

from catalog.models import Version
from generation.runs.models import GeneratorVersion
from tests.factories import an_account
from tests.generation.made import a_run, work_off

GUIDE = Path(__file__).parents[3] / "docs" / "writing-a-generator.md"


def test_the_generator_here_is_the_one_of_the_guide() -> None:
    shown = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert shown is not None
    assert shown[1] == Path(__file__).with_name("parcels.py").read_text()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("s3_bucket")
def test_it_is_registered_runs_and_is_published() -> None:
    an_account("house")
    call_command("register_generator", "tests.generation.guide.parcels:parcel_times")
    generator = GeneratorVersion.objects.get(generator__name="parcel-times")
    run = a_run(generator, units=3000, parameters={"late_share": 0.5})
    work_off()
    run.refresh_from_db()
    assert (run.state, run.fault_message) == ("ready", "")
    version = Version.objects.get(run=run.id)
    assert version.rows == 3000
    assert version.layout["unit"] == "parcel"
