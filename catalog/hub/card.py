"""``README.md`` of a version: what ``load_dataset`` must know, and the seller's card as it was when it was shown.

Clients cache by commit, so the text of a version is written once: when it is published under a listing that buyers see,
else when its listing comes onto the shelf. Until then only its owner can read it, and it has no card yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.text import slugify

from catalog import yaml_lines
from catalog.hub.features import features
from catalog.models import Listing, Readme, Version

#: Where the card lies.
PATH = "README.md"
_NUMBERED = re.compile(r"-[0-9]+-of-[0-9]+(?=\.parquet$)")
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
)
_LARGEST = "n>1B"


def readme(version: Version) -> str:
    """The card of ``version``: the one that was written for it, else what its manifest alone says."""
    written = Readme.objects.filter(version=version).first()
    return _text(version, None) if written is None else written.body


def front_matter(version: Version, listing: Listing | None) -> dict[str, Any]:
    """What programs read of the card."""
    matter: dict[str, Any] = {
        "license": "other",
        "license_name": _licence_name(listing),
        "pretty_name": version.dataset.title,
        "tags": tags(version, listing),
        "size_categories": [next((words for rows, words in _SIZES if version.rows < rows), _LARGEST)],
        "configs": list(_configurations(version)),
    }
    described = [
        {"config_name": table["name"], "features": found}
        for table in version.layout["tables"]
        if (found := features(table["schema"])) is not None
    ]
    return matter | ({"dataset_info": described} if described else {})


def tags(version: Version, listing: Listing | None) -> list[str]:
    """The words under which a version is filed."""
    found = [
        "partly-synthetic" if version.keeps_rows else "synthetic",
        version.recipe["generator"]["name"].replace("/", "-"),
    ]
    return found if listing is None else [*found, f"modality:{listing.modality}"]


def parsed_front_matter(version: Version) -> dict[str, Any]:
    """The front matter of the card that ``version`` has, for answers in JSON."""
    return yaml_lines.loads(readme(version).removeprefix("---\n").partition("---\n")[0])


def write(versions: Iterable[Version], listing: Listing) -> None:
    """Write the cards of ``versions`` that have none, as ``listing`` is now."""
    Readme.objects.bulk_create(
        [Readme(version=version, body=_text(version, listing)) for version in versions], ignore_conflicts=True
    )


def _text(version: Version, listing: Listing | None) -> str:
    matter = yaml_lines.dumps(front_matter(version, listing))
    said = [f"# {version.dataset.title}"]
    if listing is not None:
        said += [text for text in (listing.summary.strip(), listing.card.strip()) if text]
    return f"---\n{matter}---\n\n" + "\n\n".join(said) + "\n"


def _configurations(version: Version) -> Iterator[Mapping[str, Any]]:
    patterns: dict[str, dict[str, str]] = {}
    for config, split, path in version.files.order_by("id").values_list("config", "split", "path"):
        patterns.setdefault(config, {}).setdefault(split, _NUMBERED.sub("-*", path))
    for number, (config, splits) in enumerate(patterns.items()):
        files = [{"split": split, "path": pattern} for split, pattern in splits.items()]
        yield {"config_name": config, "data_files": files, **({} if number else {"default": True})}


def _licence_name(listing: Listing | None) -> str:
    """The title of the terms as a name; the listing tells them where there are several, or none yet."""
    titles = [] if listing is None else sorted({offer.terms.title for offer in listing.offers.open()})
    return slugify(titles[0]) if len(titles) == 1 else "as-offered"
