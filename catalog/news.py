"""Telling those who hold a licence that there is a new version: a page of holders at a time, each of them once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db.models.functions import Now
from django.urls import reverse

from catalog import licensing
from catalog.models import Licence, ShelfState, Version, VersionNews
from marketplace.accounts import notices
from marketplace.accounts.models import Account
from marketplace.accounts.notices import Notice
from marketplace.work import queue
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease

#: The kind of work that tells one page of holders.
TELL: Final = "catalog.tell_holders"
_PAGE = 50  # accounts


def begin(version: Version) -> None:
    """Have the holders of licences to the dataset told of ``version``. Called in the transaction that publishes it."""
    held = Licence.objects.in_force().filter(dataset=version.dataset_id).exclude(account=version.dataset.account_id)
    if held.exists():
        VersionNews.objects.create(version=version)
        queue.enqueue(TELL, version.id)


def tell(lease: Lease) -> None:
    """Perform ``catalog.tell_holders``: the letters of a page and where it ended are kept together, or not at all."""
    with lease.finishing():
        news = VersionNews.objects.select_for_update(no_key=True).get(version=lease.subject)
        if news.ended_at is not None:
            return
        version = Version.objects.select_related("dataset__account", "shelf").get(id=lease.subject)
        holders = _holders(version, news.told_to) if version.shelf.state == ShelfState.State.ON_SHELF else []
        _tell(version, holders)
        if len(holders) == _PAGE:
            VersionNews.objects.filter(version=version).update(told_to=holders[-1])
            queue.enqueue(TELL, version.id)
        else:
            VersionNews.objects.filter(version=version).update(ended_at=Now())


def give_up(version: UUID, fault: WorkFault) -> None:
    """End a round of letters that failed; the failed piece is there for staff to see."""
    VersionNews.objects.filter(version=version, ended_at=None).update(ended_at=Now())


def _holders(version: Version, after: UUID | None) -> list[UUID]:
    """The next accounts that hold a licence to the dataset, by id; the owner knows already."""
    licences = Licence.objects.in_force().filter(dataset=version.dataset_id).exclude(account=version.dataset.account_id)
    if not licensing.is_public(version):
        licences = licences.covering(version)
    accounts = Account.objects.filter(id__in=licences.values("account")).order_by("id")
    if after is not None:
        accounts = accounts.filter(id__gt=after)
    return list(accounts.values_list("id", flat=True)[:_PAGE])


def _tell(version: Version, holders: Sequence[UUID]) -> None:
    covered = Licence.objects.in_force().covering(version).filter(account__in=holders)
    included = set(covered.values_list("account", flat=True))
    for account, emails in notices.addresses(holders).items():
        notice = _notice(version, included=account in included)
        for email in emails:
            notices.tell_person(email, notice)


def _notice(version: Version, *, included: bool) -> Notice:
    dataset = version.dataset
    if included:
        consequence = "Your licence includes it. The version that you have stays as it is."
    else:
        consequence = "Your licence does not include later versions. What you have stays as it is, and yours to use."
    return Notice(
        subject=f"{dataset.title}: version {version.number} is there",
        paragraphs=[
            f"{dataset.title} ({dataset}), to which you hold a licence, has a new version: {version.number}, of "
            f"{version.rows:,} rows.",
            consequence,
        ],
        path=reverse("catalog:version", args=[dataset.account.slug, dataset.name, version.number]),
        action="See the new version and what changed",
    )
