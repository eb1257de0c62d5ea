"""Does a licence hold? For anyone who was shown one: by its id, or by the certificate itself.

Who holds it and what was paid is told to nobody here, and of a dataset that is not public nothing at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from catalog import certificates, licensing
from catalog.models import Certificate, Licence, Terms, Version
from marketplace.keys import jws, keyring
from marketplace.keys.models import Purpose


class NotGenuine(Exception):
    """What was shown is no certificate of a licence of this site; the message says what is wrong with it."""


@dataclass(frozen=True)
class Standing:
    """Where a licence stands. ``version`` is ``None`` where it is not shown to everybody."""

    id: UUID
    state: str
    terms: Terms
    granted_at: datetime
    changed_at: datetime | None
    ends_at: datetime | None
    version: Version | None

    @property
    def document(self) -> dict[str, Any]:
        """The same for programs."""
        version = self.version
        return {
            "id": self.id,
            "state": self.state,
            "granted": self.granted_at,
            "changed": self.changed_at,
            "ends": self.ends_at,
            "terms": {"kind": self.terms.kind, "number": self.terms.number, "sha256": self.terms.sha256},
            "dataset": None
            if version is None
            else {"name": str(version.dataset), "version": version.number, "manifest": version.digest},
        }


@dataclass(frozen=True)
class Genuine:
    """A certificate that this site signed: what it says, and where its licence stands today."""

    claims: dict[str, Any]
    standing: Standing


def standing(licence_id: UUID) -> Standing | None:
    """Where a licence stands; ``None`` when there is none of this id."""
    found = (
        Licence.objects.select_related("terms", "version__shelf", "version__dataset__account")
        .standing()
        .filter(id=licence_id)
        .first()
    )
    if found is None:
        return None
    return Standing(
        id=found.id,
        state=found.stands,
        terms=found.terms,
        granted_at=found.granted_at,
        changed_at=found.ends_at if found.stands == Licence.State.EXPIRED else found.changed_at,
        ends_at=found.ends_at,
        version=found.version if licensing.is_public(found.version) else None,
    )


def check(token: str) -> Genuine:
    """What a certificate says and where its licence stands. Raises NotGenuine for anything that we did not sign.

    One that has ended, is suspended or revoked is genuine all the same: its state says so.
    """
    try:
        claims = jws.verify(token, keyring.jwks(), type=certificates.TYPE, purpose=Purpose.LICENCE)
    except jws.NotVerified as error:
        raise NotGenuine(str(error)) from error
    if claims.get("iss") != settings.PUBLIC_URL:
        raise NotGenuine(f"It was issued by {str(claims.get('iss'))[:80]}, not by {settings.PUBLIC_URL}.")
    issued = Certificate.objects.filter(licence=_id(claims)).first()
    # A signature alone is not enough: a key could have been stolen and nobody knows it yet.
    if issued is None or jws.body(issued.token) != jws.body(token):
        raise NotGenuine("It is signed, and no certificate that was issued here says this.")
    found = standing(issued.licence_id)
    if found is None:
        raise NotGenuine("No licence has its id.")
    return Genuine(claims, found)


def _id(claims: dict[str, Any]) -> UUID | None:
    try:
        return UUID(str(claims.get("jti")))
    except ValueError:
        return None
