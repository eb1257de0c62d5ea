"""Which dataset and which version a call is about, as far as its reader may know of them."""

from __future__ import annotations

import re

from catalog import holding, licensing
from catalog.hub.errors import GatedRepo, RepoNotFound, RevisionNotFound
from catalog.models import Dataset, Version
from marketplace.accounts.models import Account

#: The revision that follows the shelf.
MAIN = "main"
_COMMIT = re.compile(r"[0-9a-f]{40}")


def find_version(account: Account | None, owner: str, name: str, revision: str) -> Version:
    """The version at ``revision``: ``main``, a version number, or the 40 digits of a commit.

    Raises RepoNotFound where ``account`` may see no version at all, so that a private dataset answers as one that does
    not exist; GatedRepo where it held a licence that gives nothing now; RevisionNotFound where it may see others.
    """
    dataset = Dataset.objects.named(owner, name).first()
    newest = None if dataset is None else licensing.newest_for(account, dataset)
    if dataset is not None and newest is None:
        _refuse_lapsed(account, dataset)
    if dataset is None or newest is None:
        raise RepoNotFound(f"There is no dataset {owner}/{name} that you may see.")
    version = newest if revision == MAIN else _named(dataset, revision)
    if version is None or not licensing.may_look(account, version):
        raise RevisionNotFound(f"{owner}/{name} has no version {revision} that you may see.")
    version.dataset = dataset
    return version


def visible_versions(account: Account | None, dataset: Dataset) -> list[Version]:
    """All versions of ``dataset`` that ``account`` may see, the newest first."""
    shown = set(licensing.shown(dataset).values_list("id", flat=True))
    shown.update(licensing.held(account, dataset).values_list("id", flat=True))
    return list(Version.objects.filter(id__in=shown).newest_first())


def _refuse_lapsed(account: Account | None, dataset: Dataset) -> None:
    newest = dataset.versions.readable().select_related("shelf").newest_first().first()
    licence = None if newest is None else licensing.lapsed(account, newest)
    if licence is not None:
        raise GatedRepo(str(holding.notice(licence)))


def _named(dataset: Dataset, revision: str) -> Version | None:
    versions = dataset.versions.readable().select_related("shelf")
    if _COMMIT.fullmatch(revision):
        return versions.filter(digest__startswith=revision).first()
    return versions.numbered(revision).first()
