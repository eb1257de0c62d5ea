"""Addresses of the calls, for a dataset's newest version and for each one."""

from django.urls import URLPattern, path

from catalog.rows import views

_CALLS = {
    "rows": views.rows,
    "filter": views.filtered,
    "first-rows": views.first_rows,
    "statistics": views.statistics,
    "size": views.size,
    "splits": views.all_splits,
}

urlpatterns: list[URLPattern] = [
    *(path(call, view, name=f"api-{call}") for call, view in _CALLS.items()),
    *(path(f"versions/<str:number>/{call}", view, name=f"api-version-{call}") for call, view in _CALLS.items()),
    path("versions/<str:number>/picture", views.picture, name="version-picture"),
]
