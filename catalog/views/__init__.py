"""Pages of the catalogue: shelves, a dataset by tabs, its files, the library."""

from catalog.views.dataset import data, files, load, provenance, statistics, versions
from catalog.views.fetched import attachment, checksums, file, manifest, picture, seed
from catalog.views.licences import acquire, library
from catalog.views.shelves import browse

__all__ = [
    "acquire",
    "attachment",
    "browse",
    "checksums",
    "data",
    "file",
    "files",
    "library",
    "load",
    "manifest",
    "picture",
    "provenance",
    "seed",
    "statistics",
    "versions",
]
