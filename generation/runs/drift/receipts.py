"""The receipt of a deletion: a signed token that says what was deleted when, and that anyone can check without us."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

from generation.runs.models import DriftCheck
from marketplace.keys import jws
from marketplace.keys.models import Purpose

TYPE: Final = "deletion-receipt+jwt"


def sign(check: DriftCheck) -> str:
    """The receipt of a check whose upload is deleted. Raises ValueError for one whose upload is not."""
    return jws.sign(claims(check), type=TYPE, purpose=Purpose.DELETION).token


def claims(check: DriftCheck) -> dict[str, Any]:
    """What the receipt says; ``sha256`` is null where storing broke off. Raises ValueError as ``sign`` does."""
    if check.deleted_at is None:
        raise ValueError(f"the upload of drift check {check.id} is not deleted")
    return {
        "iss": settings.PUBLIC_URL,
        "jti": str(check.id),
        "sub": str(check.account_id),
        "iat": int(check.deleted_at.timestamp()),
        "received_at": int(check.asked_at.timestamp()),
        "deleted_at": int(check.deleted_at.timestamp()),
        "object": {"bytes": check.bytes, "sha256": check.sha256 or None},
    }
