"""Addresses of the hub protocol; the clients build them, so they cannot be others."""

from django.urls import path

from catalog.hub import views

_API = "api/datasets/<slug:owner>/<slug:name>"

urlpatterns = [
    path("api/whoami-v2", views.whoami, name="hub-whoami"),
    path(_API, views.info, name="hub-info"),
    path(f"{_API}/refs", views.refs, name="hub-refs"),
    path(f"{_API}/revision/<str:revision>", views.info, name="hub-revision"),
    path(f"{_API}/tree/<str:revision>", views.listing, name="hub-tree"),
    path(f"{_API}/tree/<str:revision>/<path:path>", views.listing, name="hub-folder"),
    path(f"{_API}/paths-info/<str:revision>", views.paths_info, name="hub-paths-info"),
    path("datasets/<slug:owner>/<slug:name>/resolve/<str:revision>/<path:path>", views.resolve, name="hub-resolve"),
    path("api/datasets/<path:rest>", views.unknown),
]
