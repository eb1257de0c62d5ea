"""To which blobs the catalogue refers."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from catalog.models import Attachment, File, PreviewPicture, Version
from marketplace.storage import references


@references.register
def versions(digests: Collection[str]) -> Iterator[str]:
    """Data files and pictures of versions whose bytes exist; manifests and documents of all versions."""
    readable = Version.objects.readable()
    yield from File.objects.filter(sha256__in=digests, version__in=readable).values_list("sha256", flat=True)
    yield from PreviewPicture.objects.filter(sha256__in=digests, version__in=readable).values_list("sha256", flat=True)
    yield from Attachment.objects.filter(sha256__in=digests).values_list("sha256", flat=True)
    yield from Version.objects.filter(digest__in=digests).values_list("digest", flat=True)
