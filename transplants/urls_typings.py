from django.urls import path

from transplants import views_typings as views

urlpatterns = [
    path("confirmatory-typings/", views.typing_list, name="typing-list"),
    path("confirmatory-typings/export.csv", views.typing_export, name="typing-export"),
    path("confirmatory-typings/new/<uuid:reservation_pk>/", views.typing_create, name="typing-create"),
    path("confirmatory-typings/<uuid:pk>/", views.typing_detail, name="typing-detail"),
    path("confirmatory-typings/<uuid:pk>/sample/", views.typing_sample, name="typing-sample"),
    path("confirmatory-typings/<uuid:pk>/result/", views.typing_report, name="typing-report"),
    path("confirmatory-typings/<uuid:pk>/verify/", views.typing_verify, name="typing-verify"),
    path("confirmatory-typings/<uuid:pk>/take-back/", views.typing_take_back, name="typing-take-back"),
    path("confirmatory-typings/<uuid:pk>/cancel/", views.typing_cancel, name="typing-cancel"),
]
