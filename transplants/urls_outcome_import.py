"""Addresses of lists of earlier transplants; part of transplants/urls.py."""

from django.urls import URLPattern, path

from transplants import views_outcome_import as views

_FILE = "outcomes/import/<uuid:pk>/"

urlpatterns: list[URLPattern] = [
    path("outcomes/import/", views.outcome_import, name="outcome-import"),
    path(_FILE, views.outcome_import_file, name="outcome-import-file"),
    path(f"{_FILE}columns/", views.outcome_import_columns, name="outcome-import-columns"),
    path(f"{_FILE}confirm/", views.outcome_import_confirm, name="outcome-import-confirm"),
    path(f"{_FILE}cancel/", views.outcome_import_cancel, name="outcome-import-cancel"),
    path(f"{_FILE}findings.csv", views.outcome_import_findings, name="outcome-import-findings"),
]
