"""The addresses that belong to the whole and to no part."""

from django.urls import path

from marketplace.site import health

app_name = "site"

urlpatterns = [path("healthz", health.healthz, name="healthz")]
