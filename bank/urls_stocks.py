"""Addresses of samples and of units that leave the inventory; part of bank/urls.py."""

from django.urls import path

from bank import views_disposal, views_samples

urlpatterns = [
    path("units/discards/", views_disposal.discard_list, name="discard-list"),
    path("units/<uuid:pk>/disposal/", views_disposal.unit_disposal, name="unit-disposal"),
    path("units/<uuid:pk>/disposal/decide/", views_disposal.disposal_decide, name="disposal-decide"),
    path("units/<uuid:pk>/disposal/withdraw/", views_disposal.disposal_withdraw, name="disposal-withdraw"),
    path("units/<uuid:pk>/samples/", views_samples.unit_samples, name="unit-samples"),
    path("units/<uuid:pk>/samples/<slug:act>/", views_samples.unit_samples_act, name="unit-samples-act"),
]
