"""Addresses of runs."""

from django.urls import include, path

from generation.runs import replaying_views, selling_views, views
from generation.runs.drift import api as drift_api
from generation.runs.drift import views as drift_views

app_name = "runs"

_own_dataset = [
    path("state", selling_views.state, name="sell-state"),
    path("edit", selling_views.edit, name="sell-edit"),
    path("version", selling_views.version, name="sell-version"),
    path("publish", selling_views.publish, name="sell-publish"),
    path("close", selling_views.close, name="sell-close"),
    path("appeal", selling_views.appeal, name="sell-appeal"),
    path("cancel", selling_views.cancel, name="sell-cancel"),
    path("yank/<str:number>", selling_views.yank, name="sell-yank"),
]

_drift_calls = [
    path("drift", drift_api.of_version, name="api-drift"),
    path("drift-checks", drift_api.of_holder, name="api-drift-checks"),
]

urlpatterns = [
    path("sell", selling_views.datasets, name="sell"),
    path("sell/new", selling_views.choose, name="sell-choose"),
    path("sell/new/<slug:owner>/<slug:name>", selling_views.new, name="sell-new"),
    path("sell/makings/<uuid:making_id>", selling_views.making, name="making"),
    path("sell/makings/<uuid:making_id>/state", selling_views.making_state, name="making-state"),
    path("sell/datasets/<slug:name>", selling_views.dataset, name="sell-dataset"),
    path("sell/datasets/<slug:name>/", include(_own_dataset)),
    path("replays/<uuid:version_id>", replaying_views.replay, name="replay"),
    path("datasets/<slug:owner>/<slug:name>/versions/<str:number>/drift", drift_views.new, name="drift-new"),
    path("drift-checks/<uuid:check_id>", drift_views.check, name="drift-check"),
    path("drift-checks/<uuid:check_id>/state", drift_views.state, name="drift-check-state"),
    path("drift-checks/<uuid:check_id>/report.json", drift_views.report, name="drift-check-report"),
    path("drift-checks/<uuid:check_id>/receipt.jwt", drift_views.receipt, name="drift-check-receipt"),
    path("drift-checks/<uuid:check_id>/forget", drift_views.forget, name="drift-check-forget"),
    path("api/v1/datasets/<slug:owner>/<slug:name>/versions/<str:number>/", include(_drift_calls)),
    path("api/v1/drift-checks/<uuid:check_id>", drift_api.check, name="api-drift-check"),
    path("generators", views.generators, name="generators"),
    path("generators/<slug:owner>/<slug:name>", views.generator, name="generator"),
    path("generators/<slug:owner>/<slug:name>/<str:number>", views.generator, name="generator-version"),
    path("runs/<uuid:run_id>/progress", views.shelf_progress, name="shelf-progress"),
    path("runtimes/<slug:digest>", views.runtime, name="runtime"),
    path("build-types/run/v1", views.build_type, name="build-type"),
    path("builders/house/v1", views.builder, name="builder"),
]
