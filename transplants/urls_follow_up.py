"""Addresses of follow-up and blood counts; part of transplants/urls.py."""

from django.urls import URLPattern, path

from transplants import views_counts, views_follow_up

urlpatterns: list[URLPattern] = [
    path("follow-up/", views_follow_up.follow_up_list, name="follow-up-list"),
    path("follow-up/export.csv", views_follow_up.follow_up_export, name="follow-up-export"),
    path("follow-up/rules/", views_follow_up.rules_edit, name="follow-up-rules"),
    path("follow-up/<uuid:pk>/", views_follow_up.follow_up_detail, name="follow-up-detail"),
    path("follow-up/<uuid:pk>/correct/", views_follow_up.follow_up_correct, name="follow-up-correct"),
    path("follow-up/<uuid:pk>/discard/", views_follow_up.follow_up_discard, name="follow-up-discard"),
    path("transplants/<uuid:pk>/facts/", views_follow_up.transplant_facts, name="transplant-facts"),
    path(
        "transplants/<uuid:pk>/follow-up/<str:visit>/",
        views_follow_up.follow_up_edit,
        name="follow-up-edit",
    ),
    path("transplants/<uuid:pk>/counts/", views_counts.count_list, name="count-list"),
    path("transplants/<uuid:pk>/counts/file/", views_counts.count_file, name="count-file"),
    path("transplants/<uuid:pk>/counts/remove/", views_counts.count_remove, name="count-remove"),
]
