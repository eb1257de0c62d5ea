"""A listing in the words of schema.org, for search engines of datasets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from catalog import croissant
from catalog.extent import extent
from catalog.hub import card
from catalog.models import Listing, Offer, Version
from marketplace import storage

#: No text can end the element that it stands in.
_ESCAPED = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def json_ld(version: Version, listing: Listing, offers: Sequence[Offer]) -> SafeString:
    """What a page holds in ``<script type="application/ld+json">``: data, which no browser runs."""
    written = json.dumps(document(version, listing, offers), ensure_ascii=False).translate(_ESCAPED)
    return mark_safe(written)  # noqa: S308 (each character that could end the element is escaped)


def document(version: Version, listing: Listing, offers: Sequence[Offer]) -> dict[str, Any]:
    """The listing with its open ``offers``, at ``version``, as a Dataset."""
    dataset = version.dataset
    named = [dataset.account.slug, dataset.name]
    page = settings.PUBLIC_URL + reverse("catalog:dataset", args=named)
    sample = extent(version).sample
    creator = croissant.creator(version)
    described: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": page,
        "name": dataset.title,
        "description": "\n\n".join(filter(None, [listing.summary, listing.card])),
        "url": page,
        "identifier": f"sha256:{version.digest}",
        "version": version.number,
        "datePublished": f"{version.published_at:%Y-%m-%d}",
        "creator": {**creator, "@type": creator["@type"].removeprefix("sc:")},
        "license": croissant.licences(version, offers),
        "keywords": card.tags(version, listing),
        "isAccessibleForFree": any(offer.price == 0 for offer in offers),
        "offers": [_offer(offer, page) for offer in offers],
        "size": f"{version.bytes} B",
        "includedInDataCatalog": {"@type": "DataCatalog", "name": "Lookalike", "url": settings.PUBLIC_URL},
        "subjectOf": {
            "@type": "CreativeWork",
            "url": settings.PUBLIC_URL + reverse("catalog:croissant", args=[*named, version.number]),
            "encodingFormat": "application/ld+json",
        },
    }
    if sample is not None:
        address = reverse("catalog:hub-resolve", args=[*named, version.number, sample.path])
        described["distribution"] = [
            {
                "@type": "DataDownload",
                "name": "Free sample",
                "contentUrl": settings.PUBLIC_URL + address,
                "encodingFormat": storage.PARQUET,
                "contentSize": f"{sample.bytes} B",
                "sha256": sample.sha256,
            }
        ]
    return described


def _offer(offer: Offer, page: str) -> dict[str, Any]:
    return {
        "@type": "Offer",
        "name": offer.terms.title,
        "price": str(Decimal(offer.price).scaleb(-2)),
        "priceCurrency": offer.currency,
        "availability": "https://schema.org/InStock",
        "url": page,
    }
