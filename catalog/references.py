"""To which blobs the catalogue refers."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db.models import Q

from catalog.models import Attachment, File, PreviewPicture, Version
from catalog.withdrawing import KEPT
from marketplace.storage import references


@references.register
def versions(digests: Collection[str]) -> Iterator[str]:
    """Files, pictures and documents of versions whose bytes exist; of withdrawn ones manifest and what is kept."""
    readable = Version.objects.readable()
    yield from File.objects.filter(sha256__in=digests, version__in=readable).values_list("sha256", flat=True)
    yield from PreviewPicture.objects.filter(sha256__in=digests, version__in=readable).values_list("sha256", flat=True)
    documents = Attachment.objects.filter(Q(version__in=readable) | Q(kind__in=KEPT), sha256__in=digests)
    yield from documents.values_list("sha256", flat=True)
    yield from Version.objects.filter(digest__in=digests).values_list("digest", flat=True)
