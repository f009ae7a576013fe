from django.urls import URLPattern, path

from transplants import views_receipts, views_shipments, views_shippers

urlpatterns: list[URLPattern] = [
    path("shipments/", views_shipments.shipment_list, name="shipment-list"),
    path("shipments/export.csv", views_shipments.shipment_export, name="shipment-export"),
    path("shipments/rules/", views_shippers.rules_edit, name="shipping-rules"),
    path("shipments/shippers/", views_shippers.shipper_list, name="shipper-list"),
    path("shipments/shippers/new/", views_shippers.shipper_edit, name="shipper-create"),
    path("shipments/shippers/<uuid:pk>/", views_shippers.shipper_edit, name="shipper-edit"),
    path("shipments/shippers/<uuid:pk>/move/", views_shippers.shipper_move, name="shipper-move"),
    path("shipments/new/<uuid:order_pk>/", views_shipments.shipment_create, name="shipment-create"),
    path("shipments/logger-files/<uuid:pk>/", views_receipts.logger_file, name="logger-file"),
    path("shipments/logger-files/<uuid:pk>/readings.csv", views_receipts.logger_csv, name="logger-csv"),
    path("shipments/<uuid:pk>/", views_shipments.shipment_detail, name="shipment-detail"),
    path("shipments/<uuid:pk>/pack/", views_shipments.shipment_repack, name="shipment-pack"),
    path("shipments/<uuid:pk>/check/", views_shipments.shipment_check, name="shipment-check"),
    path("shipments/<uuid:pk>/dispatch/", views_shipments.shipment_dispatch, name="shipment-dispatch"),
    path("shipments/<uuid:pk>/events/", views_shipments.shipment_event, name="shipment-event"),
    path("shipments/<uuid:pk>/fail/", views_shipments.shipment_fail, name="shipment-fail"),
    path("shipments/<uuid:pk>/logger/", views_receipts.shipment_logger, name="shipment-logger"),
    path("shipments/<uuid:pk>/receive/", views_receipts.shipment_receive, name="shipment-receive"),
]
