"""Addresses of the catalogue."""

from django.urls import include, path

from catalog import views

app_name = "catalog"

_version_documents = [
    path("files/<path:path>", views.file, name="file"),
    path("seed.json", views.seed, name="seed"),
    path("manifest.json", views.manifest, name="manifest"),
    path("SHA256SUMS", views.checksums, name="checksums"),
    path("documents/<slug:kind>.json", views.attachment, name="attachment"),
]

urlpatterns = [
    path("", include("catalog.hub.urls")),
    path("", views.browse, name="browse"),
    path("library", views.library, name="library"),
    path("pictures/<uuid:version_id>/<slug:sha256>", views.picture, name="picture"),
    path("datasets/<slug:owner>/<slug:name>", views.dataset, name="dataset"),
    path("datasets/<slug:owner>/<slug:name>/acquire/<uuid:offer>", views.acquire, name="acquire"),
    path("datasets/<slug:owner>/<slug:name>/versions/<str:number>", views.dataset, name="version"),
    path("datasets/<slug:owner>/<slug:name>/versions/<str:number>/", include(_version_documents)),
]
