"""Events: are they Stripe's, and what are they about?"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import stripe

#: Events of a connected account are about that account, whatever object they show: docs.stripe.com/connect/webhooks.
_OF_ACCOUNTS = ("account.", "capability.")
_UNKEEPABLE: Final = re.compile("[\0\ud800-\udfff]")
#: Of an id or a type: docs.stripe.com/upgrades.
_LONGEST_NAME: Final = 255


class NotSigned(Exception):
    """No secret of ours signed this, or it was signed more than five minutes ago."""


@dataclass(frozen=True)
class EventTold:
    """An event's id and type, and the id of the object that it is about.

    In ``body`` what the database cannot keep in a text, such as NUL, stands as U+FFFD.
    """

    id: str
    type: str
    object_id: str
    body: Mapping[str, Any]


def verified(body: bytes, signature: str, secrets: Sequence[str]) -> EventTold:
    """Read an event that one of ``secrets`` signed within five minutes. Raises NotSigned.

    The signature is of the bytes as they came: docs.stripe.com/webhooks/signature.
    """
    # Stripe's client cannot compare a text beyond ASCII, which is no signature anyway.
    for secret in filter(None, secrets if signature.isascii() else ()):
        try:
            stripe.WebhookSignature.verify_header(body.decode(), signature, secret, tolerance=300)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            continue
        return _read(body)
    raise NotSigned("no secret of ours signed this body within the last five minutes")


def _read(body: bytes) -> EventTold:
    try:
        told = _keepable(json.loads(body))
        inside = told["data"]["object"]
        object_id = inside.get("id")
        if str(told["type"]).startswith(_OF_ACCOUNTS):
            object_id = told.get("account") or object_id
        read = EventTold(str(told["id"]), str(told["type"]), str(object_id or ""), told)
        if max(len(read.id), len(read.type), len(read.object_id)) > _LONGEST_NAME:
            raise ValueError(f"a name in it has more than {_LONGEST_NAME} characters")
        return read
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotSigned(f"this is signed, and no event: {error}") from error


def _keepable(value: Any) -> Any:
    """``value`` with all its texts as PostgreSQL takes them: no NUL, no half of a surrogate pair, no endless number."""
    match value:
        case str():
            return _UNKEEPABLE.sub("\ufffd", value)
        case dict():
            return {_keepable(name): _keepable(inner) for name, inner in value.items()}
        case list():
            return [_keepable(inner) for inner in value]
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value
