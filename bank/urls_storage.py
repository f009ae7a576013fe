"""Addresses of the storage; part of bank/urls.py."""

from django.urls import path, re_path

from bank import views_picking, views_storage, views_storage_files, views_tanks

UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

urlpatterns = [
    path("storage/", views_storage.overview, name="storage"),
    path("storage/export.csv", views_storage.export, name="storage-export"),
    path("storage/misplaced/", views_storage.misplaced, name="storage-misplaced"),
    path("storage/scan/", views_storage.scan, name="storage-scan"),
    path("storage/picking/", views_picking.picking, name="storage-picking"),
    path("storage/picking/print/", views_picking.picking_print, name="storage-picking-print"),
    path("storage/new/", views_storage.node_create, name="storage-node"),
    path("storage/place/", views_storage_files.placing_file, name="storage-placing-file"),
    path("storage/place/confirm/", views_storage_files.placing_confirm, name="storage-placing-confirm"),
    path("storage/readings/", views_storage_files.readings_file, name="storage-readings-file"),
    path("storage/readings/confirm/", views_storage_files.readings_confirm, name="storage-readings-confirm"),
    path("storage/tanks/<uuid:pk>/", views_tanks.tank_detail, name="storage-tank"),
    path("storage/tanks/<uuid:pk>/reading/", views_tanks.tank_reading, name="storage-reading"),
    path("storage/tanks/<uuid:pk>/limits/", views_tanks.tank_limits, name="storage-limits"),
    path("storage/tanks/<uuid:pk>/quarantine/", views_tanks.tank_quarantine, name="storage-quarantine"),
    path("storage/alarms/<uuid:pk>/acknowledge/", views_tanks.alarm_acknowledge, name="storage-alarm"),
    path("storage/canisters/<uuid:pk>/", views_storage.canister_detail, name="storage-canister"),
    re_path(
        rf"^storage/canisters/(?P<pk>{UUID})/(?P<act>move|put|take-out|block|unblock)/$",
        views_storage.canister_act,
        name="storage-act",
    ),
]
