"""Addresses of the yield; part of bank/urls.py."""

from django.urls import path

from bank import views_yield

urlpatterns = [
    path("units/yield/", views_yield.yield_page, name="yield"),
    path("units/yield/<slug:table>.csv", views_yield.yield_export, name="yield-export"),
]
