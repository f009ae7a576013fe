from django.urls import include, path

from matching import (
    views,
    views_calibration,
    views_changes,
    views_compare,
    views_frequencies,
    views_new_units,
    views_pairs,
    views_planning,
    views_policies,
    views_prognosis,
    views_references,
    views_replay,
    views_reports,
    views_runs,
    views_shortlist,
    views_success,
    views_watch,
    views_workbench,
)

app_name = "matching"

_REQUESTS = [
    path("", views.request_list, name="request-list"),
    path("export.csv", views.request_export, name="request-export"),
    path("new/", views.request_create, name="request-create"),
    path("new-units/", views_new_units.new_unit_list, name="new-unit-list"),
    path("units/<uuid:pk>/", views_new_units.unit_patients, name="unit-patients"),
    path("prognosis/<uuid:pk>/", views_prognosis.patient_prognosis, name="prognosis"),
    path("watched/", views_watch.watch_list, name="watch-list"),
    path("watched/<uuid:pk>/end/", views_watch.watch_end, name="watch-end"),
    path("replays/<uuid:pk>/", views_replay.replay_detail, name="replay-detail"),
]

_REQUEST = [
    path("", views.request_detail, name="request-detail"),
    path("edit/", views.request_edit, name="request-edit"),
    path("submit/", views.request_submit, name="request-submit"),
    path("cancel/", views.request_cancel, name="request-cancel"),
    path("repeat/", views_runs.run_repeat, name="run-repeat"),
    path("reports/", views_reports.report_list, name="report-list"),
    path("watch/", views_watch.watch_start, name="watch-start"),
]

_SEARCH = [
    path("", views_runs.run_detail, name="run-detail"),
    path("progress/", views_runs.run_progress, name="run-progress"),
    path("cancel/", views_runs.run_cancel, name="run-cancel"),
    path("replay/", views_replay.run_replay, name="run-replay"),
    path("report/", views_reports.run_report, name="run-report"),
    path("report.pdf", views_reports.run_report_pdf, name="run-report-pdf"),
    path("export.csv", views_runs.run_export, name="run-export"),
    path("export.xlsx", views_runs.run_export_xlsx, name="run-export-xlsx"),
    path("compare/", views_compare.run_compare, name="run-compare"),
    path("changes/", views_changes.run_changes_page, name="run-changes"),
    path("changes/export.csv", views_changes.run_changes_export, name="run-changes-export"),
    path("pairs/", views_pairs.pair_list, name="pair-list"),
    path("pairs/export.csv", views_pairs.pair_export, name="pair-export"),
    path("pairs/<uuid:unit_pk>/<uuid:other_pk>/", views_pairs.pair_detail, name="pair-detail"),
    path("units/<uuid:unit_pk>/", views_runs.run_unit, name="run-unit"),
    path("units/<uuid:unit_pk>/distribution/", views_runs.run_pair, name="run-pair"),
    path("units/<uuid:unit_pk>/shortlist/", views_shortlist.shortlist_add, name="shortlist-add"),
]

_REPORT = [
    path("", views_reports.report_detail, name="report-detail"),
    path("report.pdf", views_reports.report_pdf, name="report-pdf"),
    path("signed.pdf", views_reports.report_signed_pdf, name="report-signed-pdf"),
    path("sign/", views_reports.report_sign, name="report-sign"),
]

_PATIENTS = [
    path("<uuid:pk>/shortlist/", views_shortlist.shortlist, name="shortlist"),
    path("<uuid:pk>/shortlist/notes/", views_shortlist.note_add, name="note-add"),
    path("shortlist/<uuid:pk>/remove/", views_shortlist.shortlist_remove, name="shortlist-remove"),
    path("shortlist/<uuid:pk>/choice/", views_shortlist.shortlist_place, name="shortlist-place"),
    path("notes/<uuid:pk>/strike/", views_shortlist.note_strike, name="note-strike"),
]

_POLICIES = [
    path("", views_policies.policy_list, name="policy-list"),
    path("<uuid:pk>/", views_policies.policy_detail, name="policy-detail"),
    path("<uuid:pk>/copy/", views_policies.policy_copy, name="policy-copy"),
    path("<uuid:pk>/edit/", views_policies.policy_edit, name="policy-edit"),
    path("<uuid:pk>/retire/", views_policies.policy_retire, name="policy-retire"),
    path("<uuid:pk>/default/", views_policies.policy_make_default, name="policy-make-default"),
]

_FREQUENCIES = [
    path("", views_frequencies.frequency_list, name="frequency-list"),
    path("built-in/", views_frequencies.frequency_built_in, name="frequency-built-in"),
    path("<uuid:pk>/", views_frequencies.frequency_detail, name="frequency-detail"),
    path("<uuid:pk>/use/", views_frequencies.frequency_activate, name="frequency-activate"),
    path("<uuid:pk>/stop/", views_frequencies.frequency_deactivate, name="frequency-deactivate"),
    path("<uuid:pk>/default/", views_frequencies.frequency_make_default, name="frequency-make-default"),
    path("<uuid:pk>/global/", views_frequencies.frequency_make_global, name="frequency-make-global"),
]

_REFERENCE = [
    path("", views_references.release_list, name="release-list"),
    path("changes/", views_references.change_list, name="change-list"),
    path("changes/export.csv", views_references.change_export, name="change-export"),
    path("releases/<uuid:pk>/use/", views_references.release_activate, name="release-activate"),
    path("codes/<uuid:pk>/use/", views_references.mac_activate, name="mac-activate"),
    path("common/<uuid:pk>/use/", views_references.ciwd_activate, name="ciwd-activate"),
    path("calibration/", views_calibration.calibration_page, name="calibration"),
    path("frequencies/", include(_FREQUENCIES)),
]

_PLANNING = [
    path("", views_planning.planning_page, name="planning"),
    path("<uuid:pk>/", views_planning.planning_detail, name="planning-detail"),
    path("<uuid:pk>/export.csv", views_planning.planning_export, name="planning-export"),
    path("<uuid:pk>/units/", views_planning.planning_units, name="planning-units"),
    path("<uuid:pk>/units/export.csv", views_planning.planning_units_export, name="planning-units-export"),
]

urlpatterns = [
    path("requests/", include(_REQUESTS)),
    path("requests/<uuid:pk>/", include(_REQUEST)),
    path("requests/searches/<uuid:pk>/", include(_SEARCH)),
    path("requests/reports/<uuid:pk>/", include(_REPORT)),
    path("patients/", include(_PATIENTS)),
    path("policies/", include(_POLICIES)),
    path("reference/", include(_REFERENCE)),
    path("planning/", include(_PLANNING)),
    path("workbench/", views_workbench.workbench, name="workbench"),
    path("workbench/compare/", views_workbench.workbench_compare, name="workbench-compare"),
    path("success/", views_success.match_success, name="success"),
    path("success/export.csv", views_success.success_export, name="success-export"),
]
