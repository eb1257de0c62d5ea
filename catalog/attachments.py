"""Documents about a version: put by whoever computed them, read by pages. Catalog owns their shapes.

The table of derived things: each part registers the kinds that it computes in its ``documents`` module, found in every
process. A kind has a name, a version of the code that computes it, and what sets it going.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from pydantic import TypeAdapter

from catalog.models import Attachment, Version
from marketplace import storage
from marketplace.storage import Blob

_CACHED_SECONDS = 3600
_NAME = re.compile(r"[a-z][a-z0-9-]{1,39}")
_CODE_VERSION = re.compile(r"[1-9][0-9]*")
_JSON = re.compile(r"application/(.+\+)?json")


class SourceGone(Exception):
    """The document was computed from an upload that is deleted since, so it cannot be replaced by another."""


@dataclass(frozen=True)
class AttachmentKind:
    """A kind of document: its name, the title people see, the version of its code, its media type and its shape.

    ``work`` is the kind of work that computes it anew from the version alone, asked for at publishing; without it a run
    or a person hands the document over. ``from_source`` marks what is computed by looking at a version's source: for a
    version that has one it is never remade. ``of_two`` marks what also tells of the version before,
    and is computed anew once that one is withdrawn.
    """

    name: str
    title: str
    code_version: str
    media_type: str
    shape: TypeAdapter[Any]
    #: Shown to whoever may look at the version; otherwise to licence holders only.
    public: bool = True
    work: str = ""
    from_source: bool = False
    of_two: bool = False


@dataclass(frozen=True)
class Finding:
    """A document in the object store that is still to be attached, and the version of the code that computed it."""

    kind: str
    code_version: str
    blob: Blob


_kinds: dict[str, AttachmentKind] = {}


def register(kind: AttachmentKind) -> AttachmentKind:
    """Make a kind known to this process.

    Raises ValueError for a name that is taken or is none, a version that is no number, a media type that is not JSON's,
    for what would be remade from a source by itself, and for what tells of two versions and could not be remade.
    """
    if kind.name in _kinds:
        raise ValueError(f"the kind of document {kind.name} is registered twice")
    if not _NAME.fullmatch(kind.name) or not _CODE_VERSION.fullmatch(kind.code_version):
        raise ValueError(f"{kind.name!r} {kind.code_version!r} is no name with a version: it takes a word and a number")
    if not _JSON.fullmatch(kind.media_type):
        raise ValueError(f"{kind.name} is {kind.media_type}; documents are JSON, so that their shape can be checked")
    if kind.of_two and not kind.work:
        raise ValueError(f"{kind.name} tells of two versions, so there must be work that computes it anew")
    if kind.work and kind.from_source:
        raise ValueError(f"{kind.name} cannot be made from the version alone and be computed from its source")
    _kinds[kind.name] = kind
    return kind


def kind(name: str) -> AttachmentKind:
    """Return the kind called ``name``. Raises LookupError when no installed part registered it."""
    try:
        return _kinds[name]
    except KeyError:
        raise LookupError(f"no part registered the kind of document {name}; known are {sorted(_kinds)}") from None


def kinds() -> tuple[AttachmentKind, ...]:
    """All kinds that an installed part registered."""
    return tuple(_kinds.values())


def work_at_publishing() -> Iterator[str]:
    """The kinds of work that compute documents from a version alone."""
    return (kind.work for kind in _kinds.values() if kind.work)


def of_two() -> list[AttachmentKind]:
    """The kinds that tell of a version and of the one before it."""
    return [kind for kind in _kinds.values() if kind.of_two]


def store(name: str, body: bytes) -> Finding:
    """Put a document of the kind ``name`` into the object store, once its shape is right.

    Raises LookupError for an unknown kind and pydantic.ValidationError for a body of another shape; nothing is stored
    then. Not for transactions that hold locks: it waits for the network.
    """
    of_kind = kind(name)
    of_kind.shape.validate_json(body)
    return Finding(name, of_kind.code_version, storage.put_bytes(body, of_kind.media_type))


def put(version: Version, finding: Finding) -> Attachment:
    """Attach a stored document to ``version`` in place of an earlier one of its kind; writes a row and nothing else.

    Raises LookupError for an unknown kind, and SourceGone for another document than the one that was computed while the
    version's source was there.
    """
    of_kind = kind(finding.kind)
    row = {
        "code_version": finding.code_version,
        "media_type": of_kind.media_type,
        "sha256": finding.blob.sha256,
        "bytes": finding.blob.size,
    }
    if not (of_kind.from_source and version.recipe["source"]["kind"] != "none"):
        return Attachment.objects.update_or_create(version=version, kind=finding.kind, defaults=row)[0]
    kept, _ = Attachment.objects.get_or_create(version=version, kind=finding.kind, defaults=row)
    if kept.sha256 != finding.blob.sha256:
        raise SourceGone(f"The {of_kind.title.lower()} of {version} was computed from a source that is gone.")
    return kept


def read(attachment: Attachment) -> bytes:
    """The bytes of a document; kept in the cache for an hour, by digest."""
    key = _cache_key(attachment.sha256)
    body: bytes | None = cache.get(key)
    if body is None:
        body = storage.read_blob(attachment.sha256)
        cache.set(key, body, _CACHED_SECONDS)
    return body


def load(attachment: Attachment) -> Any:
    """A JSON document, parsed."""
    return json.loads(read(attachment))


def load_all(attachments: Iterable[Attachment]) -> dict[str, Any]:
    """JSON documents by their digests, each parsed once; what the cache has comes in one answer."""
    by_key = {_cache_key(attachment.sha256): attachment for attachment in attachments}
    kept: dict[str, bytes] = cache.get_many(by_key)
    return {found.sha256: json.loads(kept[key] if key in kept else read(found)) for key, found in by_key.items()}


def forget(sha256: str) -> None:
    """Take a document out of the cache."""
    cache.delete(_cache_key(sha256))


def _cache_key(sha256: str) -> str:
    return f"attachment:{sha256}"
