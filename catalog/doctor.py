"""What the catalogue can check of "Always true" on a living system."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from catalog import certificates, difference, previews, statistics_check, status_lists, withdrawing
from catalog.models import (
    Attachment,
    Certificate,
    File,
    Licence,
    LicenceSuspension,
    Listing,
    Manifest,
    Offer,
    PreviewPicture,
    SearchEntry,
    ShelfState,
    StatusList,
    Version,
)
from catalog.search import entries
from marketplace import storage
from marketplace.doctor import Fault, check
from marketplace.keys import jws, keyring
from marketplace.keys.models import Purpose
from marketplace.work.models import Piece, coming

_MANIFESTS_AT_ONCE = 20
_FILE_FACTS = ("path", "config", "split", "bytes", "rows", "sha256")


@check(promise=2)
def manifests_name_their_versions() -> Iterator[Fault]:
    """The SHA-256 of a manifest's bytes is the version's digest, in the database and in the object store."""
    for manifest in Manifest.objects.select_related("version").iterator(chunk_size=_MANIFESTS_AT_ONCE):
        if hashlib.sha256(bytes(manifest.body)).hexdigest() != manifest.version.digest:
            yield Fault(f"version {manifest.version_id}", "its manifest is not the one that its digest names.")
    yield from _blob_faults("manifest", Version.objects.readable().values_list("digest", flat=True))


@check(promise=2)
def versions_are_what_their_manifests_say() -> Iterator[Fault]:
    """Files, recipe and layout of a version are those of its manifest: none was added, left out or changed."""
    versions = Version.objects.select_related("manifest").prefetch_related("files")
    for version in versions.iterator(chunk_size=_MANIFESTS_AT_ONCE):
        for message in _differences(version):
            yield Fault(f"version {version.id}", message)


@check(promise=2)
def files_are_what_was_published() -> Iterator[Fault]:
    """Each file of a readable version lies in the object store with the digest that was published."""
    files = File.objects.filter(version__in=Version.objects.readable())
    yield from _blob_faults("file", files.values_list("sha256", flat=True))


@check(promise=2)
def documents_are_what_was_shown() -> Iterator[Fault]:
    """Each document and each picture of a readable version lies in the object store with the digest that pages show."""
    readable = Version.objects.readable()
    yield from _blob_faults(
        "document", Attachment.objects.filter(version__in=readable).values_list("sha256", flat=True)
    )
    pictures = PreviewPicture.objects.filter(version__in=readable)
    yield from _blob_faults("picture", pictures.values_list("sha256", flat=True))


@check(promise=3)
def licences_are_to_a_version_of_their_dataset() -> Iterator[Fault]:
    """Version, dataset and offer of a licence belong together."""
    foreign = ~Q(version__dataset=F("dataset")) | Q(offer__isnull=False) & ~Q(offer__listing__dataset=F("dataset"))
    for licence in Licence.objects.filter(foreign).iterator():
        yield Fault(f"licence {licence.id}", "its version or its offer is of another dataset.")


@check(promise=3)
def free_licences_have_their_offer() -> Iterator[Fault]:
    """A licence with the cause ``free`` names an offer at price 0 on the licensed dataset."""
    offer = Offer.objects.filter(id=OuterRef("cause_id"), price=0, listing__dataset=OuterRef("dataset"))
    for licence in Licence.objects.filter(~Exists(offer), cause_kind=Licence.Cause.FREE).iterator():
        yield Fault(
            f"licence {licence.id}", f"its cause, offer {licence.cause_id}, is not a free offer of its dataset."
        )


@check(promise=3)
def licences_have_certificates_that_verify() -> Iterator[Fault]:
    """Every licence has its certificate, signed by a published key, that says which licence and which entry it is."""
    certified = Certificate.objects.filter(licence=OuterRef("id"))
    for licence in Licence.objects.filter(~Exists(certified)).iterator():
        yield Fault(f"licence {licence.id}", "it has no certificate.")
    jwks = keyring.jwks()
    for certificate in Certificate.objects.select_related("status_list").iterator(chunk_size=500):
        for message in _certificate_faults(certificate, jwks):
            yield Fault(f"licence {certificate.licence_id}", message)


@check(promise=3)
def status_lists_say_how_licences_stand() -> Iterator[Fault]:
    """What a signed status list says of each entry is the state of the licence whose certificate names it."""
    jwks = keyring.jwks()
    for status_list in StatusList.objects.iterator():
        try:
            claims = jws.verify(status_lists.token(status_list), jwks, type=status_lists.TYPE, purpose=Purpose.LICENCE)
            packed = status_lists.unpack(claims["status_list"]["lst"])
        except (jws.NotVerified, status_lists.NotAList) as error:
            yield Fault(f"status list {status_list.id}", f"it cannot be read: {error}")
            continue
        entries = status_list.certificates.values_list("index", "licence", "licence__state")
        for index, licence, state in entries.iterator(chunk_size=2000):
            if status_lists.value_at(packed, index) != status_lists.value_of(state):
                yield Fault(f"licence {licence}", f"it is {state}, and its status list says something else.")


@check(promise=3)
def suspended_licences_have_a_reason() -> Iterator[Fault]:
    """A licence is suspended exactly while a reason is left that was not lifted."""
    left = Exists(LicenceSuspension.objects.filter(licence=OuterRef("id"), lifted_at=None))
    for licence in Licence.objects.filter(~left, state=Licence.State.SUSPENDED).iterator():
        yield Fault(f"licence {licence.id}", "it is suspended, and no reason for it is left.")
    for licence in Licence.objects.filter(left, state=Licence.State.IN_FORCE).iterator():
        yield Fault(f"licence {licence.id}", "it is in force, and a reason to suspend it was not lifted.")


@check(promise=5)
def statistics_are_true_of_the_files() -> Iterator[Fault]:
    """Exact statistics equal what DuckDB counts in the files; sketched ones lie within their stated error."""
    for version in Version.objects.readable().select_related("dataset__account").iterator(chunk_size=50):
        for message in statistics_check.faults(version):
            yield Fault(f"version {version.id}", message)


@check(promise=7)
def previews_are_made_or_given_up() -> Iterator[Fault]:
    """A readable version has its preview, or work that will make it, or a failed piece that says why there is none."""
    made = Attachment.objects.filter(version=OuterRef("id"), kind="preview")
    failed = Piece.objects.filter(kind=previews.PREVIEW, subject=OuterRef("id"), state=Piece.State.FAILED)
    lost = Version.objects.readable().filter(~Exists(made), ~coming(previews.PREVIEW), ~Exists(failed))
    for version in lost.iterator():
        yield Fault(f"version {version.id}", "it has no preview and no work is left that would make it.")


@check(promise=5)
def search_finds_what_is_public() -> Iterator[Fault]:
    """Search finds the public listings and no other, and its counts are those of what it finds."""
    for listing in entries.unfound(Listing.objects.all()).iterator():
        yield Fault(f"listing {listing.id}", "it is public and search does not find it.")
    for entry in SearchEntry.objects.exclude(listing__state__in=Listing.PUBLIC).iterator():
        yield Fault(f"listing {entry.listing_id}", "search finds it and it is not public.")
    for word, kept, found in entries.miscounted():
        yield Fault(f"filter {word}", f"{kept} listings are counted for it and {found} are found.")


def _certificate_faults(certificate: Certificate, jwks: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a certificate: its signature, or what it says of its licence and its entry."""
    try:
        claims = jws.verify(certificate.token, jwks, type=certificates.TYPE, purpose=Purpose.LICENCE)
    except jws.NotVerified as error:
        yield f"its certificate does not verify: {error}"
        return
    entry = {"idx": certificate.index, "uri": claims["status"]["status_list"]["uri"]}
    named = claims["jti"] == str(certificate.licence_id) and claims["status"]["status_list"] == entry
    if not named or not entry["uri"].endswith(str(certificate.status_list_id)):
        yield "its certificate names another licence or another entry of a status list."


