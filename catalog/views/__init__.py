"""Pages of the catalogue: shelves, a dataset by tabs, its files, the library."""

from catalog.views.dataset import data, files, load, provenance, statistics, versions
from catalog.views.described import bibtex, cff, croissant
from catalog.views.fetched import attachment, checksums, file, manifest, picture, seed
from catalog.views.licences import acquire, library, licence, terms
from catalog.views.offers import close_offer, offers
from catalog.views.shelves import browse

__all__ = [
    "acquire",
    "attachment",
    "bibtex",
    "browse",
    "cff",
    "checksums",
    "close_offer",
    "croissant",
    "data",
    "file",
    "files",
    "library",
    "licence",
    "load",
    "manifest",
    "offers",
    "picture",
    "provenance",
    "seed",
    "statistics",
    "terms",
    "versions",
]
