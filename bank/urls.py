from django.urls import path

from bank import views, views_import

app_name = "bank"
urlpatterns = [
    path("units/", views.unit_list, name="unit-list"),
    path("units/export.csv", views.unit_export, name="unit-export"),
    path("units/import/", views_import.unit_import, name="unit-import"),
    path("units/import/confirm/", views_import.unit_import_confirm, name="unit-import-confirm"),
    path("units/imports/", views_import.batch_list, name="batch-list"),
    path("units/imports/<uuid:pk>/", views_import.batch_detail, name="batch-detail"),
    path("units/limits/", views_import.limits_edit, name="limits-edit"),
    path("units/<uuid:pk>/", views.unit_detail, name="unit-detail"),
    path("units/<uuid:pk>/hold/", views.unit_hold, name="unit-hold"),
    path("units/<uuid:pk>/unhold/", views.unit_unhold, name="unit-unhold"),
    path("units/<uuid:pk>/population/", views.unit_population, name="unit-population"),
    path("units/<uuid:pk>/confirm/", views.unit_confirm, name="unit-confirm"),
]
