"""The kinds of documents that runs compute about versions: handed over at publishing, a replay when it is made."""

import json
from typing import Any

from pydantic import TypeAdapter

from catalog.attachments import AttachmentKind, register
from catalog.quality.drift import KIND as DRIFT
from catalog.shapes import Drifted, ProvenanceEnvelope, Quality, ReplayEnvelope, Statistics
from marketplace.keys.dsse import PAYLOAD_TYPE

_JSON = "application/json"

register(AttachmentKind("statistics", "Statistics of all rows", "2", _JSON, TypeAdapter(Statistics)))
register(AttachmentKind("quality", "Quality report", "1", _JSON, TypeAdapter(Quality), from_source=True))
# What a generator says that it planted has a shape of its own; that it is an object is all there is to check.
register(AttachmentKind("answer-key", "Answer key", "1", _JSON, TypeAdapter(dict[str, Any]), public=False))
register(
    AttachmentKind(
        DRIFT, "Drift from the version before", "1", _JSON, TypeAdapter(Drifted), work="runs.drift", of_two=True
    )
)
register(AttachmentKind("attestation", "Signed provenance", "1", PAYLOAD_TYPE, TypeAdapter(ProvenanceEnvelope)))
register(AttachmentKind("replay", "Made again and compared", "1", PAYLOAD_TYPE, TypeAdapter(ReplayEnvelope)))


def dumps(document: Any) -> bytes:
    """A document as it is stored: what is the same has the same bytes."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True).encode()
