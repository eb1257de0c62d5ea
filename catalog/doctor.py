"""What the catalogue can check of "Always true" on a living system."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from django.db.models import Exists, OuterRef

from catalog import statistics_check
from catalog.models import File, Licence, Manifest, Offer, ShelfState, Version
from marketplace import storage
from marketplace.doctor import Fault, check


@check(promise=2)
def manifests_name_their_versions() -> Iterator[Fault]:
    """The SHA-256 of a manifest's bytes is the version's digest, in the database and in the object store."""
    for manifest in Manifest.objects.select_related("version").iterator(chunk_size=200):
        if hashlib.sha256(bytes(manifest.body)).hexdigest() != manifest.version.digest:
            yield Fault(f"version {manifest.version_id}", "its manifest is not the one that its digest names.")


@check(promise=2)
def files_are_what_was_published() -> Iterator[Fault]:
    """Each file of a readable version lies in the object store with the digest that was published."""
    readable = File.objects.exclude(version__shelf__state=ShelfState.State.WITHDRAWN)
    digests = readable.order_by("sha256").values_list("sha256", flat=True).distinct()
    for fault in storage.verify_blobs(digests.iterator(chunk_size=500)):
        yield Fault(f"blob {fault.sha256}", fault.message)


@check(promise=3)
def free_licences_have_their_offer() -> Iterator[Fault]:
    """A licence with the cause ``free`` names an offer at price 0 on the licensed dataset."""
    offer = Offer.objects.filter(id=OuterRef("cause_id"), price=0, listing__dataset=OuterRef("dataset"))
    for licence in Licence.objects.filter(~Exists(offer), cause_kind=Licence.Cause.FREE).iterator():
        yield Fault(
            f"licence {licence.id}", f"its cause, offer {licence.cause_id}, is not a free offer of its dataset."
        )


@check(promise=5)
def statistics_are_true_of_the_files() -> Iterator[Fault]:
    """Exact statistics equal what DuckDB counts in the files; sketched ones lie within their stated error."""
    for version in Version.objects.readable().select_related("dataset__account").iterator(chunk_size=50):
        for message in statistics_check.faults(version):
            yield Fault(f"version {version.id}", message)
