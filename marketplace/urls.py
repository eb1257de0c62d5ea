"""The addresses of the installed parts: each part names its own in its ``urls`` module."""

from importlib.util import find_spec

from django.apps import apps
from django.contrib import admin
from django.urls import include, path

_PARTS = ("marketplace", "catalog", "generation", "billing")

urlpatterns = [
    path("staff/", admin.site.urls),
    *(
        path("", include(f"{app.name}.urls"))
        for app in apps.get_app_configs()
        if app.name.split(".")[0] in _PARTS and find_spec(f"{app.name}.urls")
    ),
]

handler400 = "marketplace.web.problems.bad_request"
handler403 = "marketplace.web.problems.forbidden"
handler404 = "marketplace.web.problems.not_found"
handler500 = "marketplace.web.problems.server_error"
