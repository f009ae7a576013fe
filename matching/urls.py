from django.urls import path

from matching import (
    views,
    views_calibration,
    views_frequencies,
    views_references,
    views_runs,
    views_workbench,
)

app_name = "matching"
urlpatterns = [
    path("requests/", views.request_list, name="request-list"),
    path("requests/export.csv", views.request_export, name="request-export"),
    path("requests/new/", views.request_create, name="request-create"),
    path("requests/<uuid:pk>/", views.request_detail, name="request-detail"),
    path("requests/<uuid:pk>/edit/", views.request_edit, name="request-edit"),
    path("requests/<uuid:pk>/submit/", views.request_submit, name="request-submit"),
    path("requests/<uuid:pk>/cancel/", views.request_cancel, name="request-cancel"),
    path("requests/<uuid:pk>/repeat/", views_runs.run_repeat, name="run-repeat"),
    path("requests/searches/<uuid:pk>/", views_runs.run_detail, name="run-detail"),
    path("requests/searches/<uuid:pk>/progress/", views_runs.run_progress, name="run-progress"),
    path("requests/searches/<uuid:pk>/cancel/", views_runs.run_cancel, name="run-cancel"),
    path("requests/searches/<uuid:pk>/export.csv", views_runs.run_export, name="run-export"),
    path("requests/searches/<uuid:pk>/units/<uuid:unit_pk>/", views_runs.run_unit, name="run-unit"),
    path(
        "requests/searches/<uuid:pk>/units/<uuid:unit_pk>/distribution/",
        views_runs.run_pair,
        name="run-pair",
    ),
    path("reference/", views_references.release_list, name="release-list"),
    path("workbench/", views_workbench.workbench, name="workbench"),
    path("workbench/compare/", views_workbench.workbench_compare, name="workbench-compare"),
    path("reference/releases/<uuid:pk>/use/", views_references.release_activate, name="release-activate"),
    path("reference/codes/<uuid:pk>/use/", views_references.mac_activate, name="mac-activate"),
    path("reference/common/<uuid:pk>/use/", views_references.ciwd_activate, name="ciwd-activate"),
    path("reference/frequencies/", views_frequencies.frequency_list, name="frequency-list"),
    path("reference/frequencies/built-in/", views_frequencies.frequency_built_in, name="frequency-built-in"),
    path("reference/frequencies/<uuid:pk>/", views_frequencies.frequency_detail, name="frequency-detail"),
    path(
        "reference/frequencies/<uuid:pk>/use/",
        views_frequencies.frequency_activate,
        name="frequency-activate",
    ),
    path(
        "reference/frequencies/<uuid:pk>/stop/",
        views_frequencies.frequency_deactivate,
        name="frequency-deactivate",
    ),
    path(
        "reference/frequencies/<uuid:pk>/default/",
        views_frequencies.frequency_make_default,
        name="frequency-make-default",
    ),
    path(
        "reference/frequencies/<uuid:pk>/global/",
        views_frequencies.frequency_make_global,
        name="frequency-make-global",
    ),
    path("reference/calibration/", views_calibration.calibration_page, name="calibration"),
    path("reference/changes/", views_references.change_list, name="change-list"),
    path("reference/changes/export.csv", views_references.change_export, name="change-export"),
]
