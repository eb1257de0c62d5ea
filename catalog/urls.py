"""Addresses of the catalogue."""

from django.urls import URLPattern, URLResolver, include, path

from catalog import views

app_name = "catalog"

_TABS = {
    "quality": views.quality,
    "statistics": views.statistics,
    "provenance": views.provenance,
    "load": views.load,
    "files": views.files,
    "versions": views.versions,
    "problems": views.problems,
}

_version_documents = [
    path("files/<path:path>", views.file, name="file"),
    path("seed.json", views.seed, name="seed"),
    path("manifest.json", views.manifest, name="manifest"),
    path("SHA256SUMS", views.checksums, name="checksums"),
    path("dictionary.csv", views.dictionary_csv, name="dictionary-csv"),
    path("dictionary.json", views.dictionary_json, name="dictionary-json"),
    path("croissant.json", views.croissant, name="croissant"),
    path("CITATION.cff", views.cff, name="cff"),
    path("citation.bib", views.bibtex, name="bibtex"),
    path("quality.json", views.quality_json, name="version-quality-json"),
    path("documents/<slug:kind>.json", views.attachment, name="attachment"),
    path("rows/<int:place>", views.row, name="version-row"),
    path("problems/report", views.report_problem, name="report-problem"),
    path("withdraw", views.withdraw, name="withdraw"),
    path("destroy", views.destroy, name="destroy"),
    *(path(tab, view, name=f"version-{tab}") for tab, view in _TABS.items()),
]

_dataset: list[URLPattern | URLResolver] = [
    path("acquire", views.acquire, name="acquire"),
    path("offers", views.offers, name="offers"),
    path("offers/<uuid:offer>/close", views.close_offer, name="close-offer"),
    path("rows/<int:place>", views.row, name="dataset-row"),
    path("quality.json", views.quality_json, name="dataset-quality-json"),
    path("versions/<str:number>", views.data, name="version"),
    path("versions/<str:number>/", include(_version_documents)),
    *(path(tab, view, name=f"dataset-{tab}") for tab, view in _TABS.items()),
]

urlpatterns = [
    path("", include("catalog.hub.urls")),
    path("problems/<uuid:report_id>", views.answer_problem, name="answer-problem"),
    path("moderation", views.reviews, name="reviews"),
    path("moderation/<uuid:review_id>", views.review, name="review"),
    path("moderation/<uuid:review_id>/pictures/<slug:sha256>", views.review_picture, name="review-picture"),
    path("", views.browse, name="browse"),
    path("search", views.browse, name="search"),
    path("compare", views.compare, name="compare"),
    path("library", views.library, name="library"),
    path("licences/verify", views.verify, name="verify"),
    path("licences/verify/<uuid:licence_id>", views.verify_one, name="verify-one"),
    path("licences/<uuid:licence_id>", views.licence, name="licence"),
    path("licences/<uuid:licence_id>/certificate.jwt", views.certificate, name="certificate"),
    path("licences/<uuid:licence_id>/licence.pdf", views.licence_document, name="licence-document"),
    path("api/v1/licences/<uuid:licence_id>/status", views.licence_status, name="licence-status"),
    path("status-lists/<uuid:list_id>", views.status_list, name="status-list"),
    path("terms/<uuid:terms_id>", views.terms, name="terms"),
    path("pictures/<uuid:version_id>/<slug:sha256>", views.picture, name="picture"),
    path("datasets/<slug:owner>/<slug:name>", views.data, name="dataset"),
    path("datasets/<slug:owner>/<slug:name>/", include(_dataset)),
    path("api/v1/datasets/<slug:owner>/<slug:name>/", include("catalog.rows.urls")),
]
