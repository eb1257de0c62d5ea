"""Runs that tests make: real ones, by real workers or in this process."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from catalog.models import Dataset
from generation.runs import lifecycle, registry
from generation.runs.models import GeneratorVersion, Run
from marketplace.accounts.models import Account
from marketplace.work.celery_tasks import perform
from marketplace.work.models import Piece
from tests.factories import a_dataset, an_account

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


def work_off(limit: int = 500) -> None:
    """Do all due work in this process, as a worker would, until nothing is due.

    The test must not be in a transaction: a heartbeat, on a connection of its own, would not see the lease.
    """
    assert not connection.in_atomic_block, "mark the test django_db(transaction=True)"
    for _ in range(limit):
        piece = Piece.objects.claimable().order_by("created_at").first()
        if piece is None:
            return
        perform(str(piece.id))
    raise AssertionError(f"after {limit} pieces there is still work: {list(Piece.objects.claimable())}")
