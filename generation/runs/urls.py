"""Addresses of runs."""

from django.urls import path

from generation.runs import views

app_name = "runs"

urlpatterns = [
    path("generators", views.generators, name="generators"),
    path("generators/<slug:owner>/<slug:name>", views.generator, name="generator"),
    path("generators/<slug:owner>/<slug:name>/<str:number>", views.generator, name="generator-version"),
    path("runs/<uuid:run_id>/progress", views.shelf_progress, name="shelf-progress"),
    path("runtimes/<slug:digest>", views.runtime, name="runtime"),
    path("build-types/run/v1", views.build_type, name="build-type"),
    path("builders/house/v1", views.builder, name="builder"),
]
