"""How to cite a version: as text, for BibTeX, as CITATION.cff. It is named by its number and its manifest's digest."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse

from catalog import yaml_lines
from catalog.models import Version

_BIBTEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    character: f"\\{character}" for character in "&%$#_{}"
}


def address(version: Version) -> str:
    """Where the version's page is."""
    dataset = version.dataset
    return settings.PUBLIC_URL + reverse("catalog:version", args=[dataset.account.slug, dataset.name, version.number])


def text(version: Version) -> str:
    """A line for a list of references."""
    dataset = version.dataset
    return (
        f"{dataset.account.name} ({version.published_at:%Y}). {dataset.title}, version {version.number}. "
        f"Synthetic dataset. {address(version)}. Manifest SHA-256 {version.digest}."
    )


def bibtex(version: Version) -> str:
    """An entry for BibTeX."""
    dataset = version.dataset
    fields = {
        "title": f"{{{_escaped(dataset.title)}}}",
        "author": f"{{{_escaped(dataset.account.name)}}}",
        "year": f"{version.published_at:%Y}",
        "version": version.number,
        "url": address(version),
        "note": f"Synthetic dataset. Manifest SHA-256 {version.digest}",
    }
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@misc{{{dataset.account.slug}-{dataset.name}-{version.number},\n{lines}}}\n"


def cff(version: Version) -> str:
    """CITATION.cff 1.2.0, as GitHub, Zenodo and Zotero read it."""
    dataset = version.dataset
    said: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "If you use this dataset, cite it as below.",
        "type": "dataset",
        "title": dataset.title,
        "version": version.number,
        "authors": [{"name": dataset.account.name}],
        "date-released": f"{version.published_at:%Y-%m-%d}",
        "url": address(version),
        "commit": version.commit,
        "identifiers": [
            {"type": "other", "value": f"sha256:{version.digest}", "description": "SHA-256 of the manifest"}
        ],
    }
    return yaml_lines.dumps(said)


def _escaped(words: str) -> str:
    return "".join(_BIBTEX.get(character, character) for character in words)
