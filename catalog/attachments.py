"""Documents about a version: put by whoever computed them, read by pages. Catalog owns their shapes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from pydantic import TypeAdapter

from catalog.models import Attachment, Version
from catalog.shapes import Preview, Statistics
from marketplace import storage

_CACHED_SECONDS = 3600


@dataclass(frozen=True)
class AttachmentKind:
    """A kind of document: its name, media type, the title people see, and the shape that JSON of it must have."""

    name: str
    title: str
    media_type: str
    shape: TypeAdapter[Any] | None = None
    #: Shown to whoever may look at the version; otherwise to licence holders only.
    public: bool = True


_ANY_JSON: TypeAdapter[Any] = TypeAdapter(Any)

KINDS = {
    kind.name: kind
    for kind in (
        AttachmentKind("statistics", "Statistics of all rows", "application/json", TypeAdapter(Statistics)),
        AttachmentKind("preview", "First rows", "application/json", TypeAdapter(Preview)),
        AttachmentKind("attestation", "Signed provenance", "application/vnd.in-toto+json", _ANY_JSON),
        AttachmentKind("answer-key", "Answer key", "application/json", _ANY_JSON, public=False),
        AttachmentKind("replay", "Made again and compared", "application/vnd.in-toto+json", _ANY_JSON),
    )
}


def put(version: Version, kind: str, code_version: str, body: bytes) -> Attachment:
    """Store ``body`` as the version's document of this kind, in place of an earlier one.

    Raises LookupError for an unknown kind and pydantic.ValidationError for a body of another shape.
    """
    of_kind = KINDS[kind]
    if of_kind.shape is not None:
        of_kind.shape.validate_json(body)
    blob = storage.put_bytes(body, of_kind.media_type)
    attachment, _ = Attachment.objects.update_or_create(
        version=version,
        kind=kind,
        defaults={
            "code_version": code_version,
            "media_type": of_kind.media_type,
            "sha256": blob.sha256,
            "bytes": blob.size,
        },
    )
    return attachment


def read(attachment: Attachment) -> bytes:
    """The bytes of a document; kept in the cache for an hour, by digest."""
    key = f"attachment:{attachment.sha256}"
    body: bytes | None = cache.get(key)
    if body is None:
        body = storage.read_blob(attachment.sha256)
        cache.set(key, body, _CACHED_SECONDS)
    return body


def load(attachment: Attachment) -> Any:
    """A JSON document, parsed."""
    return json.loads(read(attachment))
