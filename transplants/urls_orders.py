from django.urls import URLPattern, path

from transplants import views_orders as views

urlpatterns: list[URLPattern] = [
    path("orders/", views.order_list, name="order-list"),
    path("orders/export.csv", views.order_export, name="order-export"),
    path("orders/new/<uuid:reservation_pk>/", views.order_create, name="order-create"),
    path("orders/<uuid:pk>/", views.order_detail, name="order-detail"),
    path("orders/<uuid:pk>/amend/", views.order_amend, name="order-amend"),
    path("orders/<uuid:pk>/sign/", views.order_sign, name="order-sign"),
    path("orders/<uuid:pk>/approve/", views.order_approve, name="order-approve"),
    path("orders/<uuid:pk>/decline/", views.order_decline, name="order-decline"),
    path("orders/<uuid:pk>/withdraw/", views.order_withdraw, name="order-withdraw"),
    path("orders/permits/<uuid:pk>/", views.order_permit_file, name="order-permit-file"),
    path("orders/<uuid:pk>/permit/", views.order_permit, name="order-permit"),
    path("orders/<uuid:pk>/release/", views.order_release, name="order-release"),
    path("orders/<uuid:pk>/revoke/", views.order_revoke, name="order-revoke"),
]
