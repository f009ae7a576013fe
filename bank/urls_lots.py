"""Addresses of lots, of a unit's look-back and of its dossier; part of bank/urls.py."""

from django.urls import path

from bank import views_dossier, views_lots

urlpatterns = [
    path("units/lots/", views_lots.lot_list, name="lot-list"),
    path("units/lots/new/", views_lots.lot_register, name="lot-register"),
    path("units/lots/<uuid:pk>/", views_lots.lot_detail, name="lot-detail"),
    path("units/lots/<uuid:pk>/units.csv", views_lots.lot_units_export, name="lot-units-export"),
    path("units/lots/<uuid:pk>/correct/", views_lots.lot_correct, name="lot-correct"),
    path("units/lots/<uuid:pk>/block/", views_lots.lot_block, name="lot-block"),
    path("units/lots/<uuid:pk>/merge/", views_lots.lot_merge, name="lot-merge"),
    path("units/lots/<uuid:pk>/unblock/", views_lots.lot_unblock, name="lot-unblock"),
    path("units/<uuid:pk>/lot/", views_dossier.unit_lot, name="unit-lot"),
    path("units/<uuid:pk>/lookback/", views_dossier.unit_lookback, name="unit-lookback"),
    path("units/<uuid:pk>/dossier/", views_dossier.unit_dossier, name="unit-dossier"),
    path("units/<uuid:pk>/dossier/file/", views_dossier.unit_dossier_file, name="unit-dossier-file"),
]
