"""Addresses of infusions, transplants and units that came back; part of transplants/urls.py."""

from django.urls import URLPattern, path

from transplants import views_grafts, views_returns

urlpatterns: list[URLPattern] = [
    path("orders/<uuid:pk>/infusion/", views_grafts.infusion_create, name="infusion-create"),
    path("orders/<uuid:pk>/not-used/", views_grafts.order_not_used, name="order-not-used"),
    path("transplants/", views_grafts.transplant_list, name="transplant-list"),
    path("transplants/export.csv", views_grafts.transplant_export, name="transplant-export"),
    path("transplants/<uuid:pk>/", views_grafts.transplant_detail, name="transplant-detail"),
    path(
        "transplants/<uuid:pk>/deactivate/",
        views_grafts.transplant_deactivate,
        name="transplant-deactivate",
    ),
    path("returns/", views_returns.return_list, name="return-list"),
    path("returns/<uuid:pk>/", views_returns.return_decide, name="return-decide"),
    path("returns/<uuid:pk>/arrive/", views_returns.return_arrive, name="return-arrive"),
    path("returns/<uuid:pk>/propose/", views_returns.return_propose, name="return-propose"),
    path("returns/<uuid:pk>/second/", views_returns.return_second, name="return-second"),
    path("returns/<uuid:pk>/withdraw/", views_returns.return_withdraw, name="return-withdraw"),
]
