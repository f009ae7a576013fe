"""Addresses of files that are taken in."""

from django.urls import path

from bank import views_import, views_partners

urlpatterns = [
    path("units/banks/new/", views_partners.partner_create, name="partner-create"),
    path("units/results/", views_import.results_file, name="results-file"),
    path("units/import/", views_import.unit_import, name="unit-import"),
    path("units/import/<uuid:pk>/", views_import.unit_import_file, name="unit-import-file"),
    path("units/import/<uuid:pk>/columns/", views_import.unit_import_columns, name="unit-import-columns"),
    path("units/import/<uuid:pk>/confirm/", views_import.unit_import_confirm, name="unit-import-confirm"),
    path("units/import/<uuid:pk>/cancel/", views_import.unit_import_cancel, name="unit-import-cancel"),
    path(
        "units/import/<uuid:pk>/findings.csv", views_import.unit_import_findings, name="unit-import-findings"
    ),
]
