from django.urls import path

from core import views, views_users

app_name = "core"
urlpatterns = [
    path("jobs/", views.job_list, name="job-list"),
    path("jobs/<uuid:pk>/", views.job_detail, name="job-detail"),
    path("jobs/<uuid:pk>/cancel/", views.job_cancel, name="job-cancel"),
    path("audit/", views.audit_list, name="audit-list"),
    path("audit/export.csv", views.audit_export, name="audit-export"),
    path("profile/", views.profile, name="profile"),
    path("users/", views_users.user_list, name="user-list"),
    path("users/new/", views_users.user_create, name="user-create"),
    path("users/<uuid:pk>/", views_users.user_edit, name="user-edit"),
    path("users/<uuid:pk>/active/", views_users.user_active, name="user-active"),
    path("users/<uuid:pk>/password/", views_users.user_password, name="user-password"),
    path("language/", views.language_set, name="language-set"),
]
