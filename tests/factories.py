"""Things that many tests need, made through the product's own verbs."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
from django.db import transaction
from uuid_utils.compat import uuid7

from catalog import attachments, licensing, manifests, offers, publishing, terms
from catalog.manifests import MadeFile
from catalog.models import Dataset, Licence, Listing, Offer, Version
from catalog.quality import measures
from marketplace import storage
from marketplace.accounts.models import Account, User
from marketplace.accounts.people import enrol


def an_account(slug: str = "acme", *, kind: str = Account.Kind.ORGANISATION) -> Account:
    return Account.objects.create(slug=slug, name=slug.title(), kind=kind)


def a_person(slug: str = "ann") -> tuple[User, Account]:
    """A user with a personal account; the password is ``correct horse``."""
    account = enrol(f"{slug}@example.com", "correct horse", slug)
    return User.objects.get(email=f"{slug}@example.com"), account


def a_dataset(account: Account, name: str = "numbers") -> Dataset:
    return Dataset.objects.create(account=account, name=name, title=name.title())


def a_listing(dataset: Dataset, *, price: int = 0) -> Offer:
    listing = Listing.objects.create(dataset=dataset, summary="Some numbers.", modality="tabular")
    return offers.open_offer(listing, terms.standard(terms.Kind.COMMERCIAL), price=price)


def a_licence(
    account: Account, version: Version, *, cause: tuple[str, UUID] | None = None, later_versions: bool = False
) -> Licence:
    """A licence to ``version``, as an order gives one unless another cause is named."""
    kind, subject = cause or (Licence.Cause.ORDER, uuid7())
    return licensing.grant(
        account,
        version,
        cause=licensing.Cause(kind, subject),
        terms=terms.standard(terms.Kind.ORDERED),
        later_versions=later_versions,
    )


def a_layout(columns: tuple[str, ...] = ("number",)) -> dict[str, Any]:
    schema = [{"name": name, "type": "int64", "nullable": False, "description": name} for name in columns]
    return {"unit": "row", "block": 10, "tables": [{"name": "default", "schema": schema, "key": [], "rows": "one"}]}


def a_version(
    dataset: Dataset,
    *,
    columns: tuple[str, ...] = ("number",),
    licensed_to_owner: bool = True,
    run: UUID | None = None,
    kept: bool = False,
) -> Version:
    """Publish two small files, the first of which is the free sample; ``kept`` says that they hold an upload's rows."""
    files = [_file(columns, number, 2) for number in range(2)]
    return _published(dataset, a_layout(columns), files, licensed_to_owner=licensed_to_owner, run=run, kept=kept)


def _published(
    dataset: Dataset,
    layout: dict[str, Any],
    files: list[MadeFile],
    *,
    licensed_to_owner: bool = True,
    run: UUID | None = None,
    quality: bytes | None = None,
    kept: bool = False,
) -> Version:
    learnt = {"kind": "full", "rows": 1000, "commitment": "sha256:" + "3" * 64, **({"kept": True} if kept else {})}
    recipe = {
        "schema": "lookalike/recipe/1",
        "generator": {"name": "house/numbers", "version": "1.0.0", "digest": "sha256:" + "1" * 64},
        "parameters": {},
        "units": sum(file.rows for file in files),
        "splits": [{"name": "train", "first": 0, "units": 20, "shards": [1, 1]}],
        "seedCommitment": "sha256:" + hashlib.sha256(uuid7().bytes).hexdigest(),
        "source": {"kind": "none"} if quality is None and not kept else learnt,
        "runtime": "sha256:" + "2" * 64,
    }
    manifest = manifests.build(layout=layout, recipe=recipe, files=files)
    storage.put_bytes(manifest.body, "application/json")
    run = run or uuid7()
    key = storage.private_key("seeds", run, "seed.json")
    storage.put_private_bytes(key, b"{}", "application/json")
    findings = [] if quality is None else [attachments.store("quality", quality)]
    with transaction.atomic():
        return publishing.publish(
            dataset,
            run=run,
            manifest=manifest,
            layout=layout,
            recipe=recipe,
            files=files,
            disclosure=publishing.DisclosedSeed(key, 2),
            findings=findings,
            measures={} if quality is None else measures(json.loads(quality)),
            licensed_to_owner=licensed_to_owner,
        )


def _file(columns: tuple[str, ...], number: int, of: int) -> MadeFile:
    rows = pa.table({name: pa.array(range(number * 10, number * 10 + 10), pa.int64()) for name in columns})
    target = io.BytesIO()
    pq.write_table(rows, target)
    blob = storage.put_bytes(target.getvalue(), storage.PARQUET)
    return MadeFile(
        path=f"data/train-{number:05d}-of-{of:05d}.parquet",
        config="default",
        split="train",
        sample=number == 0,
        rows=10,
        bytes=blob.size,
        sha256=blob.sha256,
    )


def a_version_of(
    dataset: Dataset,
    tables: dict[str, list[pa.Table]],
    *,
    row_group_rows: int = 10_000,
    layout: dict[str, Any] | None = None,
    quality: bytes | None = None,
) -> Version:
    """Publish the given tables: by configuration its files, the first of which is the free sample of ``train``.

    With a report of its ``quality`` it was learnt from a source.
    """
    layout = layout or {
        "unit": "row",
        "block": 10,
        "tables": [
            {
                "name": name,
                "schema": [
                    {
                        "name": field.name,
                        "type": str(field.type),
                        "nullable": field.nullable,
                        **{key.decode(): value.decode() for key, value in (field.metadata or {}).items()},
                    }
                    for field in parts[0].schema
                ],
                "key": [],
                "references": {},
                "rows": "one",
            }
            for name, parts in tables.items()
        ],
    }
    files = []
    for config, parts in tables.items():
        for number, rows in enumerate(parts):
            target = io.BytesIO()
            pq.write_table(rows, target, row_group_size=row_group_rows, compression="zstd", write_page_index=True)
            blob = storage.put_bytes(target.getvalue(), storage.PARQUET)
            folder = "data" if list(tables) == ["default"] else config
            files.append(
                MadeFile(
                    path=f"{folder}/train-{number:05d}-of-{len(parts):05d}.parquet",
                    config=config,
                    split="train",
                    sample=number == 0,
                    rows=rows.num_rows,
                    bytes=blob.size,
                    sha256=blob.sha256,
                )
            )
    return _published(dataset, layout, files, quality=quality)
