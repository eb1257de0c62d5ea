"""Listings that a run fills: announced while it makes the data, on the shelf once it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from catalog import offers, publishing, terms
from catalog.models import Dataset, Listing, Version
from generation.runs import lifecycle
from generation.runs.models import GeneratorVersion, Run
from marketplace.accounts.models import Account
from marketplace.work import queue
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease

SHELVE = "site.shelve"


@dataclass(frozen=True)
class Shelf:
    """Whose listing it is (a slug), what it says, and the run that fills it.

    It is free for research; ``price`` is that of commercial use, in minor units.
    """

    seller: str
    name: str
    title: str
    summary: str
    card: str
    generator: str
    units: int
    price: int = 0
    domain: str = Listing.Domain.OTHER
    parameters: Mapping[str, Any] = field(default_factory=dict)
    splits: Sequence[Mapping[str, Any]] = ({"name": "train", "share": 0.8}, {"name": "test", "share": 0.2})


def announce(account: Account, generator: GeneratorVersion, shelf: Shelf) -> Listing:
    """Return the listing of ``shelf`` and have its data made; what is there already is left as it is."""
    with transaction.atomic():
        dataset, created = Dataset.objects.get_or_create(
            account=account, name=shelf.name, defaults={"title": shelf.title}
        )
        if not created:
            return dataset.listing
        listing = Listing.objects.create(
            dataset=dataset,
            summary=shelf.summary,
            card=shelf.card,
            modality=generator.description["modality"],
            domain=shelf.domain,
        )
        offers.open_offer(listing, terms.standard(terms.Kind.RESEARCH))
        offers.open_offer(listing, terms.standard(terms.Kind.COMMERCIAL), price=shelf.price)
        run = lifecycle.plan_run(
            dataset=dataset,
            generator=generator,
            parameters=shelf.parameters,
            units=shelf.units,
            splits=shelf.splits,
        )
        publishing.announce(listing, run.id)
        queue.enqueue(SHELVE, listing.id, after=run.id)
        return listing


def shelve(lease: Lease) -> None:
    """Perform ``site.shelve`` after the run: show the listing, or take the announcement back."""
    with lease.finishing():
        listing = Listing.objects.select_for_update(no_key=True).get(id=lease.subject)
        if listing.state != Listing.State.ANNOUNCED:
            return
        if listing.making and Version.objects.filter(run=listing.making).exists():
            publishing.put_on_shelf(listing)
        else:
            publishing.close(listing)


def shelving_failed(listing: UUID, fault: WorkFault) -> None:
    """Take the announcement back: nothing came of it."""
    publishing.close(Listing.objects.get(id=listing))


def sweep() -> None:
    """Shelve listings whose run ended unseen: release what waits for the run, or ask for what is not there."""
    with transaction.atomic():
        announced = Listing.objects.filter(state=Listing.State.ANNOUNCED)
        ended = Run.objects.filter(id__in=announced.values("making"), state__in=Run.ENDED).values("id")
        for listing in announced.filter(making__in=ended)[:100]:
            if listing.making is not None:
                queue.catch_up(SHELVE, listing.id, ended=listing.making)
