"""The files of a version as the clients list them: its Parquet files, the card at the root, and their folders."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from catalog.hub import card
from catalog.models import Version

#: Git LFS has a pointer for each large object; there is none here, its size is what theirs have.
POINTER_SIZE = 134


@dataclass(frozen=True)
class Entry:
    """A file or a folder; a folder has no digest, the card is ``stored`` beside the data and has no large object."""

    path: str
    bytes: int = 0
    sha256: str = ""
    stored: bool = False

    @property
    def is_folder(self) -> bool:
        """Is it a folder?"""
        return not self.sha256


def files(version: Version) -> list[Entry]:
    """All files of ``version`` by path, the card among them."""
    readme = card.readme(version).encode()
    found = [Entry(*row, stored=True) for row in version.files.values_list("path", "bytes", "sha256")]
    found.append(Entry(card.PATH, len(readme), hashlib.sha256(readme).hexdigest()))
    return sorted(found, key=lambda entry: entry.path)


def below(entries: Sequence[Entry], folder: str, *, recursive: bool) -> list[Entry]:
    """What lies in ``folder`` (empty: the root), by path; with ``recursive`` in its folders too."""
    start = f"{folder}/" if folder else ""
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.path.startswith(start):
            for inner in (*_folders(entry), entry):
                if len(inner.path) > len(start) and (recursive or "/" not in inner.path[len(start) :]):
                    found.setdefault(inner.path, inner)
    return sorted(found.values(), key=lambda entry: entry.path)


def at(entries: Sequence[Entry], paths: Sequence[str]) -> list[Entry]:
    """The files and folders at ``paths``; paths that do not exist are left out."""
    there = {entry.path: entry for entry in entries}
    there.update((folder.path, folder) for entry in entries for folder in _folders(entry))
    return [there[path] for path in dict.fromkeys(path.strip("/") for path in paths) if path in there]


def described(entry: Entry, version: Version, *, expand: bool) -> dict[str, Any]:
    """An entry in the protocol's words. ``expand`` adds the commit that it came with, which is the version."""
    if entry.is_folder:
        oid = hashlib.sha256(f"{version.commit}/{entry.path}".encode()).hexdigest()[:40]
        words: dict[str, Any] = {"type": "directory", "oid": oid, "size": 0, "path": entry.path}
    else:
        words = {"type": "file", "oid": entry.sha256[:40], "size": entry.bytes, "path": entry.path}
        if entry.stored:
            words["lfs"] = {"oid": entry.sha256, "size": entry.bytes, "pointerSize": POINTER_SIZE}
    if expand:
        words["lastCommit"] = {
            "id": version.commit,
            "title": f"Version {version.number}",
            "date": moment(version),
        }
    return words


def moment(version: Version) -> str:
    """When the version was published, as the clients read times."""
    return f"{version.published_at:%Y-%m-%dT%H:%M:%S}.{version.published_at.microsecond // 1000:03d}Z"


def _folders(entry: Entry) -> Iterator[Entry]:
    return (Entry(str(folder)) for folder in list(PurePosixPath(entry.path).parents)[:-1])
