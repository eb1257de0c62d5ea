"""The models of the catalogue: one file each."""

from catalog.models.attachment import Attachment
from catalog.models.certificate import Certificate, StatusList
from catalog.models.dataset import Dataset
from catalog.models.licence import Delivery, Licence, LicenceSuspension, Reading
from catalog.models.listing import Listing, Offer
from catalog.models.news import VersionNews
from catalog.models.picture import PreviewPicture
from catalog.models.problem import ProblemAnswer, ProblemReport
from catalog.models.readme import Readme
from catalog.models.review import Review
from catalog.models.search import SearchCell, SearchCount, SearchEntry, SearchWord
from catalog.models.terms import Terms
from catalog.models.version import Disclosure, File, Manifest, ShelfState, Version

__all__ = [
    "Attachment",
    "Certificate",
    "Dataset",
    "Delivery",
    "Disclosure",
    "File",
    "Licence",
    "LicenceSuspension",
    "Listing",
    "Manifest",
    "Offer",
    "PreviewPicture",
    "ProblemAnswer",
    "ProblemReport",
    "Reading",
    "Readme",
    "Review",
    "SearchCell",
    "SearchCount",
    "SearchEntry",
    "SearchWord",
    "ShelfState",
    "StatusList",
    "Terms",
    "Version",
    "VersionNews",
]
