"""Addresses of accounts: our own page, and allauth's."""

from django.urls import include, path

from marketplace.accounts import views

_OWN = [
    path("account", views.home, name="home"),
    path("account/act-for", views.act_for, name="act-for"),
]

urlpatterns = [
    path("", include((_OWN, "accounts"))),
    path("accounts/", include("allauth.urls")),
]
