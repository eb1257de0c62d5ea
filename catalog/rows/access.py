"""How far a reader may go into the rows of a version: all of them with a licence, the free sample without."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from catalog import delivery, licensing
from catalog.extent import extent
from catalog.models import File, Licence, Version
from catalog.models.version import FileQuerySet
from marketplace.accounts.models import Account
from marketplace.web.problems import Fault, Problem


@dataclass(frozen=True)
class Reach:
    """A version, and the ``licence`` under which all its rows may be read; without one the free sample may.

    Ask for it with ``reach``, which asks ``licensing``.
    """

    version: Version
    licence: Licence | None

    @property
    def full(self) -> bool:
        """May all rows be read?"""
        return self.licence is not None

    def files(self, config: str, split: str) -> FileQuerySet:
        """The files of a split that may be read, in the order of their rows."""
        found = self.version.files.of_split(config, split)
        return found if self.full else found.filter(sample=True)

    def rows(self, config: str, split: str) -> int:
        """How many rows of a split may be read."""
        found = extent(self.version)
        return (found.splits if self.full else found.free).get((config, split), 0)

    def rows_in_all(self, config: str, split: str) -> int:
        """How many rows a split has."""
        return extent(self.version).splits.get((config, split), 0)

    def holding(self, config: str, split: str, offset: int, length: int) -> list[File]:
        """The files that hold any of ``length`` rows from ``offset`` on: at most one for each of these rows."""
        # Backwards from the end of the range, so that the index is read for as many files as there are rows at most.
        before_end = self.files(config, split).filter(first_row__lt=offset + length, rows__gt=0)
        found = [file for file in before_end.reverse()[:length] if file.first_row + file.rows > offset]
        return found[::-1]

    def opened(self, config: str, split: str, offset: int, length: int) -> list[File]:
        """What ``holding`` finds, about to be shown: that rows beyond the free sample are is recorded, once a licence.

        Raises Problem when the licence was taken away meanwhile.
        """
        found = self.holding(config, split, offset, length)
        if self.licence is not None and not all(file.sample for file in found):
            try:
                delivery.rows_shown(self.licence, self.version)
            except delivery.NotLicensed as error:
                raise Problem(403, "These rows need a licence", str(error)) from error
        return found

    def limit(self) -> str:
        """What is said to who may read the free sample only; empty for everybody else."""
        if self.full:
            return ""
        dataset = self.version.dataset
        address = f"{settings.PUBLIC_URL}/datasets/{dataset.account.slug}/{dataset.name}"
        return f"These are rows of the free sample. A licence gives all rows: {address}"


def reach(account: Account | None, version: Version) -> Reach | None:
    """How far ``account`` may go, or ``None`` if it may not even know of the version."""
    licence = licensing.reading_licence(account, version)
    return Reach(version, licence) if licence is not None or licensing.is_public(version) else None


def splits(version: Version) -> list[tuple[str, str]]:
    """Configurations and their splits, in the order of layout and recipe."""
    return [(table["name"], split["name"]) for table in version.layout["tables"] for split in version.recipe["splits"]]


def split_faults(version: Version, config: str, split: str) -> list[Fault]:
    """What is wrong with the names of a configuration and a split of it."""
    faults = []
    configs = [table["name"] for table in version.layout["tables"]]
    names = [each["name"] for each in version.recipe["splits"]]
    for field, value, known in (("config", config, configs), ("split", split, names)):
        if value not in known:
            faults.append(Fault(field, f"“{value[:40]}” is no {field} of it.", f"Use {' or '.join(known)}.", "unknown"))
    return faults