def _differences(version: Version) -> Iterator[str]:
    """How the rows of a version differ from its manifest."""
    if not hasattr(version, "manifest"):
        yield "it has no manifest."
        return
    manifest = json.loads(bytes(version.manifest.body))
    for name in ("recipe", "layout"):
        if getattr(version, name) != manifest[name]:
            yield f"its {name} is not that of its manifest."
    listed = {_facts(file) for file in manifest["files"]}
    there = {_facts(vars(file)) for file in version.files.all()}
    for path in sorted({facts[0] for facts in listed ^ there}):
        yield f"the file {path} is not as its manifest lists it."
    if any(getattr(version, name) != sum(file[name] for file in manifest["files"]) for name in ("rows", "bytes")):
        yield "its rows or bytes are not those of the files in its manifest."


def _facts(file: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(file[name] for name in _FILE_FACTS)


def _blob_faults(what: str, digests: QuerySet[Any, str]) -> Iterator[Fault]:
    """What the object store lacks of the blobs that ``digests`` name, or holds otherwise."""
    for fault in storage.verify_blobs(digests.order_by().distinct().iterator(chunk_size=500)):
        yield Fault(f"{what} {fault.sha256}", fault.message)


@check(promise=1)
def own_rows_stay_with_their_owner() -> Iterator[Fault]:
    """What holds rows of an upload is in no listed dataset, and nobody but its owner has a licence to it."""
    foreign = Licence.objects.filter(dataset=OuterRef("dataset")).exclude(account=OuterRef("dataset__account"))
    listed = Listing.objects.filter(dataset=OuterRef("dataset"))
    kept = Version.objects.keeping_rows()
    for version in kept.filter(Exists(foreign) | Exists(listed)).select_related("dataset__account").iterator():
        yield Fault(f"version {version.id}", "it holds rows of its owner's upload, and others may have it.")


@check(promise=2)
def withdrawn_bytes_are_gone() -> Iterator[Fault]:
    """What only withdrawn versions held is destroyed, or there is work that will destroy it."""
    withdrawn = Version.objects.filter(~coming(*withdrawing.KINDS), shelf__state=ShelfState.State.WITHDRAWN)
    for version in withdrawn.select_related("shelf", "disclosure").iterator(chunk_size=50):
        for left in withdrawing.left_of(version):
            yield Fault(f"version {version.id}", f"it is withdrawn and {left} is still in the object store.")


@check(promise=5)
def versions_are_compared() -> Iterator[Fault]:
    """A version with one before it has its difference, or work that will compute it, or a piece that failed."""
    earlier = Version.objects.readable().filter(dataset=OuterRef("dataset"), published_at__lt=OuterRef("published_at"))
    made = Attachment.objects.filter(version=OuterRef("id"), kind=difference.KIND)
    asked = Piece.objects.filter(kind=difference.DIFFERENCE, subject=OuterRef("id"))
    known = asked.unfinished() | asked.filter(state=Piece.State.FAILED)
    lost = Version.objects.readable().filter(Exists(earlier), ~Exists(made), ~Exists(known))
    for version in lost.iterator():
        yield Fault(f"version {version.id}", "it was not compared with the one before, and no work is left to do it.")
