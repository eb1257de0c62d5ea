"""Runs that tests make: real ones, by real workers or in this process."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from catalog.models import Dataset
from generation.runs import lifecycle, registry
from generation.runs.models import GeneratorVersion, Run
from marketplace.accounts.models import Account
from tests.factories import a_dataset, an_account
from tests.workers import work_off as work_off

REFERENCE = "tests.generation.dice:dice"


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
