"""Addresses of approvals of files with HLA typings; part of bank/urls.py."""

from django.urls import path

from bank import views_genetic

urlpatterns = [
    path("units/genetic/", views_genetic.genetic_register, name="genetic-register"),
    path("units/genetic/mine/", views_genetic.genetic_mine, name="genetic-mine"),
    path("units/genetic/ask/", views_genetic.genetic_ask, name="genetic-ask"),
    path("units/genetic/limits/", views_genetic.genetic_limits, name="genetic-limits"),
    path("units/genetic/<uuid:pk>/", views_genetic.genetic_detail, name="genetic-detail"),
    path("units/genetic/<uuid:pk>/decide/", views_genetic.genetic_decide, name="genetic-decide"),
]
