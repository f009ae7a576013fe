from django.urls import path

from bank import views, views_import, views_quality

app_name = "bank"
urlpatterns = [
    path("units/", views.unit_list, name="unit-list"),
    path("units/export.csv", views.unit_export, name="unit-export"),
    path("units/import/", views_import.unit_import, name="unit-import"),
    path("units/import/confirm/", views_import.unit_import_confirm, name="unit-import-confirm"),
    path("units/imports/", views_import.batch_list, name="batch-list"),
    path("units/imports/<uuid:pk>/", views_import.batch_detail, name="batch-detail"),
    path("units/limits/", views_import.limits_edit, name="limits-edit"),
    path("units/banks/", views_quality.bank_list, name="bank-list"),
    path(
        "units/banks/<uuid:pk>/accreditation/",
        views_quality.accreditation_record,
        name="accreditation-record",
    ),
    path("units/accreditations/<uuid:pk>/end/", views_quality.accreditation_end, name="accreditation-end"),
    path("units/recovery/", views_quality.recovery_list, name="recovery-list"),
    path("units/recovery/export.csv", views_quality.recovery_export, name="recovery-export"),
    path("units/<uuid:pk>/", views.unit_detail, name="unit-detail"),
    path("units/<uuid:pk>/hold/", views.unit_hold, name="unit-hold"),
    path("units/<uuid:pk>/unhold/", views.unit_unhold, name="unit-unhold"),
    path("units/<uuid:pk>/population/", views.unit_population, name="unit-population"),
    path("units/<uuid:pk>/processing/", views.unit_processing, name="unit-processing"),
    path("units/<uuid:pk>/measurement/", views.unit_measurement, name="unit-measurement"),
    path("units/<uuid:pk>/haemoglobinopathy/", views.unit_haemoglobinopathy, name="unit-haemoglobinopathy"),
    path("units/<uuid:pk>/verify/", views.unit_verify, name="unit-verify"),
    path("units/<uuid:pk>/mother/", views_quality.unit_mother, name="unit-mother"),
    path("units/<uuid:pk>/confirm/", views.unit_confirm, name="unit-confirm"),
]
