from django.urls import path

from transplants import views_fees as views

_STATEMENT = "fees/statements/<uuid:pk>/<int:year>/<int:month>/"

urlpatterns = [
    path("fees/", views.statement_list, name="statement-list"),
    path("fees/export.csv", views.statement_export, name="statement-export"),
    path("fees/prices/", views.price_list, name="price-list"),
    path("fees/prices/set/", views.price_set, name="price-set"),
    path("fees/prices/<uuid:pk>/withdraw/", views.price_withdraw, name="price-withdraw"),
    path(_STATEMENT, views.statement_detail, name="statement-detail"),
    path(f"{_STATEMENT}statement.csv", views.statement_csv, name="statement-csv"),
    path("fees/charges/<uuid:pk>/void/", views.charge_void, name="charge-void"),
]
