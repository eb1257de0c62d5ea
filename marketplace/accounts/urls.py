"""Addresses of accounts: allauth's pages."""

from django.urls import include, path

urlpatterns = [path("accounts/", include("allauth.urls"))]
