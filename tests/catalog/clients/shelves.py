"""Datasets of the house's own generators on the shelves, small, and made in this process as its workers would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Sum

from catalog import publishing
from catalog.models import Dataset, Version
from generation.runs import lifecycle, registry
from marketplace.accounts import tokens
from marketplace.accounts.models import Account, User
from tests.factories import a_dataset, a_licence, a_listing, a_person, a_version, an_account
from tests.workers import work_off

_SPLITS = ({"name": "train", "share": 0.8}, {"name": "test", "share": 0.2})


@dataclass(frozen=True)
class Shelved:
    """Secrets of a licence holder and of a stranger; by version its files' digests, its commit, its splits' rows."""

    holder: str
    stranger: str
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    commits: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def fill() -> Shelved:
    """Make the datasets: payments in two versions, pictures of defects, reports of two tables, a private one."""
    seller = an_account("acme")
    holder, holder_secret = _program("holder")
    _, stranger_secret = _program("stranger")
    versions = [
        _made(seller, "payments", "tabular.card_transactions", 400, {"transactions": 6000}),
        _made(seller, "payments", "tabular.card_transactions", 200, {"transactions": 3000}),
        _made(seller, "defects", "image.surface_defects", 24, {"size": 256}),
        _made(seller, "reports", "multimodal.inspection_reports", 12, {}),
        a_version(a_dataset(seller, "secret")),
    ]
    for version in versions[:4]:
        a_licence(holder, version)
    return Shelved(
        holder_secret,
        stranger_secret,
        {str(version): dict(version.files.values_list("path", "sha256")) for version in versions},
        {str(version): version.commit for version in versions},
        {str(version): dict(version.files.values_list("split").annotate(Sum("rows"))) for version in versions},
    )


def _program(slug: str) -> tuple[Account, str]:
    user, account = a_person(slug)
    return account, _token(account, user)


def _token(account: Account, user: User) -> str:
    return tokens.issue(account, created_by=user, name="tests", scopes=["read"]).secret


def _made(seller: Account, name: str, generator: str, units: int, parameters: Mapping[str, Any]) -> Version:
    """One more version of the seller's dataset ``name``, with its listing on the shelf."""
    house = Account.objects.filter(slug="house").first() or an_account("house")
    dataset = Dataset.objects.filter(account=seller, name=name).first() or a_dataset(seller, name)
    with transaction.atomic():
        run = lifecycle.plan_run(
            dataset=dataset,
            generator=registry.register(f"generation.generators.{generator}:generator", house),
            parameters=parameters,
            units=units,
            splits=_SPLITS,
        )
    work_off()
    if not hasattr(dataset, "listing"):
        publishing.put_on_shelf(a_listing(dataset).listing)
    return Version.objects.select_related("dataset__account").get(run=run.id)
