from django.urls import path

from core import views, views_hooks, views_notifications, views_users

app_name = "core"
urlpatterns = [
    path("jobs/", views.job_list, name="job-list"),
    path("jobs/<uuid:pk>/", views.job_detail, name="job-detail"),
    path("jobs/<uuid:pk>/cancel/", views.job_cancel, name="job-cancel"),
    path("audit/", views.audit_list, name="audit-list"),
    path("audit/export.csv", views.audit_export, name="audit-export"),
    path("profile/", views.profile, name="profile"),
    path("profile/notices/", views_notifications.notice_preferences, name="notice-preferences"),
    path("notifications/", views_notifications.notification_list, name="notification-list"),
    path("notifications/read/", views_notifications.notifications_read, name="notifications-read"),
    path("notifications/<uuid:pk>/", views_notifications.notification_open, name="notification-open"),
    path("mails/", views_notifications.mail_list, name="mail-list"),
    path("mails/<uuid:pk>/retry/", views_notifications.mail_retry, name="mail-retry"),
    path("hooks/", views_hooks.hook_list, name="hook-list"),
    path("hooks/new/", views_hooks.hook_create, name="hook-create"),
    path("hooks/<uuid:pk>/", views_hooks.hook_detail, name="hook-detail"),
    path("hooks/<uuid:pk>/change/", views_hooks.hook_change, name="hook-change"),
    path("hooks/<uuid:pk>/secret/", views_hooks.hook_secret, name="hook-secret"),
    path("hooks/<uuid:pk>/active/", views_hooks.hook_active, name="hook-active"),
    path("hooks/<uuid:pk>/test/", views_hooks.hook_test, name="hook-test"),
    path("hooks/<uuid:pk>/retry/", views_hooks.hook_retry, name="hook-retry"),
    path("users/", views_users.user_list, name="user-list"),
    path("users/new/", views_users.user_create, name="user-create"),
    path("users/<uuid:pk>/", views_users.user_edit, name="user-edit"),
    path("users/<uuid:pk>/active/", views_users.user_active, name="user-active"),
    path("users/<uuid:pk>/password/", views_users.user_password, name="user-password"),
    path("language/", views.language_set, name="language-set"),
]
