"""Publishing: a finished run becomes an immutable version, licensed to the account that made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from catalog import attachments, licensing, news, terms
from catalog.hub import card
from catalog.manifests import MadeFile, ManifestBody
from catalog.models import Dataset, Disclosure, File, Licence, Listing, Manifest, ShelfState, Version
from catalog.search import entries
from marketplace.work.queue import enqueue


@dataclass(frozen=True)
class DisclosedSeed:
    """Where the private object with seed and salt lies."""

    key: str
    bytes: int


def publish(
    dataset: Dataset,
    *,
    run: UUID,
    manifest: ManifestBody,
    layout: Mapping[str, Any],
    recipe: Mapping[str, Any],
    files: Sequence[MadeFile],
    disclosure: DisclosedSeed,
    findings: Sequence[attachments.Finding],
    measures: Mapping[str, Any] | None = None,
    licensed_to_owner: bool = True,
) -> Version:
    """Return the version of ``dataset`` that holds ``files``; the same one when ``run`` was published before.

    Must be called in a transaction. ``licensed_to_owner`` grants the dataset's account a licence with the cause
    ``made``; without it nobody can read the data yet. ``measures`` are the figures that shelves show. Files,
    disclosure, manifest and findings lie in the object store already: nothing here waits for the network while the
    dataset is locked.
    """
    published = Version.objects.filter(run=run).first()
    if published is not None:
        return published
    Dataset.objects.select_for_update(no_key=True).get(id=dataset.id)
    if recipe["source"].get("kept") and Listing.objects.filter(dataset=dataset).exists():
        raise licensing.OwnRows(f"{dataset} is listed, so nothing that holds rows of an upload comes into it.")
    major, minor = _next_number(dataset, layout)
    version = Version.objects.create(
        dataset=dataset,
        major=major,
        minor=minor,
        patch=0,
        run=run,
        digest=manifest.digest,
        recipe=recipe,
        layout=layout,
        measures=measures or {},
        units=recipe["units"],
        rows=sum(file.rows for file in files),
        bytes=sum(file.bytes for file in files),
    )
    begins = _first_rows(files)
    File.objects.bulk_create(
        File(
            version=version,
            path=file.path,
            config=file.config,
            split=file.split,
            sample=file.sample,
            rows=file.rows,
            first_row=begin,
            bytes=file.bytes,
            sha256=file.sha256,
        )
        for file, begin in zip(files, begins, strict=True)
    )
    Disclosure.objects.create(version=version, key=disclosure.key, bytes=disclosure.bytes)
    ShelfState.objects.create(version=version)
    for finding in findings:
        attachments.put(version, finding)
    if licensed_to_owner:
        licensing.grant(
            dataset.account,
            version,
            cause=licensing.Cause(Licence.Cause.MADE, run),
            terms=terms.standard(terms.Kind.MADE),
        )
    Manifest.objects.create(version=version, body=manifest.body)
    listing = Listing.objects.public().filter(dataset=dataset).first()
    if listing is not None:
        card.write([version], listing)
    for work in attachments.work_at_publishing():
        enqueue(work, version.id)
    news.begin(version)
    _refresh_listing_of(dataset)
    return version


def announce(listing: Listing, run: UUID) -> None:
    """Show a listing whose first version is being made by ``run``."""
    _set_state(listing, Listing.State.ANNOUNCED, making=run)


def put_on_shelf(listing: Listing) -> None:
    """Show the listing to buyers. Raises ValueError when there is no version to have."""
    if listing.newest_on_shelf is None:
        raise ValueError(f"{listing.dataset} has no version on the shelf; make one first")
    card.write(listing.dataset.versions.on_shelf().select_related("dataset"), listing)
    _set_state(listing, Listing.State.ON_SHELF)


def close(listing: Listing) -> None:
    """Take the listing away from buyers; licence holders keep what they have."""
    _set_state(listing, Listing.State.CLOSED)


def yank(version: Version, reason: str) -> None:
    """Take a version from the shelf: no new buyers, licence holders keep access. Needs a reason."""
    _change_shelf_state(version, ShelfState.State.YANKED, reason)


def withdraw(version: Version, reason: str) -> None:
    """Say that a version is withdrawn, for good; ``catalog.withdrawing`` destroys its bytes. Needs a reason."""
    _change_shelf_state(version, ShelfState.State.WITHDRAWN, reason)


def _first_rows(files: Sequence[MadeFile]) -> list[int]:
    """For each file, the rows of its split in the files before it."""
    begins: list[int] = []
    seen: dict[tuple[str, str], int] = {}
    for file in files:
        begins.append(seen.get((file.config, file.split), 0))
        seen[file.config, file.split] = begins[-1] + file.rows
    return begins


def _set_state(listing: Listing, state: str, *, making: UUID | None = None) -> None:
    with transaction.atomic():
        listing.state, listing.making = state, making
        listing.save(update_fields=["state", "making"])
        entries.refresh(listing)


def _refresh_listing_of(dataset: Dataset) -> None:
    """Let search see what changed about the versions of ``dataset``, if it is listed."""
    listing = Listing.objects.filter(dataset=dataset).first()
    if listing is not None:
        entries.refresh(listing)


def _change_shelf_state(version: Version, state: str, reason: str) -> None:
    if not reason.strip():
        raise ValueError("say why: the reason is shown to licence holders")
    with transaction.atomic():
        shelf = ShelfState.objects.select_for_update(no_key=True).get(version=version)
        if shelf.state == ShelfState.State.WITHDRAWN:
            raise ValueError(f"{version} is withdrawn; that is final")
        shelf.state, shelf.reason, shelf.changed_at = state, reason, Now()
        shelf.save(update_fields=["state", "reason", "changed_at"])
        _refresh_listing_of(version.dataset)


def _next_number(dataset: Dataset, layout: Mapping[str, Any]) -> tuple[int, int]:
    """1.0 for the first; the next major number when a table's columns changed, else the next minor."""
    newest = dataset.versions.newest_first().first()
    if newest is None:
        return 1, 0
    if _shape(newest.layout) != _shape(layout):
        return newest.major + 1, 0
    return newest.major, newest.minor + 1


def _shape(layout: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (table["name"], [(column["name"], column["type"]) for column in table["schema"]]) for table in layout["tables"]
    ]
