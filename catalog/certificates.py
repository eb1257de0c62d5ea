"""The certificate of a licence: a signed token that says who may use what, and that anyone can check without us.

Every licence has one, issued in the transaction that grants it. Whether it still holds is in its status list.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import rfc8785
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.urls import reverse

from catalog import status_lists
from catalog.models import Certificate, Licence, Listing, StatusList, Version
from catalog.models.certificate import ENTRIES
from catalog.models.terms import QUESTIONS
from marketplace.keys import jws
from marketplace.keys.models import Purpose, SigningKey

TYPE = "dataset-licence+jwt"

#: A list that is so full gets no more, so that a free place is found within two draws, on average.
_FULL = ENTRIES // 2
_AT_ONCE = 100
_LOOK_AGAIN_SECONDS = 3600
_COMPLETE = "certificates:complete"


@dataclass(frozen=True)
class Paid:
    """What was paid for a licence: id of the purchase or the order, gross amount in minor units, currency."""

    id: UUID
    amount: int
    currency: str


def issue(licence: Licence, *, paid: Paid | None = None) -> Certificate:
    """Return the certificate of ``licence``, signed now if it has none yet; there is never a second one.

    Must be called in a transaction that holds the licence: it made it, or locked its row.
    """
    found = Certificate.objects.filter(licence=licence).first()
    if found is not None:
        return found
    status_list, said = _list_with_room(), _said(licence, paid)
    while found is None:
        index = secrets.randbelow(ENTRIES)
        status = {"status_list": {"idx": index, "uri": status_lists.address(status_list)}}
        signed = jws.sign(said | {"status": status}, type=TYPE, purpose=Purpose.LICENCE)
        row = Certificate(licence=licence, status_list=status_list, index=index, token=signed.token, kid=signed.kid)
        # A place that somebody else has, or is just taking, is no fault: another one is drawn.
        Certificate.objects.bulk_create([row], ignore_conflicts=True)
        found = Certificate.objects.filter(licence=licence).first()
    return found


def of(licence: Licence) -> Certificate:
    """The certificate of a licence; one that was granted before there were any gets it here."""
    found = Certificate.objects.filter(licence=licence).first()
    if found is not None:
        return found
    with transaction.atomic():
        return issue(Licence.objects.select_for_update(no_key=True).get(id=licence.id))


def claims(certificate: Certificate) -> dict[str, Any]:
    """What a certificate says."""
    said: dict[str, Any] = json.loads(jws.body(certificate.token))
    return said


def issue_missing() -> None:
    """Give older licences their certificates, some at a time; once all have one, look again in an hour."""
    if cache.get(_COMPLETE):
        return
    without = Licence.objects.filter(~Exists(Certificate.objects.filter(licence=OuterRef("id"))))
    with transaction.atomic():
        found = list(without.order_by("id").select_for_update(no_key=True, skip_locked=True, of=("self",))[:_AT_ONCE])
        for licence in found:
            issue(licence)
    if not found:
        cache.set(_COMPLETE, True, _LOOK_AGAIN_SECONDS)


def sign_again() -> None:
    """Sign with another key, some at a time, what a key had signed that is compromised since. Nothing else changes."""
    compromised = SigningKey.objects.filter(purpose=Purpose.LICENCE, compromised_at__isnull=False)
    with transaction.atomic():
        held = Certificate.objects.filter(kid__in=compromised.values("kid")).order_by("licence_id")
        for certificate in held.select_for_update(no_key=True, skip_locked=True)[:_AT_ONCE]:
            signed = jws.sign_body(jws.body(certificate.token), type=TYPE, purpose=Purpose.LICENCE)
            certificate.token, certificate.kid = signed.token, signed.kid
            certificate.save(update_fields=["token", "kid"])


def _list_with_room() -> StatusList:
    """The list that new certificates get a place in, which is drawn: lists tell neither sales nor their order."""
    newest = StatusList.objects.order_by("-id").first()
    if newest is None or newest.certificates.count() >= _FULL:
        return StatusList.objects.create()
    return newest


def _said(licence: Licence, paid: Paid | None) -> dict[str, Any]:
    """The claims of a certificate but for its place in a status list. All numbers are whole."""
    licences = Licence.objects.filter(id=licence.id)
    found = licences.select_related("account", "dataset__account", "version", "terms__account").get()
    now: datetime = licences.values_list(Now(), flat=True).get()
    said = {
        "iss": settings.PUBLIC_URL,
        "sub": str(found.account.id),
        "jti": str(found.id),
        "iat": _seconds(now),
        "nbf": _seconds(found.granted_at),
        "licensee": {"account": found.account.slug, "name": found.account.name},
        "licence": _rights(found),
        "dataset": _dataset(found),
        "generator": _generator(found.version),
        "reports": dict(found.version.attachments.order_by("kind").values_list("kind", "sha256")),
        "purchase": None if paid is None else {"id": str(paid.id), "amount": paid.amount, "currency": paid.currency},
    }
    return said if found.ends_at is None else said | {"exp": _seconds(found.ends_at)}


def _rights(licence: Licence) -> dict[str, Any]:
    """Under which terms, for how many people, and what the terms answer to each question."""
    terms = licence.terms
    return {
        "kind": terms.kind,
        "title": terms.title,
        "number": terms.number,
        "by": None if terms.account is None else terms.account.slug,
        "sha256": terms.sha256,
        "text": settings.PUBLIC_URL + reverse("catalog:terms", args=[terms.id]),
        "seats": licence.seats,
        "laterVersions": licence.later_versions,
        "answers": {question: getattr(terms, question) for question in QUESTIONS},
    }


def _dataset(licence: Licence) -> dict[str, Any]:
    """To which version; its manifest's digest names every byte of it."""
    version, dataset = licence.version, licence.dataset
    listing = Listing.objects.filter(dataset=dataset).values_list("id", flat=True).first()
    return {
        "name": str(dataset),
        "listing": None if listing is None else str(listing),
        "version": version.number,
        "manifest": version.digest,
        "files": version.files.count(),
        "bytes": version.bytes,
    }


def _generator(version: Version) -> dict[str, Any]:
    """What made it, from which settings and under which commitment to its seed."""
    generator = version.recipe["generator"]
    return {
        "name": generator["name"],
        "version": generator["version"],
        "digest": generator["digest"],
        "parameters": f"sha256:{hashlib.sha256(rfc8785.dumps(version.recipe['parameters'])).hexdigest()}",
        "seedCommitment": version.recipe["seedCommitment"],
    }


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
