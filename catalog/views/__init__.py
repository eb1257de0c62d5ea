"""Pages of the catalogue: shelves, a dataset by tabs, its files, the library."""

from catalog.views.certificates import (
    certificate,
    licence_document,
    licence_status,
    status_list,
    verify,
    verify_one,
)
from catalog.views.compare import compare
from catalog.views.dataset import (
    data,
    files,
    load,
    problems,
    provenance,
    quality,
    quality_json,
    row,
    statistics,
    versions,
)
from catalog.views.described import bibtex, cff, croissant
from catalog.views.dictionary import dictionary_csv, dictionary_json
from catalog.views.fetched import attachment, checksums, file, manifest, picture, seed
from catalog.views.licences import acquire, library, licence, terms
from catalog.views.moderation import review, review_picture, reviews
from catalog.views.offers import close_offer, offers
from catalog.views.problems import answer_problem, report_problem
from catalog.views.shelves import browse
from catalog.views.withdrawal import destroy, withdraw

__all__ = [
    "acquire",
    "answer_problem",
    "attachment",
    "bibtex",
    "browse",
    "certificate",
    "cff",
    "checksums",
    "close_offer",
    "compare",
    "croissant",
    "data",
    "destroy",
    "dictionary_csv",
    "dictionary_json",
    "file",
    "files",
    "library",
    "licence",
    "licence_document",
    "licence_status",
    "load",
    "manifest",
    "offers",
    "picture",
    "problems",
    "provenance",
    "quality",
    "quality_json",
    "report_problem",
    "review",
    "review_picture",
    "reviews",
    "row",
    "seed",
    "statistics",
    "status_list",
    "terms",
    "verify",
    "verify_one",
    "versions",
    "withdraw",
]
