"""Addresses of orders."""

from django.urls import path

from generation.orders import tariff_views, views

app_name = "orders"

urlpatterns = [
    path("orders", views.listing, name="list"),
    path("orders/new/<slug:owner>/<slug:name>", views.new, name="new"),
    path("orders/new/<slug:owner>/<slug:name>/upload", views.upload, name="upload"),
    path("orders/sources/<uuid:source_id>", views.source_state, name="source"),
    path("orders/tariffs/<slug:owner>/<slug:name>", tariff_views.tariff, name="tariff"),
    path("orders/tariffs/<slug:owner>/<slug:name>/words", tariff_views.words, name="tariff-words"),
    path("orders/<uuid:order_id>", views.order, name="order"),
    path("orders/<uuid:order_id>/state", views.order_state, name="state"),
    path("orders/<uuid:order_id>/probe/<slug:sha256>", views.probe_picture, name="probe-picture"),
    path("orders/<uuid:order_id>/place", views.place, name="place"),
    path("orders/<uuid:order_id>/pay", views.pay, name="pay"),
    path("orders/<uuid:order_id>/paid", views.paid, name="paid"),
    path("orders/<uuid:order_id>/cancel", views.cancel, name="cancel"),
    path("orders/<uuid:order_id>/again", views.again, name="again"),
]
